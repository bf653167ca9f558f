/* SPDX-License-Identifier: MIT */
/*
 * NYSE XDP, Pillar. A channel begins with a sequence reset, which has number 1, and symbol index
 * mappings. Refreshes are not sequenced.
 */
#include "bytes.h"
#include "symbols.h"
#include "table.h"

#define HEADER_BYTES  16u
#define NS_PER_S      UINT64_C(1000000000)
#define HEARTBEAT     1
#define ORIGINAL      11
#define RESET         12
#define REFRESH       17
#define INDEX_SHORT   .instrument = ROW_NUMBER, .id = {8, 4}
#define INDEX_LONG    .instrument = ROW_NUMBER, .id = {12, 4}
#define ORDER(action) .order = {16, 8}, .does = (action)

static const struct row rows[] = {
	{.type = 3,
	 .bytes = 44,
	 .weight = 1,
	 .instrument = ROW_NUMBER,
	 .id = {4, 4},
	 .symbol = {8, 11}},
	{.type = 2, .bytes = 16, .weight = 2},
	{.type = 32, .bytes = 20, .weight = 1, INDEX_LONG},
	{.type = 34, .bytes = 46, .weight = 2, INDEX_LONG},
	{.type = 100, .bytes = 39, .weight = 400, INDEX_SHORT, ORDER(ROW_ADDS)},
	{.type = 101, .bytes = 35, .weight = 100, INDEX_SHORT, ORDER(ROW_TOUCHES)},
	{.type = 102, .bytes = 25, .weight = 330, INDEX_SHORT, ORDER(ROW_ENDS)},
	{.type = 103, .bytes = 42, .weight = 60, INDEX_SHORT, ORDER(ROW_TOUCHES)},
	{.type = 104,
	 .bytes = 42,
	 .weight = 60,
	 INDEX_SHORT,
	 ORDER(ROW_REPLACES),
	 .new_order = {24, 8}},
	{.type = 105, .bytes = 73, .weight = 4, INDEX_LONG},
	{.type = 106, .bytes = 43, .weight = 1, .unsequenced = true, INDEX_LONG, .order = {20, 8}},
	{.type = 110, .bytes = 33, .weight = 15, INDEX_SHORT},
	{.type = 111, .bytes = 29, .weight = 2, INDEX_SHORT},
	{.type = 112, .bytes = 20, .weight = 1, INDEX_SHORT},
	{.type = 113, .bytes = 24, .weight = 1, INDEX_SHORT},
	{.type = 114, .bytes = 17, .weight = 2, INDEX_SHORT},
	{.type = 140, .bytes = 38, .weight = 20, INDEX_SHORT},
	{.type = 223, .bytes = 36, .weight = 1, INDEX_LONG},
	{0},
};

static uint64_t number_of(uint32_t instrument)
{
	return UINT64_C(3000) + instrument;
}

static void instrument_text(uint32_t instrument, char *text)
{
	table_text(number_of(instrument), text);
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	put_le16(to, b->row->bytes);
	put_le16(to + 2, (uint16_t)b->row->type);
	return b->row->bytes;
}

static size_t put_control(enum packet_control control, const struct packet_id *id, uint8_t *to,
			  uint32_t *type)
{
	(void)id;
	if (control != PACKET_RESET)
		return 0;
	memset(to, 0, 14);
	put_le16(to, 14);
	put_le16(to + 2, 1);
	*type = 1;
	return 14;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	static const uint8_t flags[] = {
		[PACKET_DATA] = ORIGINAL,
		[PACKET_HEARTBEAT] = HEARTBEAT,
		[PACKET_RESET] = RESET,
		[PACKET_UNSEQUENCED] = REFRESH,
	};
	const bool reset = p->id.control == PACKET_RESET;
	uint8_t *h = p->payload;

	put_le16(h, (uint16_t)p->len);
	h[2] = flags[p->id.control];
	h[3] = reset ? 1 : (uint8_t)p->id.count;
	put_le32(h + 4, (uint32_t)(reset ? p->id.first - 1 : p->id.first));
	put_le32(h + 8, (uint32_t)(now_ns / NS_PER_S));
	put_le32(h + 12, (uint32_t)(now_ns % NS_PER_S));
}

static const struct table table = {
	.rows = rows,
	.directory = &rows[0],
	.begins = true,
	.messages_max = 16,
	.reset = TABLE_CONSUMES,
	.number = number_of,
	.block = put_block,
	.control = put_control,
	.seal = seal,
};

const struct protocol gen_nyse_pillar = {
	.name = "nyse_pillar",
	.feed = "nyse_pillar",
	.help = "NYSE XDP, Pillar",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_RESET,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(2),
	.table = &table,
	.seal = seal,
	.instrument = instrument_text,
	.symbol = symbol_text,
	TABLE_OPS,
};

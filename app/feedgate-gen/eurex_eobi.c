/* SPDX-License-Identifier: MIT */
/*
 * Eurex T7 EOBI: a group has two partitions. Sequence numbers count packets, also heartbeats and
 * the packet of a reset.
 */
#include "bytes.h"
#include "table.h"

#define HEADER_BYTES  32u
#define HEARTBEAT     13001u
#define PRODUCT_STATE 13300u
#define SECURITY(at)  .instrument = ROW_NUMBER, .id = {at, 8}

static const struct row rows[] = {
	{.type = 13100, .bytes = 48, .weight = 350, SECURITY(16)},
	{.type = 13101, .bytes = 72, .weight = 100, SECURITY(40)},
	{.type = 13102, .bytes = 56, .weight = 300, SECURITY(24)},
	{.type = 13103, .bytes = 24, .weight = 5, SECURITY(8)},
	{.type = 13104, .bytes = 48, .weight = 40, SECURITY(32)},
	{.type = 13105, .bytes = 48, .weight = 40, SECURITY(32)},
	{.type = 13106, .bytes = 56, .weight = 40, SECURITY(32)},
	{.type = 13201, .bytes = 80, .weight = 10, SECURITY(8)},
	{.type = 13202, .bytes = 64, .weight = 40, SECURITY(8)},
	{.type = PRODUCT_STATE, .bytes = 24, .weight = 2},
	{.type = 13301, .bytes = 24, .weight = 3, SECURITY(8)},
	{.type = 13302, .bytes = 16, .weight = 1},
	{.type = 13500, .bytes = 56, .weight = 5, SECURITY(16)},
	{.type = 13501, .bytes = 40, .weight = 5, SECURITY(16)},
	{.type = 13503, .bytes = 24, .weight = 5, SECURITY(8)},
	{.type = 13504, .bytes = 72, .weight = 60, SECURITY(16)},
	{0},
};

static uint64_t number_of(uint32_t instrument)
{
	return UINT64_C(72057594037927936) + instrument;
}

static void instrument_text(uint32_t instrument, char *text)
{
	table_text(number_of(instrument), text);
}

static uint64_t channel_of(uint32_t index)
{
	return index + 1;
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
	*type = control == PACKET_RESET ? PRODUCT_STATE : HEARTBEAT;
	memset(to, 0, 16);
	put_le16(to, 16);
	put_le16(to + 2, (uint16_t)*type);
	put_le32(to + 4, UINT32_MAX);
	put_le32(to + 8, (uint32_t)id->first);
	return 16;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	memset(h, 0, HEADER_BYTES);
	put_le16(h, HEADER_BYTES);
	put_le16(h + 2, 13005);
	put_le32(h + 4, UINT32_MAX);
	put_le32(h + 8, (uint32_t)packet_number_before(p));
	put_le32(h + 12, (uint32_t)(688 + p->id.channel));
	h[16] = (uint8_t)p->id.channel;
	h[17] = 1; /* complete */
	h[18] = p->id.control == PACKET_RESET;
	put_le64(h + 24, now_ns);
}

static const struct table table = {
	.rows = rows,
	.per_packet = true,
	.messages_max = 8,
	.heartbeat = TABLE_CONSUMES,
	.reset = TABLE_CONSUMES,
	.number = number_of,
	.channel = channel_of,
	.block = put_block,
	.control = put_control,
	.seal = seal,
};

const struct protocol gen_eurex_eobi = {
	.name = "eurex_eobi",
	.feed = "eurex_eobi",
	.help = "Eurex T7 EOBI",
	.max_channels = 64,
	.shared = 2,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_RESET,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(4),
	.table = &table,
	.instrument = instrument_text,
	TABLE_OPS,
};

/* SPDX-License-Identifier: MIT */
/* MEMX Memoir. Heartbeats and the end of a session have no count. */
#include "bytes.h"
#include "table.h"

#define HEADER_BYTES  20u
#define CONTROL_BYTES 18u
#define SECURITY      .instrument = ROW_NUMBER, .id = {16, 2}

static const struct row rows[] = {
	{.type = 10, .bytes = 47, .weight = 400, SECURITY},
	{.type = 11, .bytes = 26, .weight = 350, SECURITY},
	{.type = 12, .bytes = 30, .weight = 60, SECURITY},
	{.type = 13, .bytes = 46, .weight = 60, SECURITY},
	{.type = 2, .bytes = 19, .weight = 2, SECURITY},
	{.type = 3, .bytes = 20, .weight = 2, SECURITY},
	{.type = 5, .bytes = 17, .weight = 1},
	{0},
};

static uint64_t number_of(uint32_t instrument)
{
	return instrument + 1;
}

static void instrument_text(uint32_t instrument, char *text)
{
	table_text(number_of(instrument), text);
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	put_be16(to, (uint16_t)(b->row->bytes - 2));
	put_be16(to + 2, (uint16_t)(b->row->bytes - 8));
	to[4] = (uint8_t)b->row->type;
	to[5] = 1;
	put_be16(to + 6, 0x0103);
	return b->row->bytes;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	(void)now_ns;
	h[0] = p->id.control == PACKET_DATA ? 2 : p->id.control == PACKET_END ? 1 : 0;
	h[1] = CONTROL_BYTES;
	memcpy(h + 2, p->id.session, 8);
	put_be64(h + 10, p->id.first);
	put_be16(h + 18, (uint16_t)p->id.count);
	if (p->id.control != PACKET_DATA)
		p->len = CONTROL_BYTES;
}

static const struct table table = {
	.rows = rows,
	.big = true,
	.messages_max = 14,
	.session_bytes = 8,
	.number = number_of,
	.block = put_block,
	.seal = seal,
};

const struct protocol gen_memx_memoir = {
	.name = "memx_memoir",
	.feed = "memx_memoir",
	.help = "MEMX Memoir",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_END | PROTOCOL_RESET,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(9),
	.table = &table,
	.seal = seal,
	.instrument = instrument_text,
	TABLE_OPS,
};

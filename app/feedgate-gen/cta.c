/* SPDX-License-Identifier: MIT */
/* CTA: quotes (CQS) and trades (CTS). A channel begins with a start of day, number 0. */
#include "siac.h"
#include "symbols.h"
#include "table.h"

#define HEADER_BYTES 20u
#define TYPE(a, b)   ((uint32_t)(a) << 8 | (b))
#define LONG         .instrument = ROW_SYMBOL, .id = {26, 11}
#define SHORT        .instrument = ROW_SYMBOL, .id = {26, 5}

static const struct row rows[] = {
	{.type = TYPE('A', 'S'), .bytes = 60, .weight = 2, LONG},
	{.type = TYPE('M', 'K'), .bytes = 47, .weight = 1},
	{.type = TYPE('M', 'V'), .bytes = 39, .weight = 1},
	{.type = TYPE('Q', 'L'), .bytes = 107, .weight = 20, LONG},
	{.type = TYPE('Q', 'S'), .bytes = 65, .weight = 60, SHORT},
	{.type = TYPE('T', 'C'), .bytes = 121, .weight = 1, LONG},
	{.type = TYPE('T', 'E'), .bytes = 100, .weight = 1, LONG},
	{.type = TYPE('T', 'H'), .bytes = 57, .weight = 2, SHORT},
	{.type = TYPE('T', 'L'), .bytes = 83, .weight = 8, LONG},
	{.type = TYPE('T', 'R'), .bytes = 90, .weight = 2, LONG},
	{.type = TYPE('T', 'S'), .bytes = 70, .weight = 1, LONG},
	{.type = TYPE('T', 'T'), .bytes = 50, .weight = 12, SHORT},
	{0},
};

static void put_header(uint8_t *to, uint32_t type, size_t bytes)
{
	put_be16(to, (uint16_t)bytes);
	put_be16(to + 2, (uint16_t)type);
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	put_header(to, b->row->type, b->row->bytes);
	to[4] = (uint8_t)('A' + rng_below(b->rng, 16));
	return b->row->bytes;
}

/* Line integrity, end of day, and start of day; later starts are resets. */
static uint32_t control_type(enum packet_control control, const struct packet_id *id)
{
	if (control == PACKET_HEARTBEAT)
		return TYPE('C', 'T');
	if (control == PACKET_END)
		return TYPE('C', 'Z');
	return id->epoch == 0 ? TYPE('C', 'A') : TYPE('C', 'L');
}

static size_t put_control(enum packet_control control, const struct packet_id *id, uint8_t *to,
			  uint32_t *type)
{
	*type = control_type(control, id);
	memset(to, 0, 26);
	put_header(to, *type, 26);
	to[4] = 'C';
	return 26;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	h[0] = 2;
	h[3] = 'Q';
	h[4] = 'O';
	put_be32(h + 5, (uint32_t)packet_number_before(p));
	h[9] = (uint8_t)(p->id.control == PACKET_DATA ? p->id.count : 1);
	put_be32(h + 10, (uint32_t)(now_ns / SIAC_NS_PER_S));
	put_be32(h + 14, (uint32_t)(now_ns % SIAC_NS_PER_S));
	siac_seal(p, 18);
}

static const struct table table = {
	.rows = rows,
	.big = true,
	.pad = ' ',
	.begins = true,
	.messages_max = 10,
	.heartbeat = TABLE_LAST,
	.reset = TABLE_LAST,
	.block = put_block,
	.control = put_control,
	.seal = seal,
};

const struct protocol gen_cta = {
	.name = "cta",
	.feed = "cta",
	.help = "CTA quotes and trades",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_END | PROTOCOL_RESET,
	.characters = true,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(6),
	.table = &table,
	.seal = seal,
	.instrument = symbol_text,
	.symbol = symbol_text,
	TABLE_OPS,
};

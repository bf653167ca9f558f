/* SPDX-License-Identifier: MIT */
/* OPRA binary. Messages have no length: it follows from category and type, and from appendages. */
#include "siac.h"
#include "symbols.h"
#include "table.h"

#define HEADER_BYTES 21u
#define SYMBOL       .instrument = ROW_SYMBOL, .id = {12, 5}

static const struct row rows[] = {
	{.type = 'k', .bytes = 43, .weight = 400, SYMBOL},
	{.type = 'q', .bytes = 29, .weight = 500, .instrument = ROW_SYMBOL, .id = {12, 4}},
	{.type = 'a', .bytes = 43, .weight = 80, SYMBOL},
	{.type = 'd', .bytes = 30, .weight = 4, SYMBOL},
	{.type = 'f', .bytes = 72, .weight = 4, SYMBOL},
	{.type = 'Y', .bytes = 27, .weight = 8, SYMBOL},
	{.type = 'C', .bytes = 14, .weight = 4},
	{0},
};

/* Appendages: best bid or offer of a quote, a number of Y, a text of C. */
static size_t append(const struct table_block *b, uint8_t *to)
{
	static const char indicators[] = "MNPCGKO        ";
	uint32_t bytes = 0;

	switch (b->row->type) {
	case 'k':
	case 'q':
		to[3] = (uint8_t)indicators[rng_below(b->rng, sizeof(indicators) - 1)];
		bytes = to[3] == ' ' ? 0 : to[3] == 'O' ? 20 : 10;
		break;
	case 'Y':
		to[2] = rng_below(b->rng, 2) ? 'I' : ' ';
		bytes = to[2] == 'I' ? 4 : 0;
		break;
	case 'C':
		bytes = rng_below(b->rng, TABLE_BLOCK_ADDS);
		put_be16(to + 12, (uint16_t)bytes);
		break;
	default:
		break;
	}
	memset(to + b->row->bytes, 'x', bytes);
	return b->row->bytes + bytes;
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	to[0] = (uint8_t)('A' + rng_below(b->rng, 16));
	to[1] = (uint8_t)b->row->type;
	to[2] = 'A';
	to[3] = ' ';
	return append(b, to);
}

static size_t put_control(enum packet_control control, const struct packet_id *id, uint8_t *to,
			  uint32_t *type)
{
	(void)id;
	memset(to, 0, 12);
	memcpy(to, "OHN ", 4);
	if (control != PACKET_HEARTBEAT)
		to[2] = control == PACKET_RESET ? 'K' : 'J';
	*type = 'H';
	return 12;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	h[0] = 6;
	h[3] = 'O';
	h[4] = ' ';
	h[5] = p->id.session[0];
	put_be32(h + 6, (uint32_t)packet_number_before(p));
	h[10] = (uint8_t)(p->id.control == PACKET_DATA ? p->id.count : 1);
	put_be32(h + 11, (uint32_t)(now_ns / SIAC_NS_PER_S));
	put_be32(h + 15, (uint32_t)(now_ns % SIAC_NS_PER_S));
	siac_seal(p, 19);
}

static const struct table table = {
	.rows = rows,
	.big = true,
	.pad = ' ',
	.messages_max = 14,
	.session_bytes = 1,
	.heartbeat = TABLE_LAST,
	.reset = TABLE_LAST,
	.block = put_block,
	.control = put_control,
	.seal = seal,
};

const struct protocol gen_opra = {
	.name = "opra",
	.feed = "opra",
	.help = "OPRA binary",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_END | PROTOCOL_RESET,
	.characters = true,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(5),
	.table = &table,
	.seal = seal,
	.instrument = symbol_text_short,
	.symbol = symbol_text_short,
	TABLE_OPS,
};

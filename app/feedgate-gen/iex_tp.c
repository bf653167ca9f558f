/* SPDX-License-Identifier: MIT */
/* IEX-TP 1: the channels carry TOPS, DEEP and DEEP+ in turn, each with messages of its own. */
#include "bytes.h"
#include "symbols.h"
#include "table.h"

#define HEADER_BYTES 40u
#define TOPS         1
#define DEEP         2
#define DEEP_PLUS    4
#define SYMBOL       .instrument = ROW_SYMBOL, .id = {10, 8}

static const struct row rows[] = {
	{.type = 'D', .bytes = 2 + 31, .weight = 1, SYMBOL},
	{.type = 'S', .bytes = 2 + 10, .weight = 1},
	{.type = 'H', .bytes = 2 + 22, .weight = 2, SYMBOL},
	{.type = 'I', .bytes = 2 + 18, .weight = 1, SYMBOL},
	{.type = 'O', .bytes = 2 + 18, .weight = 1, SYMBOL},
	{.type = 'P', .bytes = 2 + 19, .weight = 1, SYMBOL},
	{.type = 'E', .bytes = 2 + 18, .weight = 1, SYMBOL, .kinds = DEEP},
	{.type = 'Q', .bytes = 2 + 42, .weight = 70, SYMBOL, .kinds = TOPS},
	{.type = '8', .bytes = 2 + 30, .weight = 35, SYMBOL, .kinds = DEEP},
	{.type = '5', .bytes = 2 + 30, .weight = 35, SYMBOL, .kinds = DEEP},
	{.type = 'T', .bytes = 2 + 38, .weight = 10, SYMBOL},
	{.type = 'B', .bytes = 2 + 38, .weight = 1, SYMBOL},
	{.type = 'X', .bytes = 2 + 26, .weight = 1, SYMBOL, .kinds = TOPS | DEEP},
	{.type = 'A', .bytes = 2 + 80, .weight = 2, SYMBOL, .kinds = TOPS | DEEP},
	{.type = 'a', .bytes = 2 + 38, .weight = 35, SYMBOL, .kinds = DEEP_PLUS},
	{.type = 'M', .bytes = 2 + 38, .weight = 10, SYMBOL, .kinds = DEEP_PLUS},
	{.type = 'R', .bytes = 2 + 26, .weight = 25, SYMBOL, .kinds = DEEP_PLUS},
	{.type = 'L', .bytes = 2 + 46, .weight = 5, SYMBOL, .kinds = DEEP_PLUS},
	{.type = 'C', .bytes = 2 + 18, .weight = 1, SYMBOL, .kinds = DEEP_PLUS},
	{0},
};

static uint64_t channel_of(uint32_t index)
{
	return (UINT64_C(0x8003) + index % 3) << 32 | (index / 3 + 1);
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	put_le16(to, (uint16_t)(b->row->bytes - 2));
	to[2] = (uint8_t)b->row->type;
	return b->row->bytes;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	h[0] = 1;
	h[1] = 0;
	put_le16(h + 2, (uint16_t)(p->id.channel >> 32));
	put_le32(h + 4, (uint32_t)p->id.channel);
	memcpy(h + 8, p->id.session, 4);
	put_le16(h + 12, (uint16_t)(p->len - HEADER_BYTES));
	put_le16(h + 14, (uint16_t)p->id.count);
	put_le64(h + 16, p->position);
	put_le64(h + 24, p->id.first);
	put_le64(h + 32, now_ns);
}

static const struct table table = {
	.rows = rows,
	.directory = &rows[0],
	.pad = ' ',
	.messages_max = 14,
	.session_bytes = 4,
	.channel = channel_of,
	.block = put_block,
	.seal = seal,
};

const struct protocol gen_iex_tp = {
	.name = "iex_tp",
	.feed = "iex_tp",
	.help = "IEX-TP 1 with TOPS, DEEP and DEEP+",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_RESET,
	.characters = true,
	.body = 2,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(1),
	.table = &table,
	.seal = seal,
	.instrument = symbol_text,
	.symbol = symbol_text,
	TABLE_OPS,
};

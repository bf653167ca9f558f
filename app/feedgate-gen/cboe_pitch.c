/* SPDX-License-Identifier: MIT */
/*
 * Cboe multicast PITCH: a group has four units, each with sequence numbers of its own. Only adds
 * and trades have a symbol; later messages have the order. Spins have number 0.
 */
#include "bytes.h"
#include "symbols.h"
#include "table.h"

#define HEADER_BYTES  8u
#define SYMBOL(at, n) .instrument = ROW_SYMBOL, .id = {at, n}
#define ORDER(action) .order = {6, 8}, .does = (action)

static const struct row rows[] = {
	{.type = 0x20, .bytes = 6, .weight = 20},
	{.type = 0x21, .bytes = 34, .weight = 60, SYMBOL(19, 6), ORDER(ROW_ADDS)},
	{.type = 0x22, .bytes = 26, .weight = 340, SYMBOL(17, 6), ORDER(ROW_ADDS)},
	{.type = 0x2f, .bytes = 41, .weight = 40, SYMBOL(19, 8), ORDER(ROW_ADDS)},
	{.type = 0x23, .bytes = 26, .weight = 40, ORDER(ROW_TOUCHES)},
	{.type = 0x24, .bytes = 38, .weight = 10, ORDER(ROW_TOUCHES)},
	{.type = 0x25, .bytes = 18, .weight = 10, ORDER(ROW_TOUCHES)},
	{.type = 0x26, .bytes = 16, .weight = 30, ORDER(ROW_TOUCHES)},
	{.type = 0x27, .bytes = 27, .weight = 10, ORDER(ROW_TOUCHES)},
	{.type = 0x28, .bytes = 19, .weight = 30, ORDER(ROW_TOUCHES)},
	{.type = 0x29, .bytes = 14, .weight = 360, ORDER(ROW_ENDS)},
	{.type = 0x2a, .bytes = 41, .weight = 5, SYMBOL(19, 6), ORDER(ROW_NOTHING)},
	{.type = 0x2b, .bytes = 33, .weight = 20, SYMBOL(17, 6), ORDER(ROW_NOTHING)},
	{.type = 0x30, .bytes = 43, .weight = 5, SYMBOL(19, 8), ORDER(ROW_NOTHING)},
	{.type = 0x2c, .bytes = 14, .weight = 1},
	{.type = 0x31, .bytes = 18, .weight = 5, SYMBOL(6, 8)},
	{.type = 0x95, .bytes = 47, .weight = 3, SYMBOL(6, 8)},
	{.type = 0x96, .bytes = 27, .weight = 2, SYMBOL(6, 8)},
	{.type = 0x98, .bytes = 15, .weight = 3, SYMBOL(6, 8)},
	{.type = 0x97, .bytes = 6, .weight = 1, .unsequenced = true},
	{.type = 0x2e, .bytes = 38, .weight = 20, SYMBOL(2, 6), .unsequenced = true},
	{0},
};

static uint64_t channel_of(uint32_t index)
{
	return index + 1;
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	to[0] = (uint8_t)b->row->bytes;
	to[1] = (uint8_t)b->row->type;
	return b->row->bytes;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	(void)now_ns;
	put_le16(h, (uint16_t)p->len);
	h[2] = (uint8_t)p->id.count;
	h[3] = (uint8_t)p->id.channel;
	put_le32(h + 4, (uint32_t)p->id.first);
}

static const struct table table = {
	.rows = rows,
	.pad = ' ',
	.messages_max = 18,
	.channel = channel_of,
	.block = put_block,
	.seal = seal,
};

const struct protocol gen_cboe_pitch = {
	.name = "cboe_pitch",
	.feed = "cboe_pitch",
	.help = "Cboe multicast PITCH",
	.max_channels = 64,
	.shared = 4,
	.can = PROTOCOL_HEARTBEAT,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(3),
	.table = &table,
	.seal = seal,
	.instrument = symbol_text,
	.symbol = symbol_text,
	TABLE_OPS,
};

/* SPDX-License-Identifier: MIT */
/* ICE iMpact. */
#include "bytes.h"
#include "table.h"

#define HEADER_BYTES 16u
#define MARKET       .instrument = ROW_NUMBER, .id = {3, 4}

static const struct row rows[] = {
	{.type = 'E', .bytes = 50, .weight = 400, MARKET},
	{.type = 'F', .bytes = 16, .weight = 350, MARKET},
	{.type = 'G', .bytes = 70, .weight = 60, MARKET},
	{.type = 'C', .bytes = 128, .weight = 4, MARKET},
	{.type = 'D', .bytes = 42, .weight = 20, MARKET},
	{.type = 'J', .bytes = 55, .weight = 20, MARKET},
	{.type = 'K', .bytes = 16, .weight = 4, MARKET},
	{.type = 'N', .bytes = 24, .weight = 4, MARKET},
	{.type = 'U', .bytes = 140, .weight = 2, MARKET},
	{.type = 'g', .bytes = 30, .weight = 2, MARKET},
	{.type = 'T', .bytes = 12, .weight = 60},
	{.type = 'L', .bytes = 20, .weight = 2},
	{.type = 'W', .bytes = 40, .weight = 2},
	{.type = 'b', .bytes = 18, .weight = 2},
	{.type = 'i', .bytes = 3, .weight = 2},
	{0},
};

static uint64_t number_of(uint32_t instrument)
{
	return UINT64_C(5000000) + 13 * instrument;
}

static void instrument_text(uint32_t instrument, char *text)
{
	table_text(number_of(instrument), text);
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	to[0] = (uint8_t)b->row->type;
	put_be16(to + 1, (uint16_t)(b->row->bytes - 3));
	return b->row->bytes;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	memcpy(h, p->id.session, 2);
	put_be32(h + 2, (uint32_t)p->id.first);
	put_be16(h + 6, (uint16_t)p->id.count);
	put_be64(h + 8, now_ns / 1000000);
}

static const struct table table = {
	.rows = rows,
	.big = true,
	.messages_max = 10,
	.session_bytes = 2,
	.number = number_of,
	.block = put_block,
	.seal = seal,
};

const struct protocol gen_ice_impact = {
	.name = "ice_impact",
	.feed = "ice_impact",
	.help = "ICE iMpact",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_RESET,
	.characters = true,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(7),
	.table = &table,
	.seal = seal,
	.instrument = instrument_text,
	TABLE_OPS,
};

/* SPDX-License-Identifier: MIT */
/*
 * Deribit multicast: SBE messages without a length. It follows from the root block, the groups and
 * the fields of variable length.
 */
#include "bytes.h"
#include "table.h"

#define HEADER_BYTES   8u
#define MESSAGE_HEADER 12u
#define GROUP_HEADER   8u
#define INSTRUMENT     .instrument = ROW_NUMBER, .id = {12, 4}

/* The bytes of a row are those of the header and the root block. */
static const struct row rows[] = {
	{.type = 1000, .bytes = 12 + 140, .weight = 4, INSTRUMENT},
	{.type = 1001, .bytes = 12 + 29, .weight = 500, INSTRUMENT},
	{.type = 1002, .bytes = 12 + 4, .weight = 100, INSTRUMENT},
	{.type = 1003, .bytes = 12 + 133, .weight = 300, INSTRUMENT},
	{.type = 1004, .bytes = 12 + 22, .weight = 20, INSTRUMENT},
	{.type = 1005, .bytes = 12 + 4, .weight = 1},
	{.type = 1006, .bytes = 12 + 4, .weight = 1},
	{.type = 1008, .bytes = 12 + 24, .weight = 20},
	{.type = 1009, .bytes = 12 + 18, .weight = 4, INSTRUMENT},
	{0},
};

/* Groups by message type: bytes of an entry, maximum of entries. */
static const struct {
	uint32_t type;
	uint8_t bytes, max;
} groups[] = {{1001, 18, 3}, {1002, 83, 1}, {1004, 17, 3}};

static uint64_t number_of(uint32_t instrument)
{
	return UINT64_C(210000) + instrument;
}

static void instrument_text(uint32_t instrument, char *text)
{
	table_text(number_of(instrument), text);
}

static uint64_t channel_of(uint32_t index)
{
	return index + 1;
}

static size_t put_group(struct rng *r, uint8_t *to, unsigned int bytes, unsigned int max)
{
	const uint32_t entries = rng_below(r, max + 1);

	memset(to, 0, GROUP_HEADER + (size_t)bytes * entries);
	put_le16(to, (uint16_t)bytes);
	put_le16(to + 2, (uint16_t)entries);
	return GROUP_HEADER + (size_t)bytes * entries;
}

/* A name, after its length. */
static size_t put_name(uint8_t *to)
{
	static const char name[] = "BTC-PERPETUAL";

	to[0] = sizeof(name) - 1;
	memcpy(to + 1, name, sizeof(name) - 1);
	return sizeof(name);
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	size_t bytes = b->row->bytes;

	put_le16(to, (uint16_t)(bytes - MESSAGE_HEADER));
	put_le16(to + 2, (uint16_t)b->row->type);
	put_le16(to + 4, 1);
	put_le16(to + 6, 1);
	put_le32(to + 8, 0);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i].type != b->row->type)
			continue;
		put_le16(to + 8, 1);
		bytes += put_group(b->rng, to + bytes, groups[i].bytes, groups[i].max);
	}
	if (b->row->type == 1000) {
		put_le16(to + 10, 1);
		bytes += put_name(to + bytes);
	}
	return bytes;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	(void)now_ns;
	put_le16(h, (uint16_t)(p->len - HEADER_BYTES));
	put_le16(h + 2, (uint16_t)p->id.channel);
	put_le32(h + 4, (uint32_t)p->id.first);
}

static const struct table table = {
	.rows = rows,
	.per_packet = true,
	.messages_max = 5,
	.number = number_of,
	.channel = channel_of,
	.block = put_block,
	.seal = seal,
};

const struct protocol gen_deribit = {
	.name = "deribit",
	.feed = "deribit",
	.help = "Deribit multicast",
	.max_channels = 64,
	.shared = 1,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(11),
	.table = &table,
	.instrument = instrument_text,
	TABLE_OPS,
};

/* SPDX-License-Identifier: MIT */
/*
 * MoldUDP64 with messages of an unknown protocol: a letter, then random bytes. Some have no bytes,
 * which is allowed.
 */
#include "moldudp64.h"

#include "bytes.h"
#include "table.h"

static const struct row rows[] = {
	{.type = 'M', .bytes = 2 + 90, .weight = 60},
	{.type = 'T', .bytes = 2 + 5, .weight = 30},
	{.type = 'x', .bytes = 2 + 33, .weight = 9},
	{.type = PACKET_NO_TYPE, .bytes = 2, .weight = 1},
	{0},
};

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	const uint32_t least = b->row->bytes < 4 ? b->row->bytes : 4;
	const uint32_t bytes = rng_between(b->rng, least, b->row->bytes);

	put_be16(to, (uint16_t)(bytes - 2));
	if (bytes > 2)
		to[2] = (uint8_t)b->row->type;
	return bytes;
}

void moldudp64_seal(struct packet *p, uint64_t now_ns)
{
	(void)now_ns;
	memcpy(p->payload, p->id.session, 10);
	put_be64(p->payload + 10, p->id.first);
	put_be16(p->payload + 18, p->id.control == PACKET_END ? UINT16_MAX : (uint16_t)p->id.count);
}

static const struct table table = {
	.rows = rows,
	.big = true,
	.messages_max = 12,
	.session_bytes = 10,
	.block = put_block,
	.seal = moldudp64_seal,
};

const struct protocol gen_moldudp64 = {
	.name = "moldudp64",
	.feed = "moldudp64",
	.help = "MoldUDP64 with messages of any kind",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_END | PROTOCOL_RESET,
	.characters = true,
	.body = 2,
	.header_bytes = MOLDUDP64_HEADER_BYTES,
	TABLE_LINES(0),
	.table = &table,
	.seal = moldudp64_seal,
	TABLE_OPS,
};

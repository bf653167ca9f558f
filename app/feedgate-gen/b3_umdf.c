/* SPDX-License-Identifier: MIT */
/* B3 Binary UMDF: SBE messages after a header with a length. The sequence version is the session.
 */
#include "bytes.h"
#include "table.h"

#define HEADER_BYTES   16u
#define MESSAGE_HEADER 12u
#define SEQUENCE_RESET 1u
#define SEQUENCE       2u
#define SECURITY       .instrument = ROW_NUMBER, .id = {12, 8}

static const struct row rows[] = {
	{.type = 50, .bytes = 68, .weight = 500, SECURITY},
	{.type = 51, .bytes = 60, .weight = 400, SECURITY},
	{.type = 53, .bytes = 64, .weight = 60, SECURITY},
	{.type = 55, .bytes = 76, .weight = 20, SECURITY},
	{.type = 11, .bytes = 24, .weight = 1},
	{0},
};

static uint64_t number_of(uint32_t instrument)
{
	return UINT64_C(200000000000) + 11 * instrument;
}

static void instrument_text(uint32_t instrument, char *text)
{
	table_text(number_of(instrument), text);
}

static uint64_t channel_of(uint32_t index)
{
	return index + 1;
}

static void put_header(uint8_t *to, uint32_t type, size_t bytes)
{
	put_le16(to, (uint16_t)bytes);
	put_le16(to + 2, 0xeb50);
	put_le16(to + 4, (uint16_t)(bytes - MESSAGE_HEADER));
	put_le16(to + 6, (uint16_t)type);
	put_le16(to + 8, 2);
	put_le16(to + 10, 16);
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	put_header(to, b->row->type, b->row->bytes);
	return b->row->bytes;
}

static size_t put_control(enum packet_control control, const struct packet_id *id, uint8_t *to,
			  uint32_t *type)
{
	const size_t bytes = MESSAGE_HEADER + (control == PACKET_RESET ? 0 : 4);

	*type = control == PACKET_RESET ? SEQUENCE_RESET : SEQUENCE;
	put_header(to, *type, bytes);
	if (control != PACKET_RESET)
		put_le32(to + MESSAGE_HEADER, (uint32_t)id->first);
	return bytes;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	uint8_t *h = p->payload;

	h[0] = (uint8_t)p->id.channel;
	h[1] = 0;
	memcpy(h + 2, p->id.session, 2);
	put_le32(h + 4, (uint32_t)packet_number_before(p));
	put_le64(h + 8, now_ns);
}

static const struct table table = {
	.rows = rows,
	.per_packet = true,
	.messages_max = 8,
	.session_bytes = 2,
	.reset = TABLE_CONSUMES,
	.number = number_of,
	.channel = channel_of,
	.block = put_block,
	.control = put_control,
	.seal = seal,
};

const struct protocol gen_b3_umdf = {
	.name = "b3_umdf",
	.feed = "b3_umdf",
	.help = "B3 Binary UMDF",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_RESET,
	.header_bytes = HEADER_BYTES,
	TABLE_LINES(10),
	.table = &table,
	.instrument = instrument_text,
	TABLE_OPS,
};

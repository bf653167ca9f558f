/* SPDX-License-Identifier: MIT */
/* MIAX MACH: each message has a header with its sequence number. */
#include "bytes.h"
#include "table.h"

#define UNIT_BYTES 12u
#define PRODUCT    .instrument = ROW_NUMBER, .id = {17, 4}

static const struct row rows[] = {
	{.type = 'B', .bytes = 31, .weight = 200, PRODUCT},
	{.type = 'O', .bytes = 31, .weight = 200, PRODUCT},
	{.type = 'W', .bytes = 37, .weight = 50, PRODUCT},
	{.type = 'A', .bytes = 37, .weight = 50, PRODUCT},
	{.type = 'd', .bytes = 39, .weight = 200, PRODUCT},
	{.type = 'D', .bytes = 51, .weight = 50, PRODUCT},
	{.type = 'T', .bytes = 40, .weight = 20, PRODUCT},
	{.type = '1', .bytes = 17, .weight = 10},
	{0},
};

static uint64_t number_of(uint32_t instrument)
{
	return UINT64_C(700000) + 3 * instrument;
}

static void instrument_text(uint32_t instrument, char *text)
{
	table_text(number_of(instrument), text);
}

static void put_unit(uint8_t *to, uint64_t number, uint16_t bytes, uint8_t type, uint8_t session)
{
	put_le64(to, number);
	put_le16(to + 8, bytes);
	to[10] = type;
	to[11] = session;
}

static size_t put_block(const struct table_block *b, uint8_t *to)
{
	put_unit(to, b->number, b->row->bytes, 3, b->id->session[0]);
	to[12] = (uint8_t)b->row->type;
	return b->row->bytes;
}

static size_t put_control(enum packet_control control, const struct packet_id *id, uint8_t *to,
			  uint32_t *type)
{
	*type = PACKET_NO_TYPE;
	put_unit(to, id->first - 1, UNIT_BYTES,
		 control == PACKET_HEARTBEAT ? 0
		 : control == PACKET_RESET   ? 1
					     : 2,
		 id->session[0]);
	return UNIT_BYTES;
}

static void seal(struct packet *p, uint64_t now_ns)
{
	(void)p;
	(void)now_ns;
}

static const struct table table = {
	.rows = rows,
	.begins = true,
	.messages_max = 12,
	.session_bytes = 1,
	.heartbeat = TABLE_LAST,
	.reset = TABLE_LAST,
	.number = number_of,
	.block = put_block,
	.control = put_control,
	.seal = seal,
};

const struct protocol gen_miax_mach = {
	.name = "miax_mach",
	.feed = "miax_mach",
	.help = "MIAX MACH",
	.max_channels = 64,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_END | PROTOCOL_RESET,
	.characters = true,
	TABLE_LINES(8),
	.table = &table,
	.seal = seal,
	.instrument = instrument_text,
	TABLE_OPS,
};

/* SPDX-License-Identifier: MIT */
/*
 * Protocols: headers, where messages are, and descriptions that are refused.
 * Packets are written out by hand; test/tools/test_protocols.py compares whole captures.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include <fg_config.h>
#include <fg_protocol.h>
#include <fg_walk.h>

#define BYTES_MAX 256u

static uint16_t from_hex(const char *hex, uint8_t *out)
{
	uint16_t count = 0;

	for (; *hex != '\0'; hex++) {
		unsigned int byte;

		if (*hex == ' ')
			continue;
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		assert_true(count < BYTES_MAX);
		out[count++] = (uint8_t)byte;
		hex++;
	}
	return count;
}

/* Read a copy that ends where the packet ends, so that a sanitizer sees reads beyond it. */
static int read_hex(const struct fg_protocol *protocol, const char *hex, uint8_t **payload,
		    struct fg_feed_packet *packet)
{
	uint8_t bytes[BYTES_MAX];
	const uint16_t len = from_hex(hex, bytes);

	*payload = malloc(len);
	assert_true(*payload != NULL || len == 0);
	memcpy(*payload, bytes, len);
	return fg_protocol_read(protocol, *payload, len, packet);
}

static const struct fg_protocol *protocol_of(const char *name)
{
	const struct fg_protocol *protocol = fg_protocol_find(name);

	assert_non_null(protocol);
	return protocol;
}

static void test_table(void **state)
{
	(void)state;
	for (uint32_t i = 0; fg_protocols[i] != NULL; i++) {
		const struct fg_protocol *f = fg_protocols[i];
		struct fg_error error = {0};

		assert_true(f->name[0] != '\0' && f->help[0] != '\0');
		if (fg_protocol_check(f, &error) != 0)
			fail_msg("%s: %s", f->name, error.text);
		assert_ptr_equal(fg_protocol_find(f->name), f);
		assert_ptr_equal(fg_messages_find(f->messages->name), f->messages);
	}
	assert_null(fg_protocol_find("none"));
	assert_null(fg_messages_find("none"));
}

struct read_case {
	const char *protocol, *hex;
	int rc;
	uint8_t kind;
	uint64_t first, channel;
	uint32_t count, messages;
	uint8_t ended;
};

#define MOLD     "53455353494f4e202020" /* Session. */
#define FLAG(f)  "1400 " f " 01 09000000 00000000 00000000 0400 2300"
#define EOBI     "2000 cc32 ffffffff 05000000 07000000 02 01 "
#define CME      "0a000000 0000000000000000 "
#define OPRA(f)  "06 0021 4f " f " 00 00000005 01 00000000 00000000 0000 "
#define CTA(f)   "02 002e 51 " f " 00000005 01 00000000 00000000 0000 001a "
#define CTA_REST "53 0000000000000000 01 00000000 00000000 0000000000000000"
#define MEMX     "12 0000000000000001 0000000000000005"

static const struct read_case read_cases[] = {
	/* MoldUDP64: two messages, heartbeat, end; padding at the end; count that is too high. */
	{"moldudp64", MOLD "0000000000000007 0002 0001 53 0000", 0, FG_FEED_DATA, 7, 0, 2, 2, 0},
	{"itch50", MOLD "0000000000000007 0002 0001 53 0000", 0, FG_FEED_DATA, 7, 0, 2, 2, 0},
	{"itch50", MOLD "0000000000000007 0001 0001 53 0000", 0, FG_FEED_DATA, 7, 0, 1, 1, 0},
	{"itch50", MOLD "0000000000000007 0000", 0, FG_FEED_HEARTBEAT, 7, 0, 0, 0, 0},
	{"itch50", MOLD "0000000000000007 0000 00", 0, FG_FEED_HEARTBEAT, 7, 0, 0, 0, 0},
	{"itch50", MOLD "0000000000000007 ffff 0001 53", 0, FG_FEED_END, 7, 0, 0, 0, 0},
	{"itch50", MOLD "0000000000000007 0003 0001 53", 0, FG_FEED_DATA, 7, 0, 3, 1, 1},
	{"itch50", MOLD "0000000000000007 0001 0002 53", 0, FG_FEED_DATA, 7, 0, 1, 0, 1},
	{"itch50", MOLD "0000000000000007 0001 ffff 53", 0, FG_FEED_DATA, 7, 0, 1, 0, 1},
	{"itch50", MOLD "0000000000000007 0001 00", 0, FG_FEED_DATA, 7, 0, 1, 0, 1},
	{"itch50", MOLD "0000000000000007 00", -EMSGSIZE, 0, 0, 0, 0, 0, 0},
	{"itch50", "", -EMSGSIZE, 0, 0, 0, 0, 0, 0},
	/* CME: no message; heartbeat is data; reset; sizes of 0, below the header, beyond the end.
	 */
	{"cme_mdp3", CME, 0, FG_FEED_DATA, 10, 0, 1, 0, 0},
	{"cme_mdp3", CME "0a00 0000 0c00 0100 0900", 0, FG_FEED_DATA, 10, 0, 1, 1, 0},
	{"cme_mdp3", CME "0a00 0000 0400 0100 0900", 0, FG_FEED_RESET, 11, 0, 0, 1, 0},
	{"cme_mdp3", CME "0000 0000 0c00 0100 0900", 0, FG_FEED_DATA, 10, 0, 1, 0, 1},
	{"cme_mdp3", CME "0900 0000 0500 0100 0900", 0, FG_FEED_DATA, 10, 0, 1, 0, 1},
	{"cme_mdp3", CME "0b00 0000 0500 0100 0900", 0, FG_FEED_DATA, 10, 0, 1, 0, 1},
	{"cme_mdp3", CME "0a00 0000 0500 0100 0900 00", 0, FG_FEED_DATA, 10, 0, 1, 1, 1},
	{"cme_mdp3", "ffffffff 0000000000000000 0a00 0000 0400 0100 0900", 0, FG_FEED_RESET, 0, 0,
	 0, 1, 0},
	/* IEX: heartbeat; another version; a stated length beyond the payload. */
	{"iex_tp",
	 "01 00 0480 01000000 0000dd48 0000 0000 0000000000000000 0100000000000000 "
	 "0000000000000000",
	 0, FG_FEED_HEARTBEAT, 1, 0x800400000001, 0, 0, 0},
	{"iex_tp",
	 "02 00 0480 01000000 0000dd48 0000 0000 0000000000000000 0100000000000000 "
	 "0000000000000000",
	 -EPROTO, 0, 0, 0, 0, 0, 0},
	{"iex_tp",
	 "01 00 0480 01000000 0000dd48 0100 0000 0000000000000000 0100000000000000 "
	 "0000000000000000",
	 -EMSGSIZE, 0, 0, 0, 0, 0, 0},
	/* Pillar: flags, and a stated length below the header. */
	{"nyse_pillar", "1000 01 00 02000000 00000000 00000000", 0, FG_FEED_HEARTBEAT, 2, 0, 0, 0,
	 0},
	{"nyse_pillar", FLAG("0a"), 0, FG_FEED_DATA, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("0b"), 0, FG_FEED_DATA, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("0c"), 0, FG_FEED_RESET, 10, 0, 0, 1, 0},
	{"nyse_pillar", FLAG("0d"), 0, FG_FEED_UNSEQUENCED, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("15"), 0, FG_FEED_UNSEQUENCED, 9, 0, 1, 1, 0},
	{"nyse_pillar", "0f00 0b 01 09000000 00000000 00000000 0400 2300", -EMSGSIZE, 0, 0, 0, 0, 0,
	 0},
	{"nyse_pillar", "1500 0b 01 09000000 00000000 00000000 0400 2300", -EMSGSIZE, 0, 0, 0, 0, 0,
	 0},
	{"nyse_pillar", "1400 0b 01 09000000 00000000 00000000 0300 2300", 0, FG_FEED_DATA, 9, 0, 1,
	 0, 1},
	/* PITCH: unsequenced; heartbeat of unit 3; lengths 0 and 1, which must not loop. */
	{"cboe_pitch", "0e00 01 03 00000000 06 97 00000000", 0, FG_FEED_UNSEQUENCED, 0, 3, 1, 1, 0},
	{"cboe_pitch", "0800 00 03 4d000000", 0, FG_FEED_HEARTBEAT, 77, 3, 0, 0, 0},
	{"cboe_pitch", "0e00 01 03 4d000000 00 97 00000000", 0, FG_FEED_DATA, 77, 3, 1, 0, 1},
	{"cboe_pitch", "0e00 01 03 4d000000 01 97 00000000", 0, FG_FEED_DATA, 77, 3, 1, 0, 1},
	{"cboe_pitch", "0900 01 03 4d000000 02", 0, FG_FEED_DATA, 77, 3, 1, 0, 1},
	/* EOBI: data, reset; a header that is none. */
	{"eurex_eobi", EOBI "00 00 00000000 0000000000000000 0800 2d33 00000000", 0, FG_FEED_DATA,
	 5, 2, 1, 1, 0},
	{"eurex_eobi", EOBI "01 00 00000000 0000000000000000 0800 2d33 00000000", 0, FG_FEED_RESET,
	 6, 2, 0, 1, 0},
	{"eurex_eobi", "1000 c932 ffffffff 5e0c0000 00000000 0000000000000000 0000000000000000",
	 -EPROTO, 0, 0, 0, 0, 0, 0},
	/* OPRA: line integrity, a retransmission, an unknown category, odd padding. */
	{"opra", OPRA("20") "4f 48 4e 20 00000000 00000000", 0, FG_FEED_HEARTBEAT, 6, 0, 0, 1, 0},
	{"opra", OPRA("56") "4f 48 41 20 00000000 00000000", 0, FG_FEED_UNSEQUENCED, 5, 0, 1, 1, 0},
	{"opra", OPRA("20") "4f 5a 41 20 00000000 00000000", 0, FG_FEED_DATA, 5, 0, 1, 0, 2},
	{"opra", OPRA("20") "4f 6b 41 20 00000000 00000000", 0, FG_FEED_DATA, 5, 0, 1, 0, 1},
	{"opra", OPRA("20") "4f 48 41 20 00000000 00000000 00", 0, FG_FEED_DATA, 5, 0, 1, 1, 0},
	{"opra",
	 "06 0023 4f 20 00 00000005 01 00000000 00000000 0000 4f 43 20 20 00000000 00000000 0001",
	 0, FG_FEED_DATA, 5, 0, 1, 0, 1},
	/* CTA: line integrity and start of day before the first message; end; retransmission. */
	{"cta", CTA("4f") "43 54 " CTA_REST, 0, FG_FEED_HEARTBEAT, 6, 0, 0, 1, 0},
	{"cta", CTA("4f") "43 41 " CTA_REST, 0, FG_FEED_RESET, 6, 0, 0, 1, 0},
	{"cta", CTA("4f") "43 5a " CTA_REST, 0, FG_FEED_END, 6, 0, 0, 1, 0},
	{"cta", CTA("56") "43 43 " CTA_REST, 0, FG_FEED_UNSEQUENCED, 5, 0, 1, 1, 0},
	{"cta", CTA("4f") "43 43 " CTA_REST, 0, FG_FEED_DATA, 5, 0, 1, 1, 0},
	/* iMpact: heartbeat; a body of no bytes is a message of 3. */
	{"ice_impact", "050b 0003de84 0000 000001655bed428e", 0, FG_FEED_HEARTBEAT, 0x3de84, 0, 0,
	 0, 0},
	{"ice_impact", "050b 0003de84 0002 000001655bed428e 54 0000 54 0001 53", 0, FG_FEED_DATA,
	 0x3de84, 0, 2, 2, 0},
	/* MACH: start, heartbeat that repeats the last number, end, three units, a hole among them.
	 */
	{"miax_mach", "0000000000000000 0c00 01 01", 0, FG_FEED_RESET, 1, 0, 0, 1, 0},
	{"miax_mach", "1100000000000000 0c00 00 01", 0, FG_FEED_HEARTBEAT, 18, 0, 0, 1, 0},
	{"miax_mach", "1100000000000000 0c00 02 01", 0, FG_FEED_END, 18, 0, 0, 1, 0},
	{"miax_mach", "1100000000000000 0d00 03 01 54 1200000000000000 0c00 03 01", 0, FG_FEED_DATA,
	 17, 0, 2, 2, 0},
	{"miax_mach", "0000000000000000 0c00 01 01 0100000000000000 0c00 03 01", 0, FG_FEED_DATA, 1,
	 0, 1, 2, 0},
	{"miax_mach", "1100000000000000 0d00 03 01 54 1300000000000000 0c00 03 01", -EBADMSG, 0, 0,
	 0, 0, 0, 0},
	{"miax_mach", "1100000000000000 0d00 03 01 54 1200000000000000 0c00 03 02", -EBADMSG, 0, 0,
	 0, 0, 0, 0},
	{"miax_mach", "1100000000000000 0000 03 01", -EBADMSG, 0, 0, 0, 0, 0, 0},
	/* Memoir: heartbeat and shutdown are shorter than data. */
	{"memx_memoir", "00 " MEMX, 0, FG_FEED_HEARTBEAT, 5, 0, 0, 0, 0},
	{"memx_memoir", "01 " MEMX, 0, FG_FEED_END, 5, 0, 0, 0, 0},
	{"memx_memoir", "02 " MEMX, -EMSGSIZE, 0, 0, 0, 0, 0, 0},
	{"memx_memoir", "02 " MEMX "0001 0000", 0, FG_FEED_DATA, 5, 0, 1, 1, 0},
	{"memx_memoir", "03 " MEMX "0001 0000", -EPROTO, 0, 0, 0, 0, 0, 0},
	/* UMDF: the heartbeat has the next number; one that is too short for it is data. */
	{"b3_umdf", "07 00 0300 1e000000 0000000000000000 1000 50eb 0400 0200 0100 0100 63000000",
	 0, FG_FEED_HEARTBEAT, 99, 7, 0, 1, 0},
	{"b3_umdf", "07 00 0300 1e000000 0000000000000000 0c00 50eb 0000 0200 0100 0100", 0,
	 FG_FEED_DATA, 30, 7, 1, 1, 0},
	/* Deribit: a block, a group of two and a text; then wrong lengths of each. */
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 0200 0000 0000 112233 445566 "
	 "01 41",
	 0, FG_FEED_DATA, 9, 5, 1, 1, 0},
	{"deribit",
	 "1e00 0500 09000000 ff00 e803 0100 0100 0100 0100 ffff 0300 0200 0000 0000 112233 445566 "
	 "01 41",
	 0, FG_FEED_DATA, 9, 5, 1, 0, 1},
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 ff00 0000 0000 112233 445566 "
	 "01 41",
	 0, FG_FEED_DATA, 9, 5, 1, 0, 1},
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 0200 0000 0000 112233 445566 "
	 "02 41",
	 0, FG_FEED_DATA, 9, 5, 1, 0, 1},
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 0200 0100 0000 112233 445566 "
	 "01 41",
	 0, FG_FEED_DATA, 9, 5, 1, 0, 1},
	{"deribit", "0c00 0500 09000000 0000 e803 0100 0100 ffff ffff", 0, FG_FEED_DATA, 9, 5, 1, 0,
	 1},
};

/* Every protocol built in has a case above. */
static void test_covered(void **state)
{
	(void)state;
	for (uint32_t i = 0; fg_protocols[i] != NULL; i++) {
		bool covered = false;

		for (unsigned int j = 0; j < RTE_DIM(read_cases); j++)
			covered |= strcmp(read_cases[j].protocol, fg_protocols[i]->name) == 0;
		if (!covered)
			fail_msg("%s: no case", fg_protocols[i]->name);
	}
}

static void test_read(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(read_cases); i++) {
		const struct read_case *c = &read_cases[i];
		const struct fg_protocol *protocol = protocol_of(c->protocol);
		struct fg_feed_packet packet = {0};
		struct fg_message message;
		struct fg_walk walk;
		uint8_t *payload;
		uint32_t messages = 0;
		int rc = read_hex(protocol, c->hex, &payload, &packet);

		if (rc != c->rc)
			fail_msg("%s %s: %d, not %d", c->protocol, c->hex, rc, c->rc);
		if (rc != 0) {
			free(payload);
			continue;
		}
		fg_walk_begin(&walk, payload, &packet);
		while (fg_protocol_next(protocol, &walk, &message))
			messages++;
		if (packet.kind != c->kind || packet.first != c->first ||
		    packet.channel != c->channel || packet.count != c->count ||
		    messages != c->messages || walk.end_reason != c->ended)
			fail_msg("%s %s: kind %u first %lu channel %lu count %u, %u messages, "
				 "ended %u",
				 c->protocol, c->hex, packet.kind, packet.first, packet.channel,
				 packet.count, messages, walk.end_reason);
		free(payload);
	}
}

/* The code of the hot protocols reads headers as the common code does with their rows. */
static void test_hot(void **state)
{
	static const char *const names[] = {"itch50", "cme_mdp3"};

	(void)state;
	srand(5);
	for (unsigned int run = 0; run < 20000; run++) {
		struct fg_protocol slow = *protocol_of(names[run % 2]);
		const uint16_t len = (uint16_t)(rand() % 60);
		struct fg_feed_packet a = {0}, b = {0};
		uint8_t bytes[64];

		for (unsigned int i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(rand() % 3 != 0 ? rand() % 16 : 0);
		slow.hot = FG_HOT_NONE;
		assert_int_equal(fg_protocol_read(protocol_of(names[run % 2]), bytes, len, &a),
				 fg_protocol_read(&slow, bytes, len, &b));
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static uint32_t instruments_of(const struct fg_protocol *protocol, const char *hex, uint64_t *ids,
			       uint32_t max, bool *malformed)
{
	struct fg_feed_packet packet;
	struct fg_instruments list;
	struct fg_message message;
	struct fg_walk walk;
	const uint8_t *at;
	uint8_t *payload;
	uint32_t count = 0;

	assert_int_equal(read_hex(protocol, hex, &payload, &packet), 0);
	fg_walk_begin(&walk, payload, &packet);
	*malformed = false;
	while (fg_protocol_next(protocol, &walk, &message)) {
		const struct fg_message_type *row =
			fg_messages_get(protocol->messages, message.type);

		fg_instruments_begin(protocol, row, &message, &list);
		while (fg_instruments_next(&list, &at)) {
			assert_true(count < max);
			ids[count++] = fg_number_load(at, row->id.bytes, protocol->header.order);
		}
		*malformed |= list.malformed;
	}
	free(payload);
	return count;
}

/* Template 37: blocks of 16 bytes, SecurityID at 4. */
#define VOLUME(size, root, entry, count) CME size " " root " 2500 0100 0900 0000 " entry " " count
#define ENTRY(id)                        "11111111 " id "000000 22222222 33333333"

static void test_entries(void **state)
{
	const struct fg_protocol *cme = protocol_of("cme_mdp3");
	uint64_t ids[8] = {0};
	bool malformed;

	(void)state;
	assert_int_equal(
		instruments_of(cme, VOLUME("2f00", "0200", "1000", "02") ENTRY("07") ENTRY("09"),
			       ids, 8, &malformed),
		2);
	assert_int_equal(ids[0], 7);
	assert_int_equal(ids[1], 9);
	assert_false(malformed);
	/* More entries than there are; entries too short for the id; a root beyond the message. */
	assert_int_equal(
		instruments_of(cme, VOLUME("2f00", "0200", "1000", "ff") ENTRY("07") ENTRY("09"),
			       ids, 8, &malformed),
		2);
	assert_true(malformed);
	assert_int_equal(
		instruments_of(cme, VOLUME("2f00", "0200", "0700", "02") ENTRY("07") ENTRY("09"),
			       ids, 8, &malformed),
		0);
	assert_true(malformed);
	assert_int_equal(
		instruments_of(cme, VOLUME("2f00", "0200", "0000", "ff") ENTRY("07") ENTRY("09"),
			       ids, 8, &malformed),
		0);
	assert_true(malformed);
	assert_int_equal(
		instruments_of(cme, VOLUME("2f00", "ffff", "1000", "02") ENTRY("07") ENTRY("09"),
			       ids, 8, &malformed),
		0);
	assert_true(malformed);
	/* A message that ends before its group, as older versions may. */
	assert_int_equal(
		instruments_of(cme, CME "0c00 0200 2500 0100 0900 0000", ids, 8, &malformed), 0);
	assert_false(malformed);
	/* A locate, and a message too short for it. */
	assert_int_equal(instruments_of(protocol_of("itch50"),
					MOLD "0000000000000001 0002 0003 44 1234 0002 44 12", ids,
					8, &malformed),
			 1);
	assert_int_equal(ids[0], 0x1234);
}

static void test_types(void **state)
{
	const struct fg_protocol *itch = protocol_of("itch50"), *cme = protocol_of("cme_mdp3");
	const struct fg_protocol *cta = protocol_of("cta");
	char text[FG_TYPE_TEXT_BYTES];
	uint32_t type = 0;

	(void)state;
	assert_int_equal(fg_protocol_type(itch, "A", &type), 0);
	assert_int_equal(type, 'A');
	assert_int_equal(fg_protocol_type(itch, "addorder", &type), 0);
	assert_int_equal(type, 'A');
	assert_int_equal(fg_protocol_type(itch, "0x41", &type), 0);
	assert_int_equal(type, 'A');
	assert_int_equal(fg_protocol_type(protocol_of("iex_tp"), "8", &type), 0);
	assert_int_equal(type, '8');
	assert_int_equal(fg_protocol_type(cme, "MDIncrementalRefreshBook", &type), 0);
	assert_int_equal(type, 46);
	assert_int_equal(fg_protocol_type(cme, "47", &type), 0);
	assert_int_equal(type, 47);
	assert_int_equal(fg_protocol_type(cta, "QL", &type), 0);
	assert_int_equal(type, 'Q' << 8 | 'L');
	assert_string_equal(fg_protocol_type_text(cta, type, text), "QL");
	assert_string_equal(fg_protocol_type_text(cme, 46, text), "46");
	assert_string_equal(fg_protocol_type_text(itch, 'h', text), "h");
	assert_string_equal(fg_protocol_type_text(itch, 7, text), "7");
	assert_string_equal(fg_protocol_type_text(itch, FG_TYPE_NONE, text), "-");
	assert_int_equal(fg_protocol_type(itch, "Nothing", &type), -ENOENT);
	assert_int_equal(fg_protocol_type(itch, "256", &type), -ENOENT);
	assert_int_equal(fg_protocol_type(cme, "65536", &type), -ENOENT);
	assert_int_equal(fg_protocol_type(cme, "", &type), -ENOENT);
	assert_int_equal(fg_messages_get(itch->messages, 'U')->order.off, 11);
	assert_int_equal(fg_messages_get(itch->messages, '?')->id.off, 1);
	assert_int_equal(fg_messages_get(cme->messages, 9999)->instrument, FG_INSTRUMENT_NONE);
}

static int load(const char *yaml, struct fg_protocol **out, struct fg_error *error)
{
	struct fg_config *config = NULL;
	int rc = fg_config_load_text("test", yaml, strlen(yaml), &config, error);

	assert_int_equal(rc, 0);
	rc = fg_protocol_load(fg_node_get(fg_config_root(config), "protocol"), out, error);
	fg_config_free(config);
	return rc;
}

static void test_load(void **state)
{
	struct fg_protocol *protocol = NULL;
	struct fg_error error = {0};
	uint32_t type;

	(void)state;
	assert_int_equal(load("protocol: itch50", &protocol, &error), 0);
	assert_string_equal(protocol->name, "itch50");
	assert_int_equal(protocol->hot, FG_HOT_MOLDUDP64);
	fg_protocol_free(protocol);
	/* With other messages the walk is still the hot one; with another header it is not. */
	assert_int_equal(load("protocol: {like: moldudp64, messages: itch50}", &protocol, &error),
			 0);
	assert_int_equal(protocol->hot, FG_HOT_MOLDUDP64);
	assert_ptr_equal(protocol->messages, fg_messages_find("itch50"));
	fg_protocol_free(protocol);
	assert_int_equal(
		load("protocol:\n"
		     "  like: moldudp64\n"
		     "  count: {at: 18, bytes: 1}\n"
		     "  channel: [{at: 0, bytes: 1}, {at: 1, bytes: 2}]\n"
		     "  messages:\n"
		     "    - {type: Z, name: Last, instrument: text, at: 1, bytes: 5}\n"
		     "    - {type: B, name: First, instrument: number, at: 5, bytes: 4, "
		     "symbol_at: 9, symbol_bytes: 12, maps_symbol: true}\n"
		     "    - {type: other, instrument: order, order_at: 5, order_bytes: 8}\n",
		     &protocol, &error),
		0);
	assert_int_equal(protocol->hot, FG_HOT_NONE);
	assert_int_equal(protocol->header.channel[1].bytes, 2);
	assert_int_equal(fg_protocol_type(protocol, "first", &type), 0);
	assert_int_equal(type, 'B');
	assert_int_equal(fg_messages_get(protocol->messages, 'Z')->id.bytes, 5);
	assert_int_equal(fg_messages_get(protocol->messages, 'x')->instrument, FG_INSTRUMENT_ORDER);
	fg_protocol_free(protocol);
	assert_string_equal(error.text, "");
}

#define HEADER "  header: {bytes: 8}\n  sequence: {at: 0, bytes: 4}\n"

static const struct {
	const char *yaml, *reason;
} refused_cases[] = {
	{"protocol: none\n", "test:1:1: protocol: no protocol named \"none\""},
	{"protocol: [1]\n", "test:1:1: protocol: expected a name or a map"},
	{"protocol: {like: none}\n", "like: no such built-in protocol"},
	{"protocol: {headers: 1}\n", "test:1:12: unknown key 'headers': expected like, h"},
	{"protocol: {header: 1}\n", "header: expected a map"},
	{"protocol: {header: {byte: 1}}\n", "byte"},
	{"protocol: {header: {bytes: 8}}\n", "sequence: expected 4 or 8 bytes"},
	{"protocol:\n" HEADER "  walk: {bytes: 2}\n  count: {at: 7, bytes: 2}\n",
	 "test:5:3: protocol: count:"},
	{"protocol:\n" HEADER "  count: {at: 7, bytes: 2}\n  walk: {bytes: 2}\n", "count:"},
	{"protocol:\n" HEADER "  walk: {kind: rest}\n", "shortest message has no bytes"},
	{"protocol:\n" HEADER "  walk: {bytes: 3}\n", "length is not within"},
	{"protocol:\n" HEADER "  walk: {bytes: 2, min_bytes: 1}\n", "length is not within"},
	{"protocol:\n" HEADER "  walk: {bytes: 2, message_at: 3}\n", "begins after"},
	{"protocol:\n" HEADER "  walk: {kind: type, min_bytes: 1}\n",
	 "needs messages with lengths"},
	{"protocol:\n" HEADER "  walk: {kind: groups, min_bytes: 1}\n", "groups: header"},
	{"protocol:\n" HEADER "  walk: {bytes: 2}\n  type: {at: 0, bytes: 3}\n", "type: expected"},
	{"protocol:\n" HEADER "  session: {at: 0, bytes: 17}\n  walk: {bytes: 2}\n", "session"},
	{"protocol:\n" HEADER "  channel: {at: 6, bytes: 4}\n  walk: {bytes: 2}\n", "channel"},
	{"protocol: {like: itch50, channel: [{at: 0, bytes: 1}, {at: 0, bytes: 1}, "
	 "{at: 0, bytes: 1}]}\n",
	 "channel: too many"},
	{"protocol: {like: itch50, checks: [{at: 0, bytes: 1, min: 2, max: 1}]}\n", "check 1"},
	{"protocol: {like: itch50, admin: [{is: data, at: 0, bytes: 1}]}\n", "admin 1"},
	{"protocol: {like: itch50, messages: none}\n", "no set named"},
	{"protocol: {like: itch50, messages: [{type: AB}]}\n", "\"AB\" is no type of 1 byte"},
	{"protocol: {like: itch50, messages: [{type: A}, {type: A}]}\n", "listed twice"},
	{"protocol: {like: itch50, messages: [{type: A, instrument: number}]}\n",
	 "without a place"},
	{"protocol: {like: itch50, messages: [{type: A, instrument: number, at: 0, bytes: "
	 "2, "
	 "group: 1}]}\n",
	 "groups are not described"},
	{"protocol: {like: itch50, messages: [{type: A, maps_symbol: true}]}\n", "maps_symbol"},
	{"protocol: {like: miax_mach, count: {at: 0, bytes: 1}}\n", "units"},
	{"protocol: {like: opra, messages: itch50}\n", "needs messages with lengths"},
};

static void test_refused(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(refused_cases); i++) {
		struct fg_protocol *protocol = NULL;
		struct fg_error error = {0};

		if (load(refused_cases[i].yaml, &protocol, &error) == 0 ||
		    strstr(error.text, refused_cases[i].reason) == NULL ||
		    strncmp(error.text, "test:", 5) != 0)
			fail_msg("%s: %s", refused_cases[i].yaml, error.text);
		assert_null(protocol);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),   cmocka_unit_test(test_covered),
		cmocka_unit_test(test_read),    cmocka_unit_test(test_hot),
		cmocka_unit_test(test_entries), cmocka_unit_test(test_types),
		cmocka_unit_test(test_load),    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

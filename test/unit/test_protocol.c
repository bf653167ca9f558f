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

#include "protocol_cases.h"

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

/* The checksum that OPRA and CTA specify, in cases that have none. */
static void seal(const struct fg_protocol *protocol, uint8_t *payload, uint16_t len)
{
	const uint32_t at = strcmp(protocol->name, "opra") == 0  ? 19
			    : strcmp(protocol->name, "cta") == 0 ? 18
								 : 0;
	uint32_t sum = 0;

	if (at == 0 || len < at + 2u || payload[at] != 0 || payload[at + 1] != 0)
		return;
	for (uint32_t i = 0; i < len; i++)
		sum += payload[i];
	payload[at] = (uint8_t)(sum >> 8);
	payload[at + 1] = (uint8_t)sum;
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
	seal(protocol, *payload, len);
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

/* Every protocol built in has a case. */
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
		struct fg_protocol without = *protocol;
		struct fg_feed_packet packet = {0};
		enum fg_walk_end verified;
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
		verified = fg_protocol_verify(protocol, payload, &packet);
		if (packet.kind != c->kind || packet.first != c->first ||
		    packet.channel != c->channel || packet.count != c->count ||
		    messages != c->messages || verified != c->verified)
			fail_msg("%s %s: kind %u first %lu channel %lu count %u, %u messages, "
				 "verified %u",
				 c->protocol, c->hex, packet.kind, packet.first, packet.channel,
				 packet.count, messages, verified);
		assert_int_equal(walk.end_reason,
				 verified != FG_WALK_BAD_CHECKSUM ? verified : FG_WALK_DONE);
		without.ignore_checksum = true;
		assert_int_equal(fg_protocol_verify(&without, payload, &packet), walk.end_reason);
		free(payload);
	}
}

/* Code compiled with a protocol's constants does what the common code does with its rows. */
static void test_compiled(void **state)
{
	uint32_t count = 0, read = 0, done = 0;

	(void)state;
	srand(5);
	while (fg_protocols[count] != NULL)
		count++;
	for (unsigned int run = 0; run < 400000; run++) {
		const struct read_case *c = &read_cases[run % RTE_DIM(read_cases)];
		const struct fg_protocol *protocol = fg_protocols[(unsigned int)rand() % count];
		struct fg_feed_packet a = {0}, b = {0};
		struct fg_protocol plain = *protocol;
		uint8_t bytes[BYTES_MAX], *payload;
		uint16_t len = from_hex(c->hex, bytes);
		int rc;

		if (rand() % 8 != 0)
			protocol = protocol_of(c->protocol);
		plain = *protocol;
		plain.compiled = FG_COMPILED_NONE;
		assert_int_not_equal(protocol->compiled, FG_COMPILED_NONE);
		for (unsigned int i = (unsigned int)rand() % 3; len > 0 && i > 0; i--)
			bytes[rand() % len] = (uint8_t)(rand() % 3 != 0 ? rand() % 16 : rand());
		if (rand() % 4 == 0)
			len = (uint16_t)(rand() % (len + 1));
		payload = malloc(len);
		assert_true(payload != NULL || len == 0);
		memcpy(payload, bytes, len);
		rc = fg_protocol_read(protocol, payload, len, &a);
		assert_int_equal(rc, fg_protocol_read(&plain, payload, len, &b));
		if (rc == 0) {
			const enum fg_walk_end end = fg_protocol_verify(protocol, payload, &a);

			assert_memory_equal(&a, &b, sizeof(a));
			assert_int_equal(end, fg_protocol_verify(&plain, payload, &a));
			read++;
			done += end == FG_WALK_DONE;
		}
		free(payload);
	}
	assert_true(read > 100000 && done > 10000);
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
	assert_int_equal(protocol->compiled, FG_COMPILED_itch50);
	fg_protocol_free(protocol);
	/* With other messages the walk is still the compiled one; with another header it is not.
	 */
	assert_int_equal(load("protocol: {like: moldudp64, messages: itch50}", &protocol, &error),
			 0);
	assert_int_equal(protocol->compiled, FG_COMPILED_moldudp64);
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
	assert_int_equal(protocol->compiled, FG_COMPILED_NONE);
	assert_int_equal(protocol->header.channel[1].bytes, 2);
	assert_int_equal(fg_protocol_type(protocol, "first", &type), 0);
	assert_int_equal(type, 'B');
	assert_int_equal(fg_messages_get(protocol->messages, 'Z')->id.bytes, 5);
	assert_int_equal(fg_messages_get(protocol->messages, 'x')->instrument, FG_INSTRUMENT_ORDER);
	fg_protocol_free(protocol);
	assert_int_equal(load("protocol: {like: moldudp64, checksum: {at: 2}, "
			      "walk: {at: 0, bytes: 2, length_bias: 2, message_at: 2, pad_to: 4}}",
			      &protocol, &error),
			 0);
	assert_int_equal(protocol->header.checksum.off, 2);
	assert_int_equal(protocol->header.checksum.bytes, 2);
	assert_int_equal(protocol->walk.pad_to, 4);
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
	{"protocol: {like: itch50, checksum: {at: 19}}\n", "checksum: not 2 bytes within"},
	{"protocol: {like: itch50, checksum: {at: 0, bytes: 1}}\n", "checksum: not 2 bytes within"},
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
		cmocka_unit_test(test_read),    cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_entries), cmocka_unit_test(test_types),
		cmocka_unit_test(test_load),    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

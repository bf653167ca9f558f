/* SPDX-License-Identifier: MIT */
/* What a feed knows: its directory, from messages and from files, and its orders. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <fg_config.h>

#include "filter_rig.h"

static struct fg_known *known_of(const struct fg_protocol *protocol, uint32_t directory,
				 uint32_t orders)
{
	const struct fg_known_conf conf = {.protocol = protocol,
					   .symbols_max = directory,
					   .orders = orders,
					   .socket_id = SOCKET_ID_ANY};
	struct fg_error error = {0};
	struct fg_known *known = NULL;

	if (fg_known_create(&conf, &known, &error) != 0)
		fail_msg("%s", error.text);
	return known;
}

static uint64_t counter_of(const struct fg_known *known, enum fg_known_counter counter)
{
	uint64_t counters[FG_KNOWN_COUNT];

	fg_known_counters(known, counters);
	return counters[counter];
}

/* A filter of one instrument, or of any. */
static struct fg_msg_filter *filter_of(const struct fg_protocol *protocol, struct fg_known *known,
				       const char *instrument, uint8_t unknown)
{
	const struct fg_msg_filter_conf conf = {.protocol = protocol,
						.known = known,
						.instruments = &instrument,
						.n_instruments = 1,
						.any_instrument = instrument == NULL,
						.unmapped = unknown,
						.socket_id = SOCKET_ID_ANY};
	struct fg_msg_filter *filter = NULL;
	struct fg_error error = {0};

	if (fg_msg_filter_create(&conf, &filter, &error) != 0)
		fail_msg("%s", error.text);
	return filter;
}

static struct fg_msg_filter_result match(const struct fg_protocol *protocol,
					 struct fg_msg_filter *filter, const uint8_t *payload,
					 uint32_t len)
{
	struct fg_msg_filter_result result;
	struct fg_feed_packet packet;

	assert_int_equal(fg_protocol_read(protocol, payload, (uint16_t)len, &packet), 0);
	fg_msg_filter_match(filter, payload, &packet, &result);
	return result;
}

/* An R message, or an A, of that locate and symbol; alone in its packet. */
static uint32_t itch(uint8_t *p, char type, uint32_t locate, const char *symbol)
{
	memset(p, 0, 61);
	p[19] = 1;
	p[21] = 39;
	p[22] = (uint8_t)type;
	p[23] = (uint8_t)(locate >> 8);
	p[24] = (uint8_t)locate;
	memset(p + 22 + 11, ' ', 8);
	memcpy(p + 22 + 11, symbol, strlen(symbol));
	return 61;
}

static bool wants(struct fg_msg_filter *filter, uint32_t locate)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	uint8_t p[64];
	const uint32_t len = itch(p, 'D', locate, "");

	return match(protocol, filter, p, len).n_matched == 1;
}

static void tell(struct fg_msg_filter *filter, uint32_t locate, const char *symbol)
{
	uint8_t p[64];
	const uint32_t len = itch(p, 'R', locate, symbol);

	(void)match(fg_protocol_find("itch50"), filter, p, len);
}

/* Learned, changed, and full; filters made before and after see the same. */
static void test_directory(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	struct fg_known *known = known_of(protocol, 4, 0);
	struct fg_msg_filter *learner = filter_of(protocol, known, NULL, FG_UNMAPPED_DROP);
	struct fg_msg_filter *before = filter_of(protocol, known, "AAPL", FG_UNMAPPED_DROP), *after;
	struct fg_msg_filter_info info;

	(void)unused;
	fg_msg_filter_info(learner, &info);
	assert_true(info.learns);
	tell(learner, 7, "AAPL");
	tell(learner, 7, "AAPL");
	tell(learner, 0, "NONE");
	tell(learner, 8, "");
	assert_int_equal(counter_of(known, FG_KNOWN_symbols), 1);
	assert_true(wants(before, 7));
	assert_false(wants(before, 8));
	fg_msg_filter_info(before, &info);
	assert_int_equal(info.n_unmapped_symbols, 0);
	/* A symbol may have two numbers, and a number another symbol. */
	tell(learner, 9, "AAPL");
	after = filter_of(protocol, known, "AAPL", FG_UNMAPPED_DROP);
	assert_true(wants(before, 9) && wants(after, 9) && wants(after, 7));
	tell(before, 7, "MSFT");
	assert_false(wants(before, 7) || wants(after, 7));
	assert_true(wants(before, 9) && wants(after, 9));
	assert_int_equal(counter_of(known, FG_KNOWN_symbols_changed), 1);
	tell(learner, 9, "INTC");
	assert_false(wants(before, 9));
	fg_msg_filter_info(before, &info);
	assert_int_equal(info.n_unmapped_symbols, 1);
	/* Four entries: full. */
	tell(learner, 10, "AAPL");
	assert_false(wants(before, 10));
	assert_int_equal(counter_of(known, FG_KNOWN_symbols_full), 1);
	assert_int_equal(counter_of(known, FG_KNOWN_symbols), 2);
	fg_msg_filter_free(learner);
	fg_msg_filter_free(before);
	fg_msg_filter_free(after);
	fg_known_free(known);
}

/* Who knows all symbols wanted says no to other numbers, until the directory is full. */
static void test_undecided(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	struct fg_known *known = known_of(protocol, 2, 0);
	struct fg_msg_filter *pass = filter_of(protocol, known, "AAPL", FG_UNMAPPED_PASS);

	(void)unused;
	assert_true(wants(pass, 5));
	tell(pass, 7, "AAPL");
	assert_false(wants(pass, 5));
	tell(pass, 8, "MSFT");
	tell(pass, 9, "INTC");
	assert_true(wants(pass, 5));
	assert_false(wants(pass, 8));
	fg_msg_filter_free(pass);
	fg_known_free(known);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_load(void **unused)
{
	static const struct {
		const char *text;
		int rc;
		const char *reason;
	} cases[] = {
		{"# all good\n\n7 AAPL # an apple\n 8,MSFT\n9 , BRK#\n10\tA B\r\n", 0, ""},
		{"7 AAPL\nAAPL 7\n", -EINVAL, ":2: 'AAPL': expected a number from 1 to 65535"},
		{"65536 AAPL\n", -EINVAL, ":1: '65536': expected a number"},
		{"0 AAPL\n", -EINVAL, ":1: '0': expected a number"},
		{"-1 AAPL\n", -EINVAL, ":1: '-1': expected a number"},
		{"7\n", -EINVAL, ":1: '': expected a symbol of 1 to 32 bytes behind 7"},
		{"7 123456789012345678901234567890123\n", -EINVAL, "expected a symbol"},
		{"1 A\n2 B\n3 C\n4 D\n5 E\n", -ENOSPC, ":5: the directory is full: it has 4"},
	};
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	char path[] = "/tmp/fg_test_known_XXXXXX";
	struct fg_error error = {0};
	struct fg_known *known;

	(void)unused;
	assert_int_not_equal(mkstemp(path), -1);
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		memset(&error, 0, sizeof(error));
		known = known_of(protocol, 4, 0);
		write_file(path, cases[i].text);
		assert_int_equal(fg_known_load(known, path, &error), cases[i].rc);
		if (strstr(error.text, cases[i].reason) == NULL)
			fail_msg("'%s' lacks '%s'", error.text, cases[i].reason);
		if (cases[i].rc == 0) {
			struct fg_msg_filter *a =
				filter_of(protocol, known, "BRK#", FG_UNMAPPED_DROP);
			struct fg_msg_filter *b =
				filter_of(protocol, known, "A B", FG_UNMAPPED_DROP);

			assert_int_equal(counter_of(known, FG_KNOWN_symbols), 4);
			assert_true(wants(a, 9) && wants(b, 10));
			assert_false(wants(a, 7) || wants(b, 7));
			fg_msg_filter_free(a);
			fg_msg_filter_free(b);
		}
		fg_known_free(known);
	}
	memset(&error, 0, sizeof(error));
	known = known_of(protocol, 4, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fg_known_load(known, path, &error), -ENOENT);
	assert_non_null(strstr(error.text, path));
	fg_known_free(known);
	known = known_of(fg_protocol_find("iex_tp"), 0, 0);
	memset(&error, 0, sizeof(error));
	assert_int_equal(fg_known_load(known, path, &error), -EINVAL);
	fg_known_free(known);
}

static void test_refused(void **unused)
{
	static const struct {
		uint32_t symbols_max, orders;
		const char *reason;
	} cases[] = {
		{(4u << 20) + 1, 0, "symbols_max: 4194305 is not a number from 0 to 4194304"},
		{0, 4, "orders: 4 is not a power of two from 8"},
		{0, 100, "orders: 100 is not a power of two"},
		{0, 1u << 31, "orders: 2147483648 is not a power of two"},
	};

	(void)unused;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const struct fg_known_conf conf = {.protocol = fg_protocol_find("cboe_pitch"),
						   .symbols_max = cases[i].symbols_max,
						   .orders = cases[i].orders,
						   .socket_id = SOCKET_ID_ANY};
		struct fg_error error = {0};
		struct fg_known *known;

		assert_int_equal(fg_known_create(&conf, &known, &error), -EINVAL);
		if (strstr(error.text, cases[i].reason) == NULL)
			fail_msg("'%s' lacks '%s'", error.text, cases[i].reason);
	}
	fg_known_free(NULL);
	for (unsigned int i = 0; i < FG_KNOWN_COUNT; i++)
		assert_true(fg_known_counter_name(i)[0] != '\0' &&
			    fg_known_counter_help(i)[0] != '\0');
}

/* A PITCH packet of one message: an add of @symbol, or what names only the order. */
static struct fg_msg_filter_result pitch(struct fg_msg_filter *filter, uint8_t type, uint64_t order,
					 const char *symbol)
{
	uint8_t p[34] = {34, 0, 1, 1, 1, 0, 0, 0, 26, type};

	for (unsigned int i = 0; i < 8; i++)
		p[8 + 6 + i] = (uint8_t)(order >> 8 * i);
	memset(p + 8 + 17, ' ', 6);
	memcpy(p + 8 + 17, symbol, strlen(symbol));
	return match(fg_protocol_find("cboe_pitch"), filter, p, sizeof(p));
}

#define ADD     0x22
#define EXECUTE 0x23
#define DELETE  0x29
#define TRADE   0x2b

static void test_orders(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("cboe_pitch");
	struct fg_known *known = known_of(protocol, 0, 64);
	struct fg_msg_filter *drop = filter_of(protocol, known, "ZVZZT", FG_UNMAPPED_DROP);
	struct fg_msg_filter *pass = filter_of(protocol, known, "ZVZZT", FG_UNMAPPED_PASS);
	struct fg_msg_filter *learner = filter_of(protocol, known, NULL, FG_UNMAPPED_PASS);

	(void)unused;
	assert_int_equal(pitch(drop, EXECUTE, 5, "").n_unmapped, 1);
	assert_int_equal(pitch(drop, EXECUTE, 5, "").n_matched, 0);
	assert_int_equal(pitch(pass, EXECUTE, 5, "").n_matched, 1);
	assert_int_equal(counter_of(known, FG_KNOWN_orders_missed), 3);
	assert_int_equal(pitch(drop, ADD, 5, "ZVZZT").n_matched, 1);
	assert_int_equal(pitch(learner, ADD, 6, "OTHER").n_matched, 1);
	assert_int_equal(counter_of(known, FG_KNOWN_orders), 2);
	assert_int_equal(pitch(drop, EXECUTE, 5, "").n_matched, 1);
	assert_int_equal(pitch(pass, EXECUTE, 6, "").n_matched, 0);
	assert_int_equal(pitch(pass, EXECUTE, 6, "").n_unmapped, 0);
	/* An order added again is of what it was added with last. */
	assert_int_equal(pitch(drop, ADD, 6, "ZVZZT").n_matched, 1);
	assert_int_equal(pitch(drop, EXECUTE, 6, "").n_matched, 1);
	assert_int_equal(counter_of(known, FG_KNOWN_orders), 2);
	/* What deletes it is still about it; then it is gone. */
	assert_int_equal(pitch(drop, DELETE, 5, "").n_matched, 1);
	assert_int_equal(pitch(drop, EXECUTE, 5, "").n_unmapped, 1);
	assert_int_equal(pitch(learner, DELETE, 6, "").n_matched, 1);
	assert_int_equal(counter_of(known, FG_KNOWN_orders), 0);
	/* Trades' orders are not kept, nor is order 0. */
	assert_int_equal(pitch(drop, TRADE, 7, "ZVZZT").n_matched, 1);
	assert_int_equal(pitch(drop, ADD, 0, "ZVZZT").n_matched, 1);
	assert_int_equal(counter_of(known, FG_KNOWN_orders), 0);
	assert_int_equal(counter_of(known, FG_KNOWN_orders_evicted), 0);
	fg_msg_filter_free(drop);
	fg_msg_filter_free(pass);
	fg_msg_filter_free(learner);
	fg_known_free(known);
}

/* Twice as many orders as there is room for: each stays known or is counted as evicted. */
static void test_eviction(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("cboe_pitch");
	struct fg_known *known = known_of(protocol, 0, 1024);
	struct fg_msg_filter *filter = filter_of(protocol, known, "ZVZZT", FG_UNMAPPED_DROP);
	uint32_t still = 0, young = 0;

	(void)unused;
	for (uint64_t i = 1; i <= 700; i++)
		(void)pitch(filter, ADD, i, "ZVZZT");
	assert_int_equal(counter_of(known, FG_KNOWN_orders_evicted), 0);
	for (uint64_t i = 701; i <= 2048; i++)
		(void)pitch(filter, ADD, i, "ZVZZT");
	for (uint64_t i = 1; i <= 2048; i++) {
		const uint32_t wanted = pitch(filter, EXECUTE, i, "").n_matched;

		still += wanted;
		young += i > 1800 ? wanted : 0;
	}
	assert_int_equal(still, counter_of(known, FG_KNOWN_orders));
	assert_int_equal(still + counter_of(known, FG_KNOWN_orders_evicted), 2048);
	assert_int_equal(2048 - still, counter_of(known, FG_KNOWN_orders_missed));
	assert_true(still <= 1024 && still > 900);
	/* It is mostly the old ones that go. */
	assert_true(young > 200);
	fg_msg_filter_free(filter);
	fg_known_free(known);
}

/* Orders of numbers, and one that takes another's place, as a file describes them. */
static void test_replaced(void **unused)
{
	static const char yaml[] =
		"protocol:\n"
		"  header: {bytes: 8}\n"
		"  sequence: {at: 0, bytes: 4}\n"
		"  walk: {at: 0, bytes: 1}\n"
		"  type: {at: 1, bytes: 1, text: true}\n"
		"  messages:\n"
		"    - {type: A, instrument: number, at: 2, bytes: 4, order_at: 6, order_bytes: "
		"4,\n"
		"       adds_order: true, null_value: 99}\n"
		"    - {type: U, instrument: order, order_at: 2, order_bytes: 4, ends_order: "
		"true,\n"
		"       new_order_at: 6, new_order_bytes: 4}\n"
		"    - {type: E, instrument: order, order_at: 2, order_bytes: 4}\n";
	struct fg_config *config = NULL;
	struct fg_protocol *protocol = NULL;
	struct fg_error error = {0};
	struct fg_known *known;
	struct fg_msg_filter *filter;
	/* A 7 is order 1; U 1 becomes 2; E 2; E 1; A 8 is order 3; E 3; A none is order 4; E 4. */
	static const uint8_t p[] = {0, 0, 0, 0,  0,   0,   0,   0,   10, 'A', 7,  0,   0,   0,  1,
				    0, 0, 0, 10, 'U', 1,   0,   0,   0,  2,   0,  0,   0,   6,  'E',
				    2, 0, 0, 0,  6,   'E', 1,   0,   0,  0,   10, 'A', 8,   0,  0,
				    0, 3, 0, 0,  0,   6,   'E', 3,   0,  0,   0,  10,  'A', 99, 0,
				    0, 0, 4, 0,  0,   0,   6,   'E', 4,  0,   0,  0};
	struct fg_msg_filter_result result;

	(void)unused;
	assert_int_equal(fg_config_load_text("test", yaml, strlen(yaml), &config, &error), 0);
	if (fg_protocol_load(fg_node_get(fg_config_root(config), "protocol"), &protocol, &error) !=
	    0)
		fail_msg("%s", error.text);
	fg_config_free(config);
	known = known_of(protocol, 0, 64);
	filter = filter_of(protocol, known, "7", FG_UNMAPPED_DROP);
	result = match(protocol, filter, p, sizeof(p));
	assert_int_equal(result.n_messages, 8);
	assert_int_equal(result.mask, 0xc7);
	assert_int_equal(result.n_unmapped, 1);
	assert_int_equal(counter_of(known, FG_KNOWN_orders), 3);
	fg_msg_filter_free(filter);
	fg_known_free(known);
	fg_protocol_free(protocol);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory), cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_load),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_orders),    cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_replaced),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_known", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

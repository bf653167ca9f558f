/* SPDX-License-Identifier: MIT */
/* The symbol map: symbols from messages, sessions, and what filters make of them. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>

#include "filter_rig.h"

static uint64_t counter_of(const struct fg_symbols *symbols, enum fg_symbols_counter counter)
{
	uint64_t counters[FG_SYMBOLS_COUNTER_COUNT];

	fg_symbols_counters(symbols, counters);
	return counters[counter];
}

/* A filter of one instrument, or of any. */
static struct fg_msg_filter *filter_of(const struct fg_protocol *protocol,
				       struct fg_symbols *symbols, const char *instrument,
				       uint8_t unmapped)
{
	const struct fg_msg_filter_conf conf = {.protocol = protocol,
						.symbols = symbols,
						.instruments = &instrument,
						.n_instruments = 1,
						.any_instrument = instrument == NULL,
						.unmapped = unmapped,
						.socket_id = SOCKET_ID_ANY};

	return rig_filter(&conf);
}

static struct fg_msg_filter_result match(const struct fg_protocol *protocol,
					 struct fg_msg_filter *filter, const uint8_t *payload,
					 uint32_t len)
{
	struct fg_msg_filter_result result;

	assert_true(rig_match(filter, protocol, payload, len, &result));
	return result;
}

/* A packet with one message, a stock directory message (R) or another, of a locate and symbol. */
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

static bool matches(struct fg_msg_filter *filter, uint32_t locate)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	uint8_t p[64];
	const uint32_t len = itch(p, 'D', locate, "");

	return match(protocol, filter, p, len).n_matched == 1;
}

static void map_symbol(struct fg_msg_filter *filter, uint32_t locate, const char *symbol)
{
	uint8_t p[64];
	const uint32_t len = itch(p, 'R', locate, symbol);

	(void)match(fg_protocol_find("itch50"), filter, p, len);
}

/* Symbols are learned and changed, and the map fills up; filters made before and after agree. */
static void test_map(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	struct fg_symbols *symbols = rig_symbols(protocol, 4);
	struct fg_msg_filter *learner = filter_of(protocol, symbols, NULL, FG_UNMAPPED_DROP);
	struct fg_msg_filter *before = filter_of(protocol, symbols, "AAPL", FG_UNMAPPED_DROP),
			     *after;
	struct fg_msg_filter_info info;

	(void)unused;
	fg_msg_filter_info(learner, &info);
	assert_true(info.learns);
	map_symbol(learner, 7, "AAPL");
	map_symbol(learner, 7, "AAPL");
	map_symbol(learner, 0, "NONE");
	map_symbol(learner, 8, "");
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 1);
	assert_true(matches(before, 7));
	assert_false(matches(before, 8));
	fg_msg_filter_info(before, &info);
	assert_int_equal(info.n_symbols_without_number, 0);
	/* A symbol may have two numbers, and a number another symbol. */
	map_symbol(learner, 9, "AAPL");
	after = filter_of(protocol, symbols, "AAPL", FG_UNMAPPED_DROP);
	assert_true(matches(before, 9) && matches(after, 9) && matches(after, 7));
	map_symbol(before, 7, "MSFT");
	assert_false(matches(before, 7) || matches(after, 7));
	assert_true(matches(before, 9) && matches(after, 9));
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols_changed), 1);
	map_symbol(learner, 9, "INTC");
	assert_false(matches(before, 9));
	fg_msg_filter_info(before, &info);
	assert_int_equal(info.n_symbols_without_number, 1);
	/* Four numbers: full. A number that has room may change. */
	map_symbol(learner, 10, "AMZN");
	map_symbol(learner, 11, "NVDA");
	map_symbol(learner, 12, "AAPL");
	assert_false(matches(before, 12));
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols_full), 1);
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 4);
	for (unsigned int i = 0; i < 100000; i++)
		map_symbol(learner, 10, i % 2 == 0 ? "AAPL" : "AMZN");
	assert_false(matches(before, 10));
	map_symbol(learner, 10, "AAPL");
	assert_true(matches(before, 10));
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols_full), 1);
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 4);
	fg_msg_filter_free(learner);
	fg_msg_filter_free(before);
	fg_msg_filter_free(after);
	fg_symbols_free(symbols);
}

/* Once all symbols of the list have numbers, no other number is unmapped; until the map is full. */
static void test_unmapped(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	struct fg_symbols *symbols = rig_symbols(protocol, 2);
	struct fg_msg_filter *pass = filter_of(protocol, symbols, "AAPL", FG_UNMAPPED_PASS);

	(void)unused;
	assert_true(matches(pass, 5));
	map_symbol(pass, 7, "AAPL");
	assert_false(matches(pass, 5));
	map_symbol(pass, 8, "MSFT");
	map_symbol(pass, 9, "INTC");
	assert_true(matches(pass, 5));
	assert_false(matches(pass, 8));
	fg_msg_filter_free(pass);
	fg_symbols_free(symbols);
}

/* An added order, whose layout is ITCH 5.0's: the stock is at 24 of 36 bytes. */
static uint32_t added(uint8_t *p, uint32_t locate, const char *symbol)
{
	memset(p, 0, 58);
	p[19] = 1;
	p[21] = 36;
	p[22] = 'A';
	p[23] = (uint8_t)(locate >> 8);
	p[24] = (uint8_t)locate;
	memset(p + 22 + 24, ' ', 8);
	memcpy(p + 22 + 24, symbol, strlen(symbol));
	return 58;
}

/* A message with a symbol beside the number maps it, but never changes the directory's symbol. */
static void test_beside(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	struct fg_symbols *symbols = rig_symbols(protocol, 4);
	struct fg_msg_filter *drop = filter_of(protocol, symbols, "AAPL", FG_UNMAPPED_DROP);
	struct fg_msg_filter *learner = filter_of(protocol, symbols, NULL, FG_UNMAPPED_PASS);
	struct fg_msg_filter_result result;
	struct fg_feed_packet packet;
	uint8_t p[64];

	(void)unused;
	(void)match(protocol, learner, p, added(p, 7, "AAPL"));
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 1);
	assert_true(matches(drop, 7));
	/* The message that teaches it is matched by it. */
	map_symbol(learner, 7, "MSFT");
	assert_false(matches(drop, 7));
	result = match(protocol, drop, p, added(p, 8, "AAPL"));
	assert_int_equal(result.n_matched, 1);
	result = match(protocol, drop, p, added(p, 7, "AAPL"));
	assert_int_equal(result.n_matched + result.n_unmapped, 0);
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols_changed), 1);
	(void)match(protocol, learner, p, added(p, 9, ""));
	(void)match(protocol, learner, p, added(p, 0, "AAPL"));
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 2);
	/* Only a number without a symbol takes the slow way; where there is no room, once. */
	assert_int_equal(fg_protocol_read(protocol, p, (uint16_t)added(p, 8, "AAPL"), &packet), 0);
	fg_msg_filter_match_burst(&(struct fg_msg_filter_job){learner, p, &packet, &result}, 1);
	assert_false(result.deferred);
	map_symbol(learner, 10, "AMZN");
	map_symbol(learner, 11, "NVDA");
	(void)added(p, 12, "TSLA");
	for (unsigned int i = 0; i < 2; i++) {
		fg_msg_filter_match_burst(&(struct fg_msg_filter_job){learner, p, &packet, &result},
					  1);
		assert_int_equal(result.deferred, i == 0);
		fg_msg_filter_learn(learner, p, &packet, &result);
	}
	fg_msg_filter_free(drop);
	fg_msg_filter_free(learner);
	fg_symbols_free(symbols);
}

static uint64_t n_packets; /* of the feed */

/* A full map learns nothing from added orders: at most one of them is deferred, for any filter. */
static void test_full(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	struct fg_symbols *symbols = rig_symbols(protocol, 1);
	struct fg_msg_filter *filters[] = {
		filter_of(protocol, symbols, NULL, FG_UNMAPPED_PASS),
		filter_of(protocol, symbols, "AAPL", FG_UNMAPPED_PASS),
		filter_of(protocol, symbols, "1", FG_UNMAPPED_DROP),
	};
	uint32_t deferred = 0;

	(void)unused;
	map_symbol(filters[0], 60000, "MSFT");
	for (uint32_t i = 0; i < 3000; i++) {
		struct fg_msg_filter *filter = filters[i % RTE_DIM(filters)];
		struct fg_msg_filter_result result;
		struct fg_feed_packet packet;
		uint8_t p[64];
		const uint32_t len = added(p, 1 + i % 500, "NVDA");

		assert_int_equal(fg_protocol_read(protocol, p, (uint16_t)len, &packet), 0);
		fg_msg_filter_match_burst(&(struct fg_msg_filter_job){filter, p, &packet, &result},
					  1);
		deferred += result.deferred;
		if (result.deferred)
			fg_msg_filter_learn(filter, p, &packet, &result);
	}
	assert_int_equal(deferred, 1);
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols_full), 1);
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 1);
	for (size_t i = 0; i < RTE_DIM(filters); i++)
		fg_msg_filter_free(filters[i]);
	fg_symbols_free(symbols);
}

static struct fg_feed_packet of_session(const char *session)
{
	struct fg_feed_packet packet = {.kind = FG_FEED_DATA};

	memcpy(packet.session, session, strlen(session));
	return packet;
}

/* When a session begins, by the arbiter's word or by a row of packets. */
static void test_sessions(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	const struct fg_feed_packet monday = of_session("MON"), tuesday = of_session("TUE");
	struct fg_symbols *symbols = rig_symbols(protocol, 4);
	struct fg_msg_filter *drop = filter_of(protocol, symbols, "AAPL", FG_UNMAPPED_DROP);
	struct fg_msg_filter_info info;

	(void)unused;
	assert_false(fg_symbols_same_session(symbols, &monday));
	assert_true(fg_symbols_session(symbols, &monday, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_true(fg_symbols_same_session(symbols, &monday));
	map_symbol(drop, 7, "AAPL");
	assert_false(fg_symbols_session(symbols, &tuesday, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_true(matches(drop, 7));
	assert_true(fg_symbols_session(symbols, &tuesday, ++n_packets, FG_SYMBOLS_SESSION_NEW));
	assert_false(matches(drop, 7));
	fg_msg_filter_info(drop, &info);
	assert_int_equal(info.n_symbols_without_number, 1);
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 0);
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols_cleared), 1);
	/* A late packet of the old session changes nothing. */
	map_symbol(drop, 8, "AAPL");
	assert_false(fg_symbols_session(symbols, &monday, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_true(matches(drop, 8) && !matches(drop, 7));
	/* Without an arbiter: 16 in a row, without another packet between them. */
	for (unsigned int i = 0; i < 15; i++)
		assert_false(fg_symbols_session(symbols, &monday, ++n_packets,
						FG_SYMBOLS_SESSION_UNKNOWN));
	n_packets++;
	for (unsigned int i = 0; i < 15; i++)
		assert_false(fg_symbols_session(symbols, &monday, ++n_packets,
						FG_SYMBOLS_SESSION_UNKNOWN));
	assert_true(matches(drop, 8));
	assert_true(fg_symbols_session(symbols, &monday, ++n_packets, FG_SYMBOLS_SESSION_UNKNOWN));
	assert_false(matches(drop, 8));
	fg_msg_filter_free(drop);
	fg_symbols_free(symbols);
}

/* A packet that is not of the map's session is matched as if there were no map. */
static void test_other_session(void **unused)
{
	static const char *const list[] = {"AAPL", "9"};
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	struct fg_symbols *symbols = rig_symbols(protocol, 4);
	const struct fg_msg_filter_conf conf = {.protocol = protocol,
						.symbols = symbols,
						.instruments = list,
						.n_instruments = 2,
						.unmapped = FG_UNMAPPED_DROP,
						.socket_id = SOCKET_ID_ANY};
	struct fg_msg_filter *drop = rig_filter(&conf);
	struct fg_msg_filter_result result;
	struct fg_feed_packet packet;
	uint8_t p[64];
	/* Locate, matched, unmapped. */
	static const uint32_t cases[][3] = {{7, 0, 1}, {8, 0, 1}, {9, 1, 0}, {0, 1, 0}, {10, 0, 1}};

	(void)unused;
	map_symbol(drop, 7, "AAPL");
	map_symbol(drop, 8, "MSFT");
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const uint32_t len = added(p, cases[i][0], "AAPL");

		assert_int_equal(fg_protocol_read(protocol, p, (uint16_t)len, &packet), 0);
		fg_msg_filter_match_unmapped(drop, p, &packet, &result);
		assert_int_equal(result.n_matched, cases[i][1]);
		assert_int_equal(result.n_unmapped, cases[i][2]);
	}
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 2);
	assert_true(matches(drop, 7) && !matches(drop, 8));
	fg_msg_filter_free(drop);
	fg_symbols_free(symbols);
}

static void test_refused(void **unused)
{
	const struct fg_symbols_conf conf = {.protocol = fg_protocol_find("cboe_pitch"),
					     .symbols_max = (4u << 20) + 1,
					     .socket_id = SOCKET_ID_ANY};
	struct fg_error error = {0};
	struct fg_symbols *symbols;

	(void)unused;
	assert_int_equal(fg_symbols_create(&conf, &symbols, &error), -EINVAL);
	assert_non_null(strstr(error.text, "max: 4194305 is not a number from 0 to 4194304"));
	fg_symbols_free(NULL);
	for (unsigned int i = 0; i < FG_SYMBOLS_COUNTER_COUNT; i++)
		assert_true(fg_symbols_counter_name(i)[0] != '\0' &&
			    fg_symbols_counter_help(i)[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),      cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_beside),   cmocka_unit_test(test_full),
		cmocka_unit_test(test_sessions), cmocka_unit_test(test_other_session),
		cmocka_unit_test(test_refused),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_symbols", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

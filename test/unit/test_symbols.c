/* SPDX-License-Identifier: MIT */
/* The symbol map: symbols from messages and from files, and what filters make of them. */
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
	/* Four entries: full. */
	map_symbol(learner, 10, "AAPL");
	assert_false(matches(before, 10));
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols_full), 1);
	assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 2);
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
		{"7\n", -EINVAL, ":1: '': expected a symbol of 1 to 32 bytes after 7"},
		{"7 123456789012345678901234567890123\n", -EINVAL, "expected a symbol"},
		{"1 A\n2 B\n3 C\n4 D\n5 E\n", -ENOSPC, ":5: the symbol map is full: it has 4"},
	};
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	char path[] = "/tmp/fg_test_symbols_XXXXXX";
	struct fg_error error = {0};
	struct fg_symbols *symbols;

	(void)unused;
	assert_int_not_equal(mkstemp(path), -1);
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		memset(&error, 0, sizeof(error));
		symbols = rig_symbols(protocol, 4);
		write_file(path, cases[i].text);
		assert_int_equal(fg_symbols_load(symbols, path, &error), cases[i].rc);
		if (strstr(error.text, cases[i].reason) == NULL)
			fail_msg("'%s' lacks '%s'", error.text, cases[i].reason);
		if (cases[i].rc == 0) {
			struct fg_msg_filter *a =
				filter_of(protocol, symbols, "BRK#", FG_UNMAPPED_DROP);
			struct fg_msg_filter *b =
				filter_of(protocol, symbols, "A B", FG_UNMAPPED_DROP);

			assert_int_equal(counter_of(symbols, FG_SYMBOLS_symbols), 4);
			assert_true(matches(a, 9) && matches(b, 10));
			assert_false(matches(a, 7) || matches(b, 7));
			fg_msg_filter_free(a);
			fg_msg_filter_free(b);
		}
		fg_symbols_free(symbols);
	}
	memset(&error, 0, sizeof(error));
	symbols = rig_symbols(protocol, 4);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fg_symbols_load(symbols, path, &error), -ENOENT);
	assert_non_null(strstr(error.text, path));
	fg_symbols_free(symbols);
	symbols = rig_symbols(fg_protocol_find("iex_tp"), 0);
	memset(&error, 0, sizeof(error));
	assert_int_equal(fg_symbols_load(symbols, path, &error), -EINVAL);
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
	assert_non_null(
		strstr(error.text, "symbols_max: 4194305 is not a number from 0 to 4194304"));
	fg_symbols_free(NULL);
	for (unsigned int i = 0; i < FG_SYMBOLS_COUNTER_COUNT; i++)
		assert_true(fg_symbols_counter_name(i)[0] != '\0' &&
			    fg_symbols_counter_help(i)[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_refused),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_symbols", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

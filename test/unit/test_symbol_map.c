/* SPDX-License-Identifier: MIT */
/* The symbol map's inside: random histories against a plain model, and a reader beside the writer.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <pthread.h>
#include <stdio.h>

#include "filter.h"
#include "filter_rig.h"
#include "filter_symbols.h"
#include "symbol_map.h"

#define NUMBERS 300u /* more than there is room for */
#define ROOM    200u
#define FILTERS 4u

/* Symbols are "S0" to "S15", some of them matched by a filter. */
static struct symbol symbol_of(unsigned int i)
{
	struct symbol symbol;
	char text[8];

	snprintf(text, sizeof(text), "S%u", i);
	assert_true(symbol_parse(&symbol, text));
	return symbol;
}

static uint32_t state = 1;

static uint32_t random_below(uint32_t n)
{
	state = state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)state * n >> 32);
}

/* What the map should be: the symbol of each number, plus 1; 0: none. */
struct plain_map {
	uint8_t symbol[NUMBERS + 1];
	uint32_t count;
	bool full;
};

static bool plain_add(struct plain_map *map, uint32_t number, uint8_t symbol)
{
	if (map->symbol[number] == 0 && map->count == ROOM) {
		map->full = true;
		return false;
	}
	map->count += map->symbol[number] == 0;
	map->symbol[number] = (uint8_t)(symbol + 1);
	return true;
}

/* Filter @p f matches the symbols whose number has bit @p f. */
static struct fg_msg_filter *filter_make(const struct fg_protocol *protocol,
					 struct fg_symbols *symbols, unsigned int f)
{
	char texts[16][8];
	const char *list[16];
	uint32_t count = 0;

	for (unsigned int i = 0; i < 16; i++)
		if ((i >> f & 1) != 0) {
			snprintf(texts[count], sizeof(texts[count]), "S%u", i);
			list[count] = texts[count];
			count++;
		}
	const struct fg_msg_filter_conf conf = {.protocol = protocol,
						.symbols = symbols,
						.instruments = list,
						.n_instruments = count,
						.socket_id = SOCKET_ID_ANY};

	return rig_filter(&conf);
}

static void check_filter(struct fg_msg_filter *filter, unsigned int f, const struct plain_map *map)
{
	bool has[16] = {false};
	uint32_t missing = 0;

	if (filter_is_behind(filter))
		filter_catch_up(filter);
	for (uint32_t n = 1; n <= NUMBERS; n++)
		if (map->symbol[n] != 0)
			has[map->symbol[n] - 1] = true;
	for (unsigned int i = 0; i < 16; i++)
		missing += (i >> f & 1) != 0 && !has[i];
	assert_int_equal(atomic_load(&filter->n_symbols_without_number), missing);
	for (uint32_t n = 1; n <= NUMBERS; n++) {
		const unsigned int symbol = map->symbol[n] - 1u;
		const enum match expected =
			map->symbol[n] == 0
				? (missing != 0 || map->full ? MATCH_UNMAPPED : MATCH_NO)
			: (symbol >> f & 1) != 0 ? MATCH_YES
						 : MATCH_NO;

		if (filter_number(filter, n) != expected)
			fail_msg("filter %u, number %u: %u, expected %u", f, n,
				 filter_number(filter, n), expected);
	}
}

/*
 * A long history: numbers get symbols and change them, sessions end. Filters look seldom, so that
 * they follow change by change or have to visit all; others are made anew.
 */
static void run_history(const char *name, unsigned int steps)
{
	const struct fg_protocol *protocol = fg_protocol_find(name);
	struct fg_symbols *symbols = rig_symbols(protocol, ROOM);
	struct fg_msg_filter *filters[FILTERS];
	struct plain_map map = {0};
	uint64_t counters[FG_SYMBOLS_COUNTER_COUNT];

	for (unsigned int f = 0; f < FILTERS; f++)
		filters[f] = filter_make(protocol, symbols, f);
	for (unsigned int step = 0; step < steps; step++) {
		const uint32_t number = 1 + random_below(NUMBERS);
		const uint8_t i = (uint8_t)random_below(16);
		const struct symbol symbol = symbol_of(i);
		const uint32_t dice = random_below(5000);
		const unsigned int f = random_below(FILTERS);

		if (dice == 0) {
			fg_symbols_clear(symbols);
			map = (struct plain_map){0};
		}
		assert_int_equal(symbol_map_add(symbols, number, &symbol),
				 plain_add(&map, number, i));
		assert_int_equal(symbol_map_has(symbols, number), map.symbol[number] != 0);
		if (dice % 100 == 1)
			check_filter(filters[f], f, &map);
		if (dice % 1000 == 2) {
			fg_msg_filter_free(filters[f]);
			filters[f] = filter_make(protocol, symbols, f);
			check_filter(filters[f], f, &map);
		}
	}
	for (unsigned int f = 0; f < FILTERS; f++) {
		check_filter(filters[f], f, &map);
		fg_msg_filter_free(filters[f]);
	}
	fg_symbols_counters(symbols, counters);
	assert_int_equal(counters[FG_SYMBOLS_symbols], map.count);
	fg_symbols_free(symbols);
}

static void test_histories(void **unused)
{
	(void)unused;
	run_history("itch50", 100000);
	run_history("nyse_pillar", 100000);
}

/*
 * One thread is the worker: all numbers of a round have one symbol, then all get the next. What
 * another thread sees of the map is one moment of it: numbers up to some one are in a round, and
 * the others in the round before.
 */
struct race {
	struct fg_symbols *symbols;
	_Atomic bool stop;
	_Atomic uint64_t rounds;
};

static void *write_rounds(void *context)
{
	struct race *race = context;

	for (uint64_t round = 0; !atomic_load(&race->stop); round++) {
		const struct symbol symbol = {{round + 1}};

		if (round % 8 == 7)
			fg_symbols_clear(race->symbols);
		for (uint32_t n = 1; n <= ROOM; n++)
			assert_true(symbol_map_add(race->symbols, n, &symbol));
		atomic_store(&race->rounds, round + 1);
	}
	return NULL;
}

struct view {
	uint64_t rounds[ROOM + 1];
	uint32_t count;
};

static void view_begin(void *context)
{
	memset(context, 0, sizeof(struct view));
}

static void view_entry(void *context, const struct symbol_seen *seen)
{
	struct view *view = context;

	assert_in_range(seen->number, 1, ROOM);
	assert_int_equal(view->rounds[seen->number], 0);
	view->rounds[seen->number] = seen->symbol.words[0];
	view->count++;
}

static void test_race(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("nyse_pillar");
	struct race race = {.symbols = rig_symbols(protocol, ROOM)};
	struct symbol_moment moment;
	struct view view;
	pthread_t worker;
	unsigned int seen = 0;

	(void)unused;
	assert_int_equal(pthread_create(&worker, NULL, write_rounds, &race), 0);
	for (unsigned int i = 0; i < 3000 || seen < 100; i++) {
		struct fg_msg_filter *filter = filter_make(protocol, race.symbols, i % FILTERS);
		bool gone = false;

		fg_msg_filter_free(filter);
		if (symbol_map_visit(race.symbols, view_begin, view_entry, &view, &moment) != 0)
			continue;
		seen++;
		for (uint32_t n = 2; n <= ROOM; n++) {
			const uint64_t left = view.rounds[n - 1], right = view.rounds[n];

			gone |= left != right;
			if (left != right && !(right == 0 || left == right + 1))
				fail_msg("number %u: round %lu, then %lu", n, (unsigned long)left,
					 (unsigned long)right);
		}
		/* Two rounds at most are seen, and the later one first. */
		assert_true(view.rounds[1] - view.rounds[view.count] <= 1 || view.count == 0 ||
			    gone);
	}
	atomic_store(&race.stop, true);
	assert_int_equal(pthread_join(worker, NULL), 0);
	assert_true(atomic_load(&race.rounds) > 0);
	fg_symbols_free(race.symbols);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histories),
		cmocka_unit_test(test_race),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_symbol_map", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

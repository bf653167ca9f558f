/* SPDX-License-Identifier: MIT */
/* cmocka.h needs those before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <fg_drop.h>
#include <fg_names.h>
#include <fg_stats.h>

static int forget_names(void **state)
{
	(void)state;
	fg_names_reset();
	return 0;
}

static void name_keeps_its_id(void **state)
{
	uint32_t first = 0, second = 0, again = 0;

	(void)state;
	assert_int_equal(fg_names_id("tech", &first), 0);
	assert_int_equal(fg_names_id("noise", &second), 0);
	assert_int_equal(fg_names_id("tech", &again), 0);
	assert_int_equal(first, again);
	assert_int_not_equal(first, second);
	assert_int_not_equal(first, 0);
	assert_string_equal(fg_names_get(first), "tech");
	assert_string_equal(fg_names_get(second), "noise");
	assert_string_equal(fg_names_get(0), "-");
}

static void name_is_copied(void **state)
{
	char name[] = "mine";
	uint32_t id = 0, other = 0;

	(void)state;
	assert_int_equal(fg_names_id(name, &id), 0);
	name[0] = 'f';
	assert_string_equal(fg_names_get(id), "mine");
	assert_int_equal(fg_names_id(name, &other), 0);
	assert_int_not_equal(id, other);
}

static void names_start_over(void **state)
{
	uint32_t before = 0, after = 0;

	(void)state;
	fg_names_reset();
	assert_int_equal(fg_names_id("one", &before), 0);
	fg_names_reset();
	assert_int_equal(fg_names_id("two", &after), 0);
	assert_int_equal(before, after);
	assert_string_equal(fg_names_get(after), "two");
	fg_names_reset();
	fg_names_reset();
}

/* Ids 1 to FG_RULE_IDS_MAX - 1 all work; the next name is refused, the old ones stay. */
static void names_run_out(void **state)
{
	char name[32];
	uint32_t id = 0;

	(void)state;
	for (uint32_t i = 1; i < FG_RULE_IDS_MAX; i++) {
		snprintf(name, sizeof(name), "rule-%u", i);
		if (fg_names_id(name, &id) != 0 || id != i)
			fail_msg("name %u got id %u", i, id);
	}
	id = 77;
	assert_int_equal(fg_names_id("one more", &id), -ENOSPC);
	assert_int_equal(id, 77);
	for (uint32_t i = 1; i < FG_RULE_IDS_MAX; i += 4093) {
		snprintf(name, sizeof(name), "rule-%u", i);
		assert_int_equal(fg_names_id(name, &id), 0);
		assert_int_equal(id, i);
		assert_string_equal(fg_names_get(i), name);
	}
}

/* Refused sets, each with names of its own: their ids are free again, and the names that stay are
 * found. */
static void names_are_forgotten(void **state)
{
	char name[32];
	uint32_t id = 0, mark;

	(void)state;
	for (uint32_t i = 1; i <= 1000; i++) {
		snprintf(name, sizeof(name), "kept-%u", i);
		assert_int_equal(fg_names_id(name, &id), 0);
	}
	mark = fg_names_count();
	assert_int_equal(mark, 1000);
	for (uint32_t set = 0; set < 20; set++) {
		for (uint32_t i = 1; i <= 5000; i++) {
			snprintf(name, sizeof(name), "set-%u-%u", set, i);
			assert_int_equal(fg_names_id(name, &id), 0);
			assert_int_equal(id, mark + i);
			assert_string_equal(fg_names_get(id), name);
		}
		fg_names_forget(mark);
		assert_int_equal(fg_names_count(), mark);
	}
	for (uint32_t i = 1; i <= 1000; i++) {
		snprintf(name, sizeof(name), "kept-%u", i);
		assert_int_equal(fg_names_id(name, &id), 0);
		assert_int_equal(id, i);
	}
	assert_int_equal(fg_names_count(), mark);
}

#define READ_NAMES 20000u

static _Atomic uint32_t published;

/* Reads each name once its id is published, as a worker does. */
static void *read_names(void *wrong)
{
	for (uint32_t id = 1; id <= READ_NAMES; id++) {
		char name[32];

		while (atomic_load_explicit(&published, memory_order_acquire) < id)
			continue;
		snprintf(name, sizeof(name), "n%u", id);
		if (strcmp(fg_names_get(id), name) != 0)
			++*(unsigned int *)wrong;
	}
	return NULL;
}

static void names_are_read_by_others(void **state)
{
	unsigned int wrong = 0;
	pthread_t reader;

	(void)state;
	assert_int_equal(pthread_create(&reader, NULL, read_names, &wrong), 0);
	for (uint32_t i = 1; i <= READ_NAMES; i++) {
		char name[32];
		uint32_t id = 0;

		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(fg_names_id(name, &id), 0);
		assert_int_equal(id, i);
		atomic_store_explicit(&published, id, memory_order_release);
	}
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(wrong, 0);
}

static void counters_begin_at_zero(void **state)
{
	struct fg_lcore_stats *stats = fg_lcore_stats_alloc(-1);
	struct fg_totals totals = {0};

	(void)state;
	assert_non_null(stats);
	assert_int_equal((uintptr_t)stats % 128, 0);
	fg_totals_add(&totals, stats);
	assert_true(totals.received_packets == 0 && totals.received_bytes == 0);
	assert_true(totals.delivered_packets == 0 && totals.delivered_bytes == 0);
	assert_true(fg_totals_dropped(&totals) == 0);
	assert_true(fg_counter_read(&stats->busy_ticks) == 0);
	assert_true(fg_counter_read(&stats->idle_ticks) == 0);
	/* Every rule id has a counter, up to the last one. */
	fg_flow_counter_add(&stats->rules[0].hits, 1, 60);
	fg_flow_counter_add(&stats->rules[FG_RULE_IDS_MAX - 1].hits, 2, 120);
	fg_counter_add(&stats->rules[FG_RULE_IDS_MAX - 1].dropped, 1);
	assert_true(fg_counter_read(&stats->rules[FG_RULE_IDS_MAX - 1].hits.bytes) == 120);
	assert_true(fg_counter_read(&stats->rules[1].hits.packets) == 0);
	fg_lcore_stats_free(stats);
	fg_lcore_stats_free(NULL);
}

static void totals_add_lcores(void **state)
{
	struct fg_lcore_stats *a = fg_lcore_stats_alloc(-1), *b = fg_lcore_stats_alloc(-1);
	struct fg_totals before = {0}, now = {0};

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	fg_flow_counter_add(&a->received, 10, 1000);
	fg_flow_counter_add(&a->delivered, 6, 600);
	fg_counter_add(&a->dropped[FG_DROP_no_rule], 4);
	fg_totals_add(&before, a);
	fg_totals_add(&before, b);
	assert_true(before.received_packets == 10 && before.received_bytes == 1000);
	assert_true(before.dropped[FG_DROP_no_rule] == 4);

	fg_flow_counter_add(&b->received, 5, 320);
	fg_flow_counter_add(&b->received, 1, 64);
	fg_counter_add(&b->dropped[FG_DROP_malformed], 1);
	fg_counter_add(&b->dropped[FG_DROP_sink_full], 2);
	fg_flow_counter_add(&b->delivered, 3, 192);
	fg_totals_add(&now, a);
	fg_totals_add(&now, b);
	assert_true(now.received_packets == 16 && now.received_bytes == 1384);
	assert_true(now.received_packets == now.delivered_packets + fg_totals_dropped(&now));

	fg_totals_subtract(&now, &before);
	assert_true(now.received_packets == 6 && now.received_bytes == 384);
	assert_true(now.delivered_packets == 3 && now.delivered_bytes == 192);
	assert_true(now.dropped[FG_DROP_no_rule] == 0);
	assert_true(now.dropped[FG_DROP_malformed] == 1 && now.dropped[FG_DROP_sink_full] == 2);
	assert_true(fg_totals_dropped(&now) == 3);
	fg_lcore_stats_free(a);
	fg_lcore_stats_free(b);
}

/* The sum over all reasons includes each of them. */
static void every_reason_counts(void **state)
{
	struct fg_lcore_stats *stats = fg_lcore_stats_alloc(-1);
	struct fg_totals totals = {0};

	(void)state;
	assert_non_null(stats);
	for (unsigned int i = 0; i < FG_DROP_COUNT; i++) {
		fg_counter_add(&stats->dropped[i], (uint64_t)1 << (3 * i));
		assert_true(strlen(fg_drop_name(i)) > 0);
		assert_true(strlen(fg_drop_help(i)) > 0);
	}
	fg_totals_add(&totals, stats);
	assert_true(fg_totals_dropped(&totals) == ((uint64_t)1 << (3 * FG_DROP_COUNT)) / 7);
	assert_string_equal(fg_drop_name(FG_DROP_rule_drop), "rule_drop");
	fg_lcore_stats_free(stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(name_keeps_its_id, forget_names),
		cmocka_unit_test_teardown(name_is_copied, forget_names),
		cmocka_unit_test_teardown(names_start_over, forget_names),
		cmocka_unit_test_teardown(names_run_out, forget_names),
		cmocka_unit_test_teardown(names_are_forgotten, forget_names),
		cmocka_unit_test_teardown(names_are_read_by_others, forget_names),
		cmocka_unit_test(counters_begin_at_zero),
		cmocka_unit_test(totals_add_lcores),
		cmocka_unit_test(every_reason_counts),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}

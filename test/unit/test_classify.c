/* SPDX-License-Identifier: MIT */
/*
 * Compares the engines with an oracle of plain numbers (classify_numbers.h), for keys
 * at the boundaries of rules.
 */
#define ALLOW_EXPERIMENTAL_API /* rte_vect_set_max_simd_bitwidth() */
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
#include <time.h>

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_vect.h>

#include <fg_burst.h>
#include <fg_meta.h>

#include "classify_sets.h"

static const char *const engine_names[] = {"tiered", "acl", "linear"};
enum { ENGINES = 3 };

static struct fg_table *build(const char *engine, const struct fg_match *matches, uint32_t count)
{
	const struct fg_table_conf conf = {.socket_id = SOCKET_ID_ANY, .engine = engine};
	struct fg_table *table = NULL;
	struct fg_table_info info;
	struct fg_error error = {0};

	if (fg_table_build(&conf, matches, count, &table, &error) != 0)
		fail_msg("%s: %s", engine, error.text);
	assert_non_null(table);
	fg_table_info(table, &info);
	assert_string_equal(info.engine, engine != NULL ? engine : fg_table_engines[0]);
	return table;
}

static uint32_t lookup_one(const struct fg_table *table, const struct fg_key *key)
{
	uint32_t rule = UINT32_MAX;

	fg_table_lookup(table, key, NULL, &rule, 1);
	return rule;
}

/* Look one burst up in all tables. @return the number of keys that match a rule. */
static uint32_t check_burst(const struct set *set, struct fg_table *const *tables, uint32_t n)
{
	struct packet packets[FG_BURST_MAX];
	struct fg_key keys[FG_BURST_MAX];
	uint32_t rules[FG_BURST_MAX + 1], hits = 0;

	for (uint32_t i = 0; i < n; i++) {
		packets[i] = near_packet(set);
		keys[i] = key_of(&packets[i], (uint16_t)random_word());
	}
	for (int e = 0; e < ENGINES; e++) {
		memset(rules, 0xa5, sizeof(rules));
		fg_table_lookup(tables[e], keys, NULL, rules, n);
		assert_int_equal(rules[n], 0xa5a5a5a5u);
		for (uint32_t i = 0; i < n; i++) {
			const uint32_t rule =
				expected_rule(set->conditions, set->count, &packets[i]);

			if (rules[i] != rule)
				fail_msg("%s: rule %u instead of %u", engine_names[e], rules[i],
					 rule);
			hits += rule != FG_RULE_NONE;
		}
	}
	return hits / ENGINES;
}

/* Several hundred thousand keys in all; fewer for code with sanitizers. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEYS_PER_SET 2000u
#else
#define KEYS_PER_SET 12000u
#endif

/* @return the number of keys that match no rule. */
static uint32_t check_set(const struct set *set, const char *name, uint16_t bits)
{
	const uint32_t n_keys = set->count < 1000 ? KEYS_PER_SET : KEYS_PER_SET / 4;
	struct fg_table *tables[ENGINES];
	uint32_t hits = 0, done = 0;

	for (int e = 0; e < ENGINES; e++)
		tables[e] = build(engine_names[e], set->matches, set->count);
	while (done < n_keys) {
		const uint32_t n = 1 + random_below(FG_BURST_MAX);

		hits += check_burst(set, tables, n);
		done += n;
	}
	for (int e = 0; e < ENGINES; e++)
		fg_table_free(tables[e]);
	print_message("%-8s %4u entries, %3u bits: %5u keys, %5u matched\n", name, set->count, bits,
		      done, hits);
	/* With fewer matches the comparison would show little. */
	assert_true(hits > done / 10);
	return done - hits;
}

static void engines_agree_with_the_oracle(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct conditions *);
		uint32_t counts[5];
	} styles[] = {
		{"groups", make_group, {1, 10, 100, 500, 2000}},
		{"nested", make_nested, {1, 10, 50, 200, 1000}},
		{"ports", make_ports, {1, 5, 20, 100, 300}},
		{"link", make_link, {1, 10, 50, 200, 400}},
		{"ipv6", make_ipv6, {1, 10, 50, 200, 500}},
		{"mixed", make_mixed, {1, 5, 20, 60, 120}},
	};
	static const uint16_t widths[] = {64, 128, 256, 512};
	struct set *set = malloc(sizeof(*set));

	(void)state;
	assert_non_null(set);
	for (size_t s = 0; s < RTE_DIM(styles); s++) {
		uint32_t misses = 0;

		for (size_t c = 0; c < RTE_DIM(styles[s].counts); c++) {
			const uint16_t bits = widths[(s + c) % RTE_DIM(widths)];

			random_state = 0x9e3779b97f4a7c15u * (16 * s + c + 1);
			/* rte_acl uses the widest instructions allowed. */
			assert_int_equal(rte_vect_set_max_simd_bitwidth(bits), 0);
			make_set(set, styles[s].make, styles[s].counts[c]);
			misses += check_set(set, styles[s].name, bits);
		}
		assert_true(misses > KEYS_PER_SET / 24);
	}
	assert_int_equal(rte_vect_set_max_simd_bitwidth(512), 0);
	free(set);
}

static void empty_table_matches_nothing(void **state)
{
	const struct fg_key keys[3] = {{.family = FG_FAMILY_IPV4, .l4 = 17},
				       {.family = FG_FAMILY_IPV6},
				       {.family = FG_FAMILY_OTHER}};

	(void)state;
	for (int e = 0; e < ENGINES; e++) {
		struct fg_table *table = build(engine_names[e], NULL, 0);
		uint32_t rules[3] = {7, 7, 7};

		fg_table_lookup(table, keys, NULL, rules, 3);
		for (int i = 0; i < 3; i++)
			assert_int_equal(rules[i], FG_RULE_NONE);
		fg_table_free(table);
	}
	fg_table_free(NULL);
}

/* An entry for each family, and after them one without a condition. */
static void everything_and_families(void **state)
{
	static const uint8_t families[] = {FG_FAMILY_OTHER, FG_FAMILY_IPV4, FG_FAMILY_IPV6};
	struct fg_match matches[4];

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		struct conditions conditions = no_conditions(i < 3 ? 10 + i : 99);

		if (i < 3)
			require(&conditions, FAMILY, families[i]);
		matches[i] = match_of(&conditions);
	}
	for (int e = 0; e < ENGINES; e++)
		for (uint32_t with = 0; with < 4; with++) {
			/* Some of the families, then everything. */
			struct fg_table *table = build(engine_names[e], matches + with, 4 - with);

			for (uint32_t i = 0; i < 3; i++) {
				struct fg_key key = {.family = families[i]};

				assert_int_equal(lookup_one(table, &key), i < with ? 99 : 10 + i);
				memset(&key, 0xff, sizeof(key));
				key.family = families[i];
				assert_int_equal(lookup_one(table, &key), i < with ? 99 : 10 + i);
			}
			fg_table_free(table);
		}
}

/* A table that tests one field, and keys on both sides of the boundaries. */
static void check_field(int field, number low, number high)
{
	struct conditions conditions = no_conditions(1);
	struct fg_match match;

	conditions.range[field] = (struct range){low, high};
	match = match_of(&conditions);
	for (int e = 0; e < ENGINES; e++) {
		struct fg_table *table = build(engine_names[e], &match, 1);
		const number values[] = {low, high, low - 1, high + 1};

		for (size_t v = 0; v < RTE_DIM(values); v++) {
			struct packet packet = {.value[FAMILY] = FG_FAMILY_IPV6};
			struct fg_key key;

			packet.value[field] = values[v] & highest(field);
			if (field == FAMILY && v > 1)
				packet.value[field] = FG_FAMILY_OTHER;
			key = key_of(&packet, 0xffff);
			assert_int_equal(lookup_one(table, &key),
					 expected_rule(&conditions, 1, &packet));
		}
		fg_table_free(table);
	}
}

static void each_field_alone(void **state)
{
	(void)state;
	for (int f = 0; f < NUMBERS; f++) {
		const number middle = f == FAMILY ? FG_FAMILY_IPV4 : highest(f) / 3;

		check_field(f, middle, middle);
		if (f != FAMILY) {
			check_field(f, 0, 0);
			check_field(f, highest(f), highest(f));
		}
	}
	for (int f = DST_PORT; f <= SRC_PORT; f++) {
		check_field(f, 0, 1023);
		check_field(f, 0, 65534);
		check_field(f, 1, 65535);
		check_field(f, 255, 256);
	}
}

/* Nested entries in every order: only rule numbers matter, not the order. */
static void lowest_rule_wins_in_any_order(void **state)
{
	static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	const uint32_t numbers[] = {1, 5, FG_MATCH_RULE_MAX};
	const struct fg_key key = {.family = FG_FAMILY_IPV4, .dst_ip = {10, 1, 2, 3}};

	(void)state;
	for (size_t entries = 0; entries < RTE_DIM(orders); entries++)
		for (size_t ranks = 0; ranks < RTE_DIM(orders); ranks++) {
			struct fg_match matches[3];

			for (unsigned int i = 0; i < 3; i++) {
				const unsigned int depth = orders[entries][i];
				struct conditions w = no_conditions(numbers[orders[ranks][depth]]);

				require(&w, FAMILY, FG_FAMILY_IPV4);
				require_prefix(&w, DST_IP, (number)0x0a010203 << 96,
					       8 + 12 * depth);
				matches[i] = match_of(&w);
			}
			for (int e = 0; e < ENGINES; e++) {
				struct fg_table *table = build(engine_names[e], matches, 3);

				assert_int_equal(lookup_one(table, &key), 1);
				fg_table_free(table);
			}
		}
}

/* A family that no packet has is valid, and matches nothing. */
static void odd_family_is_harmless(void **state)
{
	const struct fg_key key = {.family = FG_FAMILY_IPV4};
	struct conditions conditions = no_conditions(1);
	struct fg_match match;

	(void)state;
	require(&conditions, FAMILY, 5);
	match = match_of(&conditions);
	for (int e = 0; e < ENGINES; e++) {
		struct fg_table *table = build(engine_names[e], &match, 1);

		assert_int_equal(lookup_one(table, &key), FG_RULE_NONE);
		fg_table_free(table);
	}
}

static void entries_are_copied(void **state)
{
	const struct fg_key key = {.family = FG_FAMILY_IPV4};

	(void)state;
	for (int e = 0; e < ENGINES; e++) {
		const struct conditions conditions = no_conditions(3);
		struct fg_match *match = malloc(sizeof(*match));
		struct fg_table *table;

		assert_non_null(match);
		*match = match_of(&conditions);
		table = build(engine_names[e], match, 1);
		memset(match, 0, sizeof(*match));
		free(match);
		assert_int_equal(lookup_one(table, &key), 3);
		fg_table_free(table);
	}
}

static void refused(const char *engine, const struct fg_match *matches, uint32_t count, int code,
		    const char *reason)
{
	const struct fg_table_conf conf = {.socket_id = SOCKET_ID_ANY, .engine = engine};
	struct fg_table *table = NULL;
	struct fg_error error = {0};
	const int rc = fg_table_build(&conf, matches, count, &table, &error);

	if (rc != code || table != NULL || strstr(error.text, reason) == NULL)
		fail_msg("%d, '%s' instead of %d, '%s'", rc, error.text, code, reason);
}

/* Each of these bytes makes a valid entry invalid. */
#define VALUE(field) offsetof(struct fg_match, value.field)
#define MASK(field)  offsetof(struct fg_match, mask.field)
static const struct {
	size_t offset;
	uint8_t byte;
} defects[] = {
	{offsetof(struct fg_match, rule), 0},
	{offsetof(struct fg_match, rule) + 3, 0x20},
	{offsetof(struct fg_match, rule) + 3, 0xff},
	{offsetof(struct fg_match, src_port_min) + 1, 0x13},
	{offsetof(struct fg_match, dst_port_max) + 1, 0x11},
	/* Value bits outside the mask. */
	{VALUE(l4), 17},
	{VALUE(src_ip[15]), 1},
	{VALUE(vlan_be[1]), 1},
	{VALUE(src_port_be), 1},
	{VALUE(payload_len), 1},
	/* Fields that must not be masked. */
	{MASK(src_port_be), 0xff},
	{MASK(dst_port_be) + 1, 0xff},
	{MASK(payload_len), 0xff},
	{MASK(payload_off), 1},
	/* Masks that are no prefix. */
	{MASK(src_ip[1]), 0xff},
	{MASK(src_ip[15]), 1},
	{MASK(src_ip[0]), 0x7f},
	{MASK(dst_ip[0]), 0xfd},
	{MASK(dst_ip[0]), 0x81},
	{MASK(dst_ip[4]), 0x80},
	/* Fields masked in part. */
	{MASK(dst_mac[5]), 0xff},
	{MASK(src_mac[0]), 0xff},
	{MASK(vlan_be[0]), 0xff},
	{MASK(vlan_be[1]) + 1, 0xff},
	{MASK(ethertype_be), 0x80},
	{MASK(protocol), 0x0f},
	{MASK(l4), 1},
	{MASK(family), 4},
	{MASK(flags), FG_KEY_FRAGMENT},
	{MASK(source), 0xf0},
	{MASK(line), 0x7f},
};
#undef VALUE
#undef MASK

static void invalid_entries_are_refused(void **state)
{
	(void)state;
	for (size_t s = 0; s < RTE_DIM(defects); s++) {
		struct fg_match matches[3];

		for (uint32_t i = 0; i < 3; i++) {
			struct conditions conditions = no_conditions(1 + i);

			require(&conditions, SRC_PORT, 0x1234);
			require(&conditions, DST_PORT, 0x1234);
			matches[i] = match_of(&conditions);
		}
		for (int e = 0; e < ENGINES; e++)
			fg_table_free(build(engine_names[e], matches, 3));
		((uint8_t *)&matches[1])[defects[s].offset] = defects[s].byte;
		for (int e = 0; e < ENGINES; e++)
			refused(engine_names[e], matches, 3, -EINVAL, "rule entry 1 (rule ");
	}
}

/* Every prefix length. */
static void all_prefix_lengths(void **state)
{
	(void)state;
	for (int e = 0; e < ENGINES; e++)
		for (unsigned int length = 0; length <= 128; length++) {
			struct packet packet = {.value[FAMILY] = FG_FAMILY_IPV6};
			struct conditions conditions = no_conditions(1);
			struct fg_match match;
			struct fg_table *table;
			struct fg_key key;

			require(&conditions, FAMILY, FG_FAMILY_IPV6);
			require_prefix(&conditions, SRC_IP, ~(number)0 / 3, length);
			match = match_of(&conditions);
			table = build(engine_names[e], &match, 1);
			packet.value[SRC_IP] = conditions.range[SRC_IP].high;
			key = key_of(&packet, 0);
			assert_int_equal(lookup_one(table, &key), 1);
			packet.value[SRC_IP]++;
			key = key_of(&packet, 0);
			assert_int_equal(lookup_one(table, &key), length == 0);
			fg_table_free(table);
		}
}

static void other_refusals(void **state)
{
	struct fg_match *matches = calloc(FG_MATCHES_MAX + 1, sizeof(*matches));

	(void)state;
	assert_non_null(matches);
	for (int e = 0; e < ENGINES; e++)
		refused(engine_names[e], matches, FG_MATCHES_MAX + 1, -E2BIG,
			"1000001 rule entries: at most 1000000");
	free(matches);
	refused("fast", NULL, 0, -EINVAL, "no classify engine is called 'fast'");
	refused("", NULL, 0, -EINVAL, "''");
	fg_table_free(build(NULL, NULL, 0));
}

#define GROUPS 100000u

static struct conditions group(uint32_t i)
{
	struct conditions conditions = no_conditions(i + 1);

	require(&conditions, FAMILY, FG_FAMILY_IPV4);
	require(&conditions, L4, 17);
	require(&conditions, DST_IP, (number)(0xe8000000u + i / 4 * 3) << 96);
	require(&conditions, DST_PORT, 20000 + i % 4);
	return conditions;
}

/* As many exact rules as a file can have. */
static void many_groups(void **state)
{
	struct fg_match *matches = malloc(GROUPS * sizeof(*matches));
	struct fg_table *table;
	const clock_t begin = clock();

	(void)state;
	assert_non_null(matches);
	for (uint32_t i = 0; i < GROUPS; i++) {
		const struct conditions conditions = group(i);

		matches[i] = match_of(&conditions);
	}
	table = build("acl", matches, GROUPS);
	print_message("%u groups: built in %ld ms\n", GROUPS,
		      (clock() - begin) * 1000 / CLOCKS_PER_SEC);
	free(matches);
	for (uint32_t i = 0; i < GROUPS; i++) {
		const struct conditions conditions = group(i);
		struct packet packet;
		struct fg_key key;

		for (int f = 0; f < NUMBERS; f++)
			packet.value[f] = conditions.range[f].low;
		key = key_of(&packet, 0);
		assert_int_equal(lookup_one(table, &key), i + 1);
		key.l4 = 6;
		assert_int_equal(lookup_one(table, &key), FG_RULE_NONE);
		packet.value[DST_IP] += (number)1 << 96; /* every third address is in use */
		key = key_of(&packet, 0);
		assert_int_equal(lookup_one(table, &key), FG_RULE_NONE);
	}
	fg_table_free(table);
}

/* ClassBench: "@SRC/N DST/N LOW : HIGH LOW : HIGH PROTOCOL/MASK FLAGS/MASK". */
static bool read_bench_rule(const char *line, uint32_t rule, struct conditions *conditions)
{
	unsigned int a[4], b[4], src_len, dst_len, port[4], protocol, mask;

	if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &a[0], &a[1],
		   &a[2], &a[3], &src_len, &b[0], &b[1], &b[2], &b[3], &dst_len, &port[0], &port[1],
		   &port[2], &port[3], &protocol, &mask) != 16)
		return false;
	*conditions = no_conditions(rule);
	require(conditions, FAMILY, FG_FAMILY_IPV4);
	require_prefix(conditions, SRC_IP,
		       (number)(a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3]) << 96, src_len);
	require_prefix(conditions, DST_IP,
		       (number)(b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]) << 96, dst_len);
	conditions->range[SRC_PORT] = (struct range){port[0], port[1]};
	conditions->range[DST_PORT] = (struct range){port[2], port[3]};
	if (mask != 0)
		require(conditions, PROTOCOL, protocol);
	return true;
}

/* "SRC DST SPORT DPORT PROTOCOL FLAGS RULE": RULE, from 0, matches the packet. */
static void check_trace(FILE *trace, const struct set *set, const struct fg_table *table)
{
	unsigned int src, dst, sport, dport, protocol, made_for, n = 0;

	while (fscanf(trace, "%u %u %u %u %u %*u %u", &src, &dst, &sport, &dport, &protocol,
		      &made_for) == 6) {
		struct packet packet = {0};
		struct fg_key key;
		uint32_t rule;

		packet.value[FAMILY] = FG_FAMILY_IPV4;
		packet.value[SRC_IP] = (number)src << 96;
		packet.value[DST_IP] = (number)dst << 96;
		packet.value[SRC_PORT] = sport;
		packet.value[DST_PORT] = dport;
		packet.value[PROTOCOL] = protocol;
		key = key_of(&packet, 0);
		rule = lookup_one(table, &key);
		assert_int_equal(rule, expected_rule(set->conditions, set->count, &packet));
		assert_true(rule >= 1 && rule <= made_for + 1);
		n++;
	}
	print_message("%u rules, %u packets\n", set->count, n);
	assert_true(n > 1000);
}

static void public_rule_sets(void **state)
{
	static const char *const names[] = {"acl_1k", "fw_1k", "ipc_1k"};
	const char *data = getenv("FG_TEST_DATA");
	struct set *set = malloc(sizeof(*set));

	(void)state;
	assert_non_null(set);
	for (size_t i = 0; i < RTE_DIM(names); i++) {
		char path[512], line[256];
		struct fg_table *table;
		FILE *rules, *trace;

		snprintf(path, sizeof(path), "%s/rulesets/%s", data != NULL ? data : "", names[i]);
		rules = data != NULL ? fopen(path, "r") : NULL;
		snprintf(path, sizeof(path), "%s/rulesets/%s_trace", data != NULL ? data : "",
			 names[i]);
		trace = rules != NULL ? fopen(path, "r") : NULL;
		if (trace == NULL) {
			print_message("skipped: no rule set %s in FG_TEST_DATA\n", names[i]);
			if (rules != NULL)
				fclose(rules);
			continue;
		}
		set->count = 0;
		while (set->count < SETS_MAX && fgets(line, sizeof(line), rules) != NULL) {
			struct conditions *conditions = &set->conditions[set->count];

			assert_true(read_bench_rule(line, set->count + 1, conditions));
			set->matches[set->count++] = match_of(conditions);
		}
		table = build("acl", set->matches, set->count);
		check_trace(trace, set, table);
		fg_table_free(table);
		fclose(rules);
		fclose(trace);
	}
	free(set);
}

int main(void)
{
	static char *eal_args[] = {"test_classify",  "--no-huge",   "-m", "512", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_table_matches_nothing),
		cmocka_unit_test(everything_and_families),
		cmocka_unit_test(each_field_alone),
		cmocka_unit_test(lowest_rule_wins_in_any_order),
		cmocka_unit_test(odd_family_is_harmless),
		cmocka_unit_test(entries_are_copied),
		cmocka_unit_test(invalid_entries_are_refused),
		cmocka_unit_test(all_prefix_lengths),
		cmocka_unit_test(other_refusals),
		cmocka_unit_test(engines_agree_with_the_oracle),
		cmocka_unit_test(many_groups),
		cmocka_unit_test(public_rule_sets),
	};
	int failed;

	if (rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	failed = cmocka_run_group_tests_name("classify", tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}

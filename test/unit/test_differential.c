/* SPDX-License-Identifier: MIT */
/*
 * Compares every engine and variant with a simple search of its own; engine "linear",
 * the reference, is one of them. FG_LONG=1 in the environment: more sets, more keys.
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
#include <time.h>

#include <rte_eal.h>
#include <rte_memory.h>

#include <fg_burst.h>
#include <fg_meta.h>

#include "differential_sets.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 4u
#else
#define SLOW 1u
#endif

#define ACL_ENTRIES_MAX 300u /* rte_acl bounds neither time nor memory */
#define KEYS_MAX        20000u
#define SHRINK_MAX      1000000u /* entries built to find those that show a defect */

static bool is_long; /* FG_LONG */

/* An engine and a variant. */
struct subject {
	const char *engine, *variant;
	bool absent; /* this CPU lacks the instructions */
	uint64_t keys, builds;
};

static struct subject subjects[32];
static uint32_t n_subjects, n_variants;

static void list_subjects(void)
{
	while (fg_isa_options[n_variants] != NULL)
		n_variants++;
	for (uint32_t e = 0; fg_table_engines[e] != NULL; e++)
		for (uint32_t v = 0; fg_isa_options[v] != NULL; v++) {
			if (strcmp(fg_table_engines[e], "tiered") != 0 && v > 0)
				break;
			assert_true(n_subjects < RTE_DIM(subjects));
			subjects[n_subjects++] = (struct subject){.engine = fg_table_engines[e],
								  .variant = fg_isa_options[v]};
		}
}

/* The entries with their masks as words, lowest rule first. */
struct plain {
	uint64_t value[8], mask[8];
	uint16_t src_min, src_max, dst_min, dst_max;
	uint32_t rule;
};

static int compare_plain(const void *left, const void *right)
{
	const struct plain *a = left, *b = right;

	return (a->rule > b->rule) - (a->rule < b->rule);
}

static struct plain *make_plain(const struct entries *e)
{
	struct plain *plain = calloc(e->count + 1, sizeof(*plain));

	assert_non_null(plain);
	for (uint32_t i = 0; i < e->count; i++) {
		const struct fg_match *m = &e->at[i];

		plain[i] = (struct plain){.src_min = m->src_port_min,
					  .src_max = m->src_port_max,
					  .dst_min = m->dst_port_min,
					  .dst_max = m->dst_port_max,
					  .rule = m->rule};
		memcpy(plain[i].value, &m->value, sizeof(m->value));
		memcpy(plain[i].mask, &m->mask, sizeof(m->mask));
	}
	qsort(plain, e->count, sizeof(*plain), compare_plain);
	return plain;
}

static uint32_t search(const struct plain *plain, uint32_t count, const struct fg_key *key)
{
	/* Words of the addresses first: they differ most often. */
	static const uint8_t order[8] = {4, 2, 0, 1, 6, 7, 5, 3};
	const uint16_t src = ntohs(key->src_port_be), dst = ntohs(key->dst_port_be);
	uint64_t words[8];

	memcpy(words, key, sizeof(words));
	for (const struct plain *p = plain; p < plain + count; p++) {
		uint32_t i = 0;

		while (i < 8 && (words[order[i]] & p->mask[order[i]]) == p->value[order[i]])
			i++;
		if (i == 8 && src >= p->src_min && src <= p->src_max && dst >= p->dst_min &&
		    dst <= p->dst_max)
			return p->rule;
	}
	return FG_RULE_NONE;
}

/*
 * 0 and a table, or an acceptable refusal: the CPU lacks the variant, the table is over
 * its budget, or a limit of rte_acl.
 */
static int build(struct subject *s, const struct entries *e, uint64_t budget, struct fg_table **out)
{
	const struct fg_table_conf conf = {.socket_id = SOCKET_ID_ANY,
					   .engine = s->engine,
					   .variant = s->variant,
					   .budget_bytes = budget};
	struct fg_error error = {0};
	int rc;

	*out = NULL;
	rc = fg_table_build(&conf, e->at, e->count, out, &error);
	assert_true((rc == 0) == (*out != NULL));
	assert_true((rc == 0) == (error.text[0] == '\0'));
	s->builds += rc == 0;
	if (rc == -ENOTSUP) {
		print_message("%s %s is not tested: %s\n", s->engine, s->variant, error.text);
		s->absent = true;
	} else if (rc == -ENOMEM && strcmp(s->engine, "acl") == 0) {
		print_message("acl does not build these %u entries: %s\n", e->count, error.text);
	} else if (rc != 0 && !(rc == -E2BIG && budget != 0)) {
		fail_msg("%s %s, %u entries: %d, %s", s->engine, s->variant, e->count, rc,
			 error.text);
	}
	return rc;
}

/* Does the subject give another rule than the search? */
static bool disagrees(struct subject *s, const struct entries *e, const struct fg_key *key)
{
	struct plain *plain = make_plain(e);
	struct fg_table *table;
	uint32_t rule = 0;
	bool differs = false;

	if (build(s, e, 0, &table) == 0) {
		fg_table_lookup(table, key, NULL, &rule, 1);
		differs = rule != search(plain, e->count, key);
		fg_table_free(table);
	}
	free(plain);
	return differs;
}

/* Remove entries that the disagreement does not need, up to SHRINK_MAX entries built. */
static void shrink(struct subject *s, struct entries *e, const struct fg_key *key)
{
	struct fg_match *selected = malloc(e->count * sizeof(*selected));
	uint64_t built = 0; /* entries */

	assert_non_null(selected);
	for (uint32_t step = (e->count + 1) / 2; step > 0; step /= 2)
		for (uint32_t from = 0; from < e->count && e->count > 1 && built < SHRINK_MAX;) {
			const uint32_t removed = RTE_MIN(step, e->count - from);
			struct entries fewer = {selected, e->count - removed};

			memcpy(selected, e->at, from * sizeof(*selected));
			memcpy(selected + from, e->at + from + removed,
			       (e->count - from - removed) * sizeof(*selected));
			built += fewer.count;
			if (fewer.count > 0 && disagrees(s, &fewer, key)) {
				memcpy(e->at, selected, fewer.count * sizeof(*selected));
				e->count = fewer.count;
			} else {
				from += step;
			}
		}
	free(selected);
}

static void print_key(const char *what, const struct fg_key *key)
{
	print_message("  %s", what);
	for (size_t i = 0; i < sizeof(*key); i++)
		print_message("%s%02x", i % 8 == 0 ? " " : "", ((const uint8_t *)key)[i]);
	print_message("\n");
}

static void report(struct subject *s, const char *name, struct entries *e, const struct fg_key *key,
		   uint32_t got)
{
	struct plain *plain = make_plain(e);

	print_message("%s, %u entries: %s %s gives rule %u instead of %u\n", name, e->count,
		      s->engine, s->variant, got, search(plain, e->count, key));
	free(plain);
	if (disagrees(s, e, key))
		shrink(s, e, key);
	else
		print_message("  (alone, the key gets the right rule: it depends on the rest of "
			      "the burst)\n");
	print_key("key  ", key);
	for (uint32_t i = 0; i < RTE_MIN(e->count, 20u); i++) {
		const struct fg_match *m = &e->at[i];

		print_message("  rule %u, ports %u-%u, %u-%u%s\n", m->rule, m->src_port_min,
			      m->src_port_max, m->dst_port_min, m->dst_port_max,
			      fg_match_test(m, key) ? ": matches" : "");
		print_key("value", &m->value);
		print_key("mask ", &m->mask);
	}
	fail_msg("%s %s disagrees on set '%s'", s->engine, s->variant, name);
}

/* Keys and the rules they match. */
struct sample {
	struct fg_key *keys;
	uint32_t *rules;
	uint32_t count, hits;
	uint32_t winners; /* different rules that the first hundred keys match */
};

static bool is_first(const struct sample *sample, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (sample->rules[i] == sample->rules[at])
			return false;
	return true;
}

static void draw_sample(struct sample *sample, const struct entries *e, uint32_t count)
{
	struct plain *plain = make_plain(e);

	sample->keys = malloc(count * sizeof(*sample->keys));
	sample->rules = malloc(count * sizeof(*sample->rules));
	assert_non_null(sample->keys);
	assert_non_null(sample->rules);
	sample->count = count;
	sample->hits = 0;
	for (uint32_t i = 0; i < count; i++) {
		sample->keys[i] = near_key(e);
		sample->rules[i] = search(plain, e->count, &sample->keys[i]);
		sample->hits += sample->rules[i] != FG_RULE_NONE;
	}
	free(plain);
	sample->winners = 0;
	for (uint32_t i = 0; i < RTE_MIN(count, 100u); i++)
		sample->winners += sample->rules[i] != FG_RULE_NONE && is_first(sample, i);
}

static void free_sample(struct sample *sample)
{
	free(sample->keys);
	free(sample->rules);
}

/* Look the sample up in bursts of all sizes, with keys at all alignments. */
static void check_keys(struct subject *s, const char *name, struct entries *e,
		       const struct fg_table *table, const struct sample *sample, uint32_t count)
{
	static uint8_t room[(FG_BURST_MAX + 1) * sizeof(struct fg_key)]
		__attribute__((aligned(64)));
	uint32_t rules[FG_BURST_MAX + 1];

	for (uint32_t i = 0; i < count;) {
		const uint32_t n = RTE_MIN(1 + random_below(FG_BURST_MAX), count - i);
		struct fg_key *keys = (struct fg_key *)(void *)(room + 8 * random_below(8));

		memcpy(keys, &sample->keys[i], n * sizeof(*keys));
		memset(rules, 0xa5, sizeof(rules));
		fg_table_lookup(table, keys, NULL, rules, n);
		assert_int_equal(rules[n], 0xa5a5a5a5u);
		for (uint32_t k = 0; k < n; k++)
			if (rules[k] != sample->rules[i + k])
				report(s, name, e, &sample->keys[i + k], rules[k]);
		i += n;
	}
	s->keys += count;
}

static void check_info(const struct subject *s, const struct entries *e,
		       const struct fg_table *table, uint64_t budget)
{
	uint32_t tiers[3] = {0};
	struct fg_table_info info;

	fg_table_info(table, &info);
	assert_string_equal(info.engine, s->engine);
	for (uint32_t i = 0; i < e->count; i++)
		tiers[fg_table_tier(table, i)]++;
	assert_int_equal(info.n_exact, tiers[FG_TIER_EXACT]);
	assert_int_equal(info.n_wildcard, tiers[FG_TIER_WILDCARD]);
	assert_int_equal(info.n_expressions, 0);
	assert_int_equal(info.n_exact + info.n_wildcard, e->count);
	if (budget != 0)
		assert_true(info.bytes <= budget);
}

/* Is the subject tested with this set? In the short form, large sets test "auto" and one other. */
static bool has_turn(const struct subject *s, const struct entries *e)
{
	static uint32_t turn;
	const uint32_t index = (uint32_t)(s - subjects);

	if (strcmp(s->engine, "acl") == 0)
		return e->count <= ACL_ENTRIES_MAX;
	if (is_long || e->count < 1000 || index == 0 || strcmp(s->engine, "linear") == 0)
		return true;
	if (index == 1)
		turn++;
	return turn % (n_variants - 1) + 1 == index;
}

/* One set, all engines. */
static void check_set(const char *name, struct entries *e, uint32_t n_keys)
{
	struct sample sample;

	draw_sample(&sample, e, n_keys);
	for (struct subject *s = subjects; s < subjects + n_subjects; s++) {
		const bool linear = strcmp(s->engine, "linear") == 0;
		struct fg_table *table;
		uint32_t count = n_keys;

		if (s->absent || !has_turn(s, e) || build(s, e, 0, &table) != 0)
			continue;
		if (linear) /* slow: at most 2^22 comparisons */
			count = RTE_MIN(count, (1u << 22) / SLOW / e->count + 4);
		check_keys(s, name, e, table, &sample, count);
		check_info(s, e, table, 0);
		fg_table_free(table);
	}
	print_message("%-10s %6u entries: %5u keys, %5u matched, by %u of 100\n", name, e->count,
		      n_keys, sample.hits, sample.winners);
	free_sample(&sample);
}

struct style {
	const char *name;
	void (*fill)(struct entries *);
	uint32_t entries_max; /* 0: any number */
};

static const struct style styles[] = {
	{"acl", fill_acl, 0},
	{"fw", fill_fw, 0},
	{"ipc", fill_ipc, 0},
	{"groups", fill_groups, 0},
	{"nested", fill_nested, 0},
	{"ports", fill_port_ranges, 0},
	{"link", fill_link, 0},
	{"ipv6", fill_ipv6, 0},
	{"mixed", fill_mixed, 0},
	{"random", fill_random, 0},
	{"duplicates", fill_duplicates, 0},
	{"everything", fill_everything, 0},
	{"one-bit", fill_one_bit, 2000},
	{"one-port", fill_one_port, 0},
	{"ranges", fill_nested_ranges, 0},
	{"crossing", fill_crossing_ranges, 0},
	{"masks", fill_many_masks, 0},
	{"wild", fill_wild, 2000},
	{"colliders", fill_colliders, 0},
	{"colliders6", fill_colliders6, 0},
	{"tails", fill_tails, 0},
};

static void check_style(const struct style *style, uint32_t count, uint32_t seed, uint32_t n_keys)
{
	struct entries e = {.count = count};

	if (style->entries_max != 0 && count > style->entries_max)
		return;
	random_state = UINT64_C(0x9e3779b97f4a7c15) * (seed + 1);
	e.at = calloc(count, sizeof(*e.at));
	assert_non_null(e.at);
	style->fill(&e);
	if (count >= 60 && !one_in(4))
		rank_by_bits(&e);
	check_set(style->name, &e, RTE_MIN(n_keys / SLOW, KEYS_MAX));
	free(e.at);
}

static void small_sets(void **state)
{
	static const uint32_t counts[] = {1, 2, 3, 5, 8, 16, 17, 60, 200, 300};
	const uint32_t rounds = is_long ? 20 : 1;

	(void)state;
	for (uint32_t round = 0; round < rounds; round++)
		for (size_t s = 0; s < RTE_DIM(styles); s++)
			for (size_t c = 0; c < RTE_DIM(counts); c++)
				check_style(&styles[s], counts[c],
					    round * 4096 + (uint32_t)(s * 16 + c),
					    is_long ? 4000 : 600);
}

static void large_sets(void **state)
{
	static const uint32_t counts[] = {1000, 3000, 20000};
	const uint32_t rounds = is_long ? 4 : 1;

	(void)state;
	for (uint32_t round = 0; round < rounds; round++)
		for (size_t s = 0; s < RTE_DIM(styles); s++)
			for (size_t c = 0; c < RTE_DIM(counts); c++) {
				/* In the short form, each style has one size. */
				if (!is_long && (s % 4 == 0 ? 2 : s % 2) != c)
					continue;
				check_style(&styles[s], counts[c] / (is_long ? 1 : SLOW),
					    100000 + round * 4096 + (uint32_t)(s * 16 + c),
					    is_long ? KEYS_MAX : 1500);
			}
}

/* A table that does not fit its budget is refused. */
static void budgets(void **state)
{
	const uint32_t counts[] = {1, 500, is_long ? 50000u : 4000u / SLOW};

	(void)state;
	for (size_t s = 0; s < RTE_DIM(styles); s++)
		for (size_t c = 0; c < RTE_DIM(counts); c++)
			for (uint64_t budget = UINT64_C(1) << 20; budget <= UINT64_C(8) << 20;
			     budget *= 8) {
				struct entries e = {.count = counts[c]};
				struct subject *subject = &subjects[0];
				struct fg_table *table;
				struct sample sample;
				int rc;

				random_state = UINT64_C(0x9e3779b97f4a7c15) * (s + 1);
				e.at = calloc(e.count, sizeof(*e.at));
				assert_non_null(e.at);
				styles[s].fill(&e);
				rc = build(subject, &e, budget, &table);
				if (rc == 0) {
					draw_sample(&sample, &e, 100);
					check_keys(subject, styles[s].name, &e, table, &sample,
						   100);
					check_info(subject, &e, table, budget);
					free_sample(&sample);
					fg_table_free(table);
				}
				assert_true(rc == 0 || counts[c] > 1);
				free(e.at);
			}
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check_bounds(const struct style *style, uint32_t count)
{
	struct entries e = {.count = count};
	struct fg_table *table = NULL;
	struct sample sample;
	double from;

	random_state = UINT64_C(0x9e3779b97f4a7c15) * 77;
	e.at = calloc(e.count, sizeof(*e.at));
	assert_non_null(e.at);
	style->fill(&e);
	rank_by_bits(&e);
	from = cpu_seconds();
	build(&subjects[0], &e, FG_TABLE_BUDGET_BYTES, &table);
	print_message("%-10s %6u entries: %s in %.2f s\n", style->name, e.count,
		      table != NULL ? "built" : "refused", cpu_seconds() - from);
	if (table != NULL) {
		draw_sample(&sample, &e, is_long ? 4000 : 200);
		check_keys(&subjects[0], style->name, &e, table, &sample, sample.count);
		check_info(&subjects[0], &e, table, FG_TABLE_BUDGET_BYTES);
		free_sample(&sample);
		fg_table_free(table);
	}
	free(e.at);
}

/* The largest sets that a file can hold are built or refused. */
static void bounds(void **state)
{
	(void)state;
	for (size_t s = 0; s < RTE_DIM(styles); s++)
		if (is_long || styles[s].fill == fill_fw || styles[s].fill == fill_groups)
			check_bounds(&styles[s], SLOW > 1 ? 20000 : 100000);
		else if (styles[s].fill == fill_random)
			check_bounds(&styles[s], SLOW > 1 ? 10000 : 50000);
}

static int summary(void **state)
{
	(void)state;
	for (const struct subject *s = subjects; s < subjects + n_subjects; s++)
		print_message("%-7s %-7s %8llu keys, %llu tables%s\n", s->engine, s->variant,
			      (unsigned long long)s->keys, (unsigned long long)s->builds,
			      s->absent ? " (not on this machine)" : "");
	return 0;
}

int main(void)
{
	static char *eal_args[] = {"test_differential", "--no-huge",   "-m", "1024", "--no-pci",
				   "--no-telemetry",    "--no-shconf", "-l", "0",    NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_sets),
		cmocka_unit_test(large_sets),
		cmocka_unit_test(budgets),
		cmocka_unit_test(bounds),
	};
	const char *text = getenv("FG_LONG");
	int failed;

	is_long = text != NULL && strcmp(text, "1") == 0;
	if (rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	list_subjects();
	failed = cmocka_run_group_tests_name("differential", tests, NULL, summary);
	rte_eal_cleanup();
	return failed;
}

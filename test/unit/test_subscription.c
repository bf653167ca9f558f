/* SPDX-License-Identifier: MIT */
/* Subscriptions of rules: messages, instruments, a file of instruments, and what is refused. */
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
#include <unistd.h>

#include <rte_common.h>

#include <fg_config.h>
#include <fg_names.h>
#include <fg_rules.h>

static char path[] = "/tmp/feedgate-subscription-XXXXXX";

/* Feeds: itch (itch50), cme (cme_mdp3), tied (no protocol). */
static int load(const char *text, bool protocols_known, struct fg_rules **out,
		struct fg_error *error)
{
	static const char *const sinks[] = {"a"};
	static const char *const feeds[] = {"itch", "cme", "tied"};
	const struct fg_protocol *const protocols[] = {fg_protocol_find("itch50"),
						       fg_protocol_find("cme_mdp3"), NULL};
	const struct fg_scope scope = {.sinks = sinks,
				       .n_sinks = 1,
				       .feeds = feeds,
				       .n_feeds = 3,
				       .protocols = protocols_known ? protocols : NULL};
	struct fg_config *config = NULL;
	int rc;

	if (fg_config_load_text("r.yaml", text, strlen(text), &config, error) != 0)
		fail_msg("%s", error->text);
	rc = fg_rules_load(fg_config_root(config), NULL, &scope, out, error);
	fg_config_free(config);
	return rc;
}

static struct fg_rules *loaded(const char *text)
{
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};

	if (load(text, true, &rules, &error) != 0)
		fail_msg("%s: %s", text, error.text);
	return rules;
}

static void write_file(const char *text, size_t bytes)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, bytes, file), bytes);
	assert_int_equal(fclose(file), 0);
}

static void no_subscription(void **state)
{
	struct fg_rules *rules = loaded("[{name: x, feed: itch, to: a}, {name: y, to: a}]");

	(void)state;
	assert_null(rules->rules[1].subscription);
	assert_null(rules->rules[2].subscription);
	assert_int_equal(rules->rules[1].feed_line, 0);
	fg_rules_free(rules);
}

static void types_by_any_name(void **state)
{
	struct fg_rules *rules = loaded(
		"[{name: x, feed: itch, messages: [A, OrderDelete, x, h], to: a, line: B},"
		" {name: y, feed: cme, messages: MDIncrementalRefreshBook, to: a},"
		" {name: z, messages: [46, 0x30], unmapped: drop, slice: true, to: a, feed: cme}]");
	const struct fg_subscription *x = rules->rules[1].subscription,
				     *y = rules->rules[2].subscription;
	const struct fg_subscription *z = rules->rules[3].subscription;

	(void)state;
	assert_int_equal(rules->rules[1].feed_line, 2);
	assert_int_equal(x->n_types, 4);
	assert_int_equal(x->types[0], 'A');
	assert_int_equal(x->types[1], 'D');
	assert_int_equal(x->types[2], 'x');
	assert_int_equal(x->types[3], 'h');
	assert_true(x->any_instrument && !x->slice && x->unmapped == FG_UNMAPPED_PASS);
	assert_int_equal(y->n_types, 1);
	assert_int_equal(y->types[0], 46);
	assert_int_equal(z->types[0], 46);
	assert_int_equal(z->types[1], 48);
	assert_true(z->slice && z->unmapped == FG_UNMAPPED_DROP);
	fg_rules_free(rules);
}

static void instruments_in_the_file(void **state)
{
	struct fg_rules *rules =
		loaded("[{name: x, feed: itch, instruments: [AAPL, 'BRK.A', 7, symbol:7], to: a},"
		       " {name: y, feed: itch, instruments: ZVZZT, to: a},"
		       " {name: z, feed: itch, instruments: [], to: a}]");
	const struct fg_subscription *x = rules->rules[1].subscription;

	(void)state;
	assert_int_equal(x->n_instruments, 4);
	assert_string_equal(x->instruments[0], "AAPL");
	assert_string_equal(x->instruments[1], "BRK.A");
	assert_string_equal(x->instruments[2], "7");
	assert_string_equal(x->instruments[3], "symbol:7");
	assert_false(x->any_instrument);
	assert_int_equal(rules->rules[2].subscription->n_instruments, 1);
	assert_int_equal(rules->rules[3].subscription->n_instruments, 0);
	assert_false(rules->rules[3].subscription->any_instrument);
	fg_rules_free(rules);
}

static void instruments_in_a_file(void **state)
{
	static const char text[] =
		"# names\nAAPL\n  MSFT \t# the second\r\n\nAAL#\nBRK.A\n#X\nlast";
	static const char *const expected[] = {"AAPL", "MSFT", "AAL#", "BRK.A", "last"};
	struct fg_rules *rules;
	char rule[128];

	(void)state;
	write_file(text, strlen(text));
	snprintf(rule, sizeof(rule), "[{name: x, feed: itch, instruments_file: %s, to: a}]", path);
	rules = loaded(rule);
	assert_int_equal(rules->rules[1].subscription->n_instruments, RTE_DIM(expected));
	for (size_t i = 0; i < RTE_DIM(expected); i++)
		assert_string_equal(rules->rules[1].subscription->instruments[i], expected[i]);
	assert_string_equal(rules->rules[1].subscription->file, path);
	fg_rules_free(rules);
	write_file("", 0);
	rules = loaded(rule);
	assert_int_equal(rules->rules[1].subscription->n_instruments, 0);
	assert_false(rules->rules[1].subscription->any_instrument);
	fg_rules_free(rules);
}

/* The maximum number, and one more. */
static void the_most_instruments(void **state)
{
	const size_t bytes = (FG_INSTRUMENTS_MAX + 1) * 8;
	char *text = malloc(bytes + 1), rule[128];
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i <= FG_INSTRUMENTS_MAX; i++)
		snprintf(text + i * 8, 9, "%07zu\n", i);
	snprintf(rule, sizeof(rule), "[{name: x, feed: itch, instruments_file: %s, to: a}]", path);
	write_file(text, bytes - 8);
	rules = loaded(rule);
	assert_int_equal(rules->rules[1].subscription->n_instruments, FG_INSTRUMENTS_MAX);
	assert_string_equal(rules->rules[1].subscription->instruments[FG_INSTRUMENTS_MAX - 1],
			    "0999999");
	fg_rules_free(rules);
	write_file(text, bytes);
	assert_int_equal(load(rule, true, &rules, &error), -E2BIG);
	assert_non_null(strstr(error.text, "1000001 instruments: at most 1000000"));
	free(text);
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"[{name: x, messages: [A], to: a}]",
		 "r.yaml:1:12: messages: the rule has no feed"},
		{"[{name: x, feed: tied, slice: true, to: a}]", "slice: feed tied has no protocol"},
		{"[{name: x, feed: itch, drop: true}]",
		 "r.yaml:1:12: feed: packets that the rule drops never reach feed itch, which "
		 "would report gaps"},
		{"[{name: x, feed: tied, messages: A, drop: true}]",
		 "messages: the rule drops its packets"},
		{"[{name: x, feed: itch, messages: [A, NoSuch], to: a}]",
		 "r.yaml:1:38: messages: 'NoSuch' is no message type of protocol itch50: expected "
		 "a "
		 "name of one or its characters"},
		{"[{name: x, feed: cme, messages: [A], to: a}]",
		 "expected a name of one or its number"},
		{"[{name: x, feed: itch, messages: [], to: a}]", "a list of 1 to 4096 types"},
		{"[{name: x, feed: itch, messages: {a: b}, to: a}]", "expected a type or a list"},
		{"[{name: x, feed: itch, messages: [[A]], to: a}]",
		 "expected a type, found a list"},
		{"[{name: x, feed: itch, instruments: {a: b}, to: a}]", "found a map"},
		{"[{name: x, feed: itch, instruments: [[A]], to: a}]", "expected an instrument"},
		{"[{name: x, feed: itch, instruments: [''], to: a}]", "expected an instrument"},
		{"[{name: x, feed: itch, unmapped: maybe, to: a}]", "unmapped: 'maybe': expected"},
		{"[{name: x, feed: itch, unmapped: [pass], to: a}]", "unmapped: expected a value"},
		{"[{name: x, feed: itch, slice: 7, to: a}]", "slice: '7'"},
		{"[{name: x, feed: itch, instruments_file: /nonexistent/x, to: a}]",
		 "instruments_file: /nonexistent/x: No such file"},
		{"[{name: x, feed: itch, instruments_file: /tmp, to: a}]",
		 "expected a regular file"},
		{"[{name: x, feed: itch, instruments: A, instruments_file: x, to: a}]",
		 "either instruments or instruments_file"},
		{"[{name: x, feed: itch, line: AB, to: a}]", "line: expected a letter, A to Z"},
		{"[{name: x, feed: itch, line: [A], to: a}]", "line: expected a letter, A to Z"},
		{"[{name: x, feed: itch, instrument: A, to: a}]",
		 "unknown key 'instrument': expected name, match, feed, line, messages, "
		 "instruments, instruments_file, unmapped, slice, to or drop"},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct fg_rules *rules = NULL;
		struct fg_error error = {0};

		assert_true(load(cases[i].text, true, &rules, &error) < 0);
		assert_null(rules);
		if (strstr(error.text, cases[i].says) == NULL)
			fail_msg("%s\n%s", cases[i].text, error.text);
	}
}

static void bad_files(void **state)
{
	static const struct {
		const char *text, *says;
		size_t bytes;
	} cases[] = {
		{"AAPL\nMS FT\n", ":2: expected one instrument a line", 11},
		{"AAPL,MSFT\n", ":1: expected one instrument a line", 10},
		{"AAPL\0MSFT\n", "a zero byte: not a text file", 10},
	};
	char rule[128];

	(void)state;
	snprintf(rule, sizeof(rule), "[{name: x, feed: itch, instruments_file: %s, to: a}]", path);
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct fg_rules *rules = NULL;
		struct fg_error error = {0};

		write_file(cases[i].text, cases[i].bytes);
		assert_true(load(rule, true, &rules, &error) < 0);
		if (strstr(error.text, cases[i].says) == NULL)
			fail_msg("%s", error.text);
	}
}

/* Without protocols in the scope, any types are accepted. */
static void protocols_not_known(void **state)
{
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};

	(void)state;
	assert_int_equal(
		load("[{name: x, feed: itch, messages: [NoSuch], instruments: [A], to: a}]", false,
		     &rules, &error),
		0);
	assert_int_equal(rules->rules[1].subscription->n_instruments, 1);
	fg_rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_subscription),
		cmocka_unit_test(types_by_any_name),
		cmocka_unit_test(instruments_in_the_file),
		cmocka_unit_test(instruments_in_a_file),
		cmocka_unit_test(the_most_instruments),
		cmocka_unit_test(refusals),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(protocols_not_known),
	};
	const int file = mkstemp(path);
	int failed;

	if (file < 0)
		return 1;
	close(file);
	failed = cmocka_run_group_tests_name("subscription", tests, NULL, NULL);
	unlink(path);
	fg_names_reset();
	return failed;
}

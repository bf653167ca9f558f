/* SPDX-License-Identifier: MIT */
/* A configuration key of an earlier version is refused with its new name. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include <fg_config.h>
#include <fg_feed.h>
#include <fg_option.h>
#include <fg_rules.h>

typedef int read_fn(const struct fg_node *node, struct fg_error *error);

static int read_feed(const struct fg_node *node, struct fg_error *error)
{
	struct fg_feed_conf conf = {0};

	return fg_feed_read(node, &conf, error);
}

static int read_rules(const struct fg_node *node, struct fg_error *error)
{
	static const char *const names[] = {"a"};
	const struct fg_protocol *const protocols[] = {fg_protocol_find("itch50")};
	const struct fg_scope scope = {
		.sinks = names, .n_sinks = 1, .feeds = names, .n_feeds = 1, .protocols = protocols};
	struct fg_rules *rules = NULL;

	return fg_rules_load(node, NULL, &scope, &rules, error);
}

static void check_refused(read_fn *read, const char *yaml, const char *text)
{
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	assert_int_equal(fg_config_load_text("f", yaml, strlen(yaml), &config, &error), 0);
	assert_int_equal(read(fg_config_root(config), &error), -EINVAL);
	fg_config_free(config);
	if (strstr(error.text, text) == NULL || strncmp(error.text, "f:1:", 4) != 0)
		fail_msg("%s: %s", yaml, error.text);
}

static void feeds(void **state)
{
	static const struct {
		const char *yaml, *text;
	} cases[] = {
		{"{name: f, framing: itch50}", "f:1:11: `framing` is now `protocol`"},
		{"{name: f, arbitrate: true, framing: itch50}", "`framing` is now `protocol`"},
		{"{name: f, protocol: itch50, spaces: 2}", "`spaces` is now `channels`"},
		{"{name: f, protocol: itch50, lost_ms: 2}", "`lost_ms` is now `gap_timeout_ms`"},
		{"{name: f, protocol: itch50, directory: x}",
		 "`directory` is now `symbols`: {file: PATH}"},
		{"{name: f, protocol: itch50, directory_size: 8}",
		 "`directory_size` is now `symbols`: {max: N}"},
		{"{name: f, protocol: itch50, symbol_file: x}",
		 "`symbol_file` is now `symbols`: {file: PATH}"},
		{"{name: f, protocol: itch50, symbols_max: 8}",
		 "`symbols_max` is now `symbols`: {max: N}"},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++)
		check_refused(read_feed, cases[i].yaml, cases[i].text);
}

static void protocols(void **state)
{
	static const struct {
		const char *yaml, *text;
	} cases[] = {
		{"controls: []", "`controls` is now `admin`"},
		{"header: {bytes: 20, shortest: 20}", "`shortest` is now `min_bytes`"},
		{"length: {at: 0, bytes: 2, adds: 2}", "`adds` is now `length_bias`"},
		{"walk: {adds: 2}", "`adds` is now `length_bias`"},
		{"walk: {least: 2}", "`least` is now `min_bytes`"},
		{"messages: [{type: A, no_number: 1}]", "`no_number` is now `null_value`"},
		{"messages: [{type: A, directory: true}]", "`directory` is now `maps_symbol`"},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		char yaml[256];

		snprintf(yaml, sizeof(yaml), "{name: f, protocol: {like: itch50, %s}}",
			 cases[i].yaml);
		check_refused(read_feed, yaml, cases[i].text);
	}
}

static void rules(void **state)
{
	(void)state;
	check_refused(read_rules, "[{name: x, feed: a, instruments: A, unknown: drop, to: a}]",
		      "f:1:37: `unknown` is now `unmapped`");
}

/* Which place a key is in shows in what is expected there. */
static void only_where_the_new_key_is_expected(void **state)
{
	static const struct {
		const char *key, *expected, *text;
	} cases[] = {
		{"records", "a kind: count", "`records` is now `events`, an event log, not a sink"},
		{"unknown", "to, unmapped", "`unknown` is now `unmapped`"},
		{"unknown", "src or dst", "unknown key 'unknown': expected src or dst"},
		{"framing", "a protocol", "`framing` is now `protocol`"},
		{"framing", "a protocol_x", "unknown key 'framing': expected a protocol_x"},
		{"framing", "protocols", "unknown key 'framing': expected protocols"},
		{"framing", "my_protocol", "unknown key 'framing': expected my_protocol"},
		{"directory", "arbitrate, symbols", "`directory` is now `symbols`: {file: PATH}"},
		{"directory", "maps_symbol", "`directory` is now `maps_symbol`"},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const struct fg_node node = {.key = cases[i].key, .file = "f"};
		struct fg_error error = {0};

		assert_int_equal(fg_option_unknown_key(&node, cases[i].expected, &error), -EINVAL);
		assert_string_equal(error.text + strlen("f:0:0: "), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feeds),
		cmocka_unit_test(protocols),
		cmocka_unit_test(rules),
		cmocka_unit_test(only_where_the_new_key_is_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

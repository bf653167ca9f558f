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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fg_error.h>
#include <fg_node.h>
#include <fg_option.h>

static void number_is_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{"0", 0},
		{"00017", 17}, /* Not octal. */
		{"65535", 65535},
		{"0x0806", 2054},
		{"0XfF", 255},
		{"18446744073709551615", UINT64_MAX},
		{"0xffffffffffffffff", UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t value = 12345;

		assert_int_equal(fg_number_read(good[i].text, UINT64_MAX, &value), 0);
		assert_true(value == good[i].value);
	}
}

static void number_is_refused(void **state)
{
	static const char *const bad[] = {"",    " 1",  "1 ",  "+1", "-1",   "1.0",  "0x", "x1",
					  "1e3", "1_0", "0b1", "1K", "0x-1", "0x 1", "\t"};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(fg_number_read(bad[i], UINT64_MAX, &value), -EINVAL);
	assert_int_equal(fg_number_read("18446744073709551616", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(fg_number_read("0x10000000000000000", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(fg_number_read("65536", 65535, &value), -ERANGE);
	assert_true(value == 7);
}

static void error_keeps_the_first_cause(void **state)
{
	const struct fg_node at = {.file = "a.yaml", .line = 3, .column = 14};
	struct fg_error error = {0};

	(void)state;
	assert_int_equal(fg_error_at(&error, ERANGE, &at, "%s is %d", "port", 70000), -ERANGE);
	assert_string_equal(error.text, "a.yaml:3:14: port is 70000");
	assert_int_equal(fg_error_set(&error, EINVAL, "could not open"), -EINVAL);
	assert_int_equal(fg_error_at(&error, ENOENT, NULL, "nor this"), -ENOENT);
	assert_string_equal(error.text, "a.yaml:3:14: port is 70000");
}

static void error_is_one_line(void **state)
{
	const struct fg_node at = {.file = "a\nb\x1b.yaml", .line = 1, .column = 2};
	struct fg_error error = {0};

	(void)state;
	fg_error_set(&error, EINVAL, "'%s'", "x\ny\x1b[2J\x7f\tz");
	assert_string_equal(error.text, "'x?y?[2J??z'");
	error = (struct fg_error){0};
	fg_error_at(&error, EINVAL, &at, "no\r\n");
	assert_string_equal(error.text, "a?b?.yaml:1:2: no??");
}

static void error_is_cut_not_overrun(void **state)
{
	struct {
		struct fg_error error;
		char guard[16];
	} held = {.guard = "guard"};
	char name[5000];
	const struct fg_node at = {.file = name, .line = 1, .column = 1};

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fg_error_set(&held.error, EINVAL, "%s", name);
	assert_int_equal(strlen(held.error.text), sizeof(held.error.text) - 1);
	held.error = (struct fg_error){0};
	fg_error_at(&held.error, EINVAL, &at, "%s", name);
	assert_int_equal(strlen(held.error.text), sizeof(held.error.text) - 1);
	assert_string_equal(held.guard, "guard");
}

static void node_is_found_by_key(void **state)
{
	struct fg_node b = {.kind = FG_NODE_LIST, .key = "b"};
	struct fg_node a = {.kind = FG_NODE_SCALAR, .key = "a", .text = "1", .next = &b};
	const struct fg_node map = {.kind = FG_NODE_MAP, .child = &a, .count = 2};

	(void)state;
	assert_ptr_equal(fg_node_get(&map, "a"), &a);
	assert_ptr_equal(fg_node_get(&map, "b"), &b);
	assert_null(fg_node_get(&map, "c"));
	assert_null(fg_node_get(&map, ""));
	assert_null(fg_node_get(&a, "a"));
	assert_null(fg_node_get(&b, "a"));
	assert_null(fg_node_get(NULL, "a"));
	assert_string_equal(fg_node_kind_name(&map), "a map");
	assert_string_equal(fg_node_kind_name(&a), "a value");
	assert_string_equal(fg_node_kind_name(&b), "a list");
}

struct conf {
	bool on;
	uint64_t size;
	uint64_t rate;
	uint64_t mode;
	char *path;
	char *label;
};

static const char *const rates[] = {"recorded", "max", NULL};
static const char *const modes[] = {"pass", "first-only", "drop", NULL};

/* clang-format off */
static const struct fg_option rows[] = {
	{.name = "path", .type = FG_OPTION_STRING, .offset = offsetof(struct conf, path),
	 .help = "must be given"},
	{.name = "on", .type = FG_OPTION_BOOL, .offset = offsetof(struct conf, on), .value = "yes",
	 .help = "a switch"},
	{.name = "size", .type = FG_OPTION_U64, .offset = offsetof(struct conf, size), .min = 64,
	 .max = 1u << 30, .value = "4K", .unit = "bytes", .help = "a size"},
	{.name = "rate", .type = FG_OPTION_U64, .offset = offsetof(struct conf, rate),
	 .names = rates, .value = "max", .help = "a number or a name"},
	{.name = "mode", .type = FG_OPTION_NAME, .offset = offsetof(struct conf, mode),
	 .names = modes, .value = "first-only", .help = "a name"},
	{.name = "label", .type = FG_OPTION_STRING, .offset = offsetof(struct conf, label),
	 .value = "none", .help = "a text"},
	{0},
};
/* clang-format on */

static struct fg_node scalar(const char *key, const char *text, struct fg_node *next)
{
	return (struct fg_node){.kind = FG_NODE_SCALAR,
				.line = 7,
				.column = 3,
				.file = "f",
				.key = key,
				.text = text,
				.next = next};
}

static struct fg_node map_of(struct fg_node *child)
{
	return (struct fg_node){
		.kind = FG_NODE_MAP, .line = 6, .column = 1, .file = "f", .child = child};
}

static void options_take_defaults(void **state)
{
	struct fg_node path = scalar("path", "x.pcap", NULL);
	const struct fg_node map = map_of(&path);
	struct fg_error error = {0};
	struct conf conf = {0};

	(void)state;
	assert_int_equal(fg_option_read(rows, &map, &conf, &error), 0);
	assert_string_equal(error.text, "");
	assert_true(conf.on);
	assert_true(conf.size == 4096);
	assert_true(conf.rate == FG_OPTION_NAMED(1));
	assert_true(conf.mode == 1);
	assert_string_equal(conf.path, "x.pcap");
	assert_string_equal(conf.label, "none");
	fg_option_free(rows, &conf);
	assert_null(conf.path);
	assert_null(conf.label);
	fg_option_free(rows, &conf);
}

static void options_take_what_the_map_says(void **state)
{
	struct fg_node label = scalar("label", "", NULL);
	struct fg_node mode = scalar("mode", "drop", &label);
	struct fg_node rate = scalar("rate", "1000000", &mode);
	struct fg_node size = scalar("size", "0x10K", &rate);
	struct fg_node on = scalar("on", "off", &size);
	struct fg_node path = scalar("path", "y", &on);
	const struct fg_node map = map_of(&path);
	struct fg_error error = {0};
	struct conf conf = {0};

	(void)state;
	assert_int_equal(fg_option_read(rows, &map, &conf, &error), 0);
	assert_false(conf.on);
	assert_true(conf.size == 16384);
	assert_true(conf.rate == 1000000);
	assert_true(conf.mode == 2);
	assert_string_equal(conf.label, "");
	fg_option_free(rows, &conf);
}

static void scalar_stands_for_row_0(void **state)
{
	static const struct fg_option needs_two[] = {
		{.name = "path", .type = FG_OPTION_STRING, .offset = offsetof(struct conf, path)},
		{.name = "label", .type = FG_OPTION_STRING, .offset = offsetof(struct conf, label)},
		{0}};
	static const struct fg_option none[] = {{0}};
	const struct fg_node node = scalar("replay", "day.pcap", NULL);
	const struct fg_node empty = map_of(NULL);
	struct fg_error error = {0};
	struct conf conf = {0};

	(void)state;
	assert_int_equal(fg_option_read(rows, &node, &conf, &error), 0);
	assert_string_equal(conf.path, "day.pcap");
	assert_true(conf.size == 4096);
	fg_option_free(rows, &conf);

	assert_int_equal(fg_option_read(needs_two, &node, &conf, &error), -EINVAL);
	assert_string_equal(error.text, "f:7:3: 'label' is missing");
	assert_null(conf.path);

	error = (struct fg_error){0};
	assert_int_equal(fg_option_read(none, &node, &conf, &error), -EINVAL);
	assert_string_equal(error.text, "f:7:3: 'day.pcap': expected a map");
	assert_int_equal(fg_option_read(none, &empty, &conf, &error), 0);
	assert_int_equal(fg_option_read(none, NULL, &conf, &error), 0);
}

static void check_refused(struct fg_node *child, int code, const char *text)
{
	const struct fg_node map = map_of(child);
	struct fg_error error = {0};
	struct conf conf = {0};

	assert_int_equal(fg_option_read(rows, &map, &conf, &error), -code);
	assert_string_equal(error.text, text);
	/* Nothing left to free. */
	assert_null(conf.path);
	assert_null(conf.label);
}

static void value_refused(const char *key, const char *value, int code, const char *text)
{
	struct fg_node odd = scalar(key, value, NULL);
	struct fg_node path = scalar("path", "x", &odd);

	check_refused(&path, code, text);
}

static void options_refuse_bad_values(void **state)
{
	(void)state;
	value_refused("on", "TRUE", EINVAL, "f:7:3: on: 'TRUE': expected true or false");
	value_refused("on", "", EINVAL, "f:7:3: on: '': expected true or false");
	value_refused("size", "63", ERANGE,
		      "f:7:3: size: '63': expected a number from 64 to 1073741824 bytes");
	value_refused("size", "2G", ERANGE,
		      "f:7:3: size: '2G': expected a number from 64 to 1073741824 bytes");
	/* 2^34 G is 2^64: must not wrap to 0. */
	value_refused("rate", "17179869184G", ERANGE,
		      "f:7:3: rate: '17179869184G': expected a number from 0 to "
		      "18446744073709551551 or recorded | max");
	value_refused("size", "4k", EINVAL,
		      "f:7:3: size: '4k': expected a number from 64 to 1073741824 bytes");
	value_refused("size", "K", EINVAL,
		      "f:7:3: size: 'K': expected a number from 64 to 1073741824 bytes");
	value_refused("size", "", EINVAL,
		      "f:7:3: size: '': expected a number from 64 to 1073741824 bytes");
	value_refused("mode", "Drop", EINVAL,
		      "f:7:3: mode: 'Drop': expected pass | first-only | drop");
	value_refused("mode", "2", EINVAL, "f:7:3: mode: '2': expected pass | first-only | drop");
}

static void options_refuse_bad_shapes(void **state)
{
	struct fg_node list = {.kind = FG_NODE_LIST, .line = 2, .column = 5, .file = "f"};
	struct fg_node label = scalar("label", "x", NULL);
	struct fg_error error = {0};
	struct conf conf = {0};

	(void)state;
	value_refused("sise", "64", EINVAL,
		      "f:7:3: unknown key 'sise': expected path, on, size, rate, mode or label");
	check_refused(&label, EINVAL, "f:6:1: 'path' is missing");
	check_refused(NULL, EINVAL, "f:6:1: 'path' is missing");
	list.key = "path";
	check_refused(&list, EINVAL, "f:2:5: path: expected a value, found a list");
	assert_int_equal(fg_option_read(rows, &list, &conf, &error), -EINVAL);
	assert_string_equal(error.text, "f:2:5: expected a map, found a list");
	error = (struct fg_error){0};
	assert_int_equal(fg_option_read(rows, NULL, &conf, &error), -EINVAL);
	assert_string_equal(error.text, "'path' is missing");
}

static void option_is_set_again(void **state)
{
	struct fg_error error = {0};
	struct conf conf = {0};

	(void)state;
	assert_int_equal(fg_option_set(&rows[0], &conf, "first", NULL, &error), 0);
	assert_int_equal(fg_option_set(&rows[0], &conf, "second", NULL, &error), 0);
	assert_string_equal(conf.path, "second");
	assert_int_equal(fg_option_set(&rows[2], &conf, "1M", NULL, &error), 0);
	assert_true(conf.size == 1048576);
	assert_int_equal(fg_option_set(&rows[2], &conf, "x", NULL, &error), -EINVAL);
	assert_true(conf.size == 1048576);
	fg_option_free(rows, &conf);
}

static void options_are_printed(void **state)
{
	const struct fg_node node = scalar("replay", "day.pcap", NULL);
	struct fg_error error = {0};
	struct conf conf = {0};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_non_null(out);
	assert_int_equal(fg_option_read(rows, &node, &conf, &error), 0);
	fg_option_print(out, rows, &conf);
	fputc('\n', out);
	conf.rate = 25;
	conf.on = false;
	conf.mode = 0;
	fg_option_print(out, rows, &conf);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "path: \"day.pcap\", on: true, size: 4096, rate: max, "
				  "mode: first-only, label: \"none\"\n"
				  "path: \"day.pcap\", on: false, size: 4096, rate: 25, "
				  "mode: pass, label: \"none\"");
	free(text);
	fg_option_free(rows, &conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_is_read),
		cmocka_unit_test(number_is_refused),
		cmocka_unit_test(error_keeps_the_first_cause),
		cmocka_unit_test(error_is_one_line),
		cmocka_unit_test(error_is_cut_not_overrun),
		cmocka_unit_test(node_is_found_by_key),
		cmocka_unit_test(options_take_defaults),
		cmocka_unit_test(options_take_what_the_map_says),
		cmocka_unit_test(scalar_stands_for_row_0),
		cmocka_unit_test(options_refuse_bad_values),
		cmocka_unit_test(options_refuse_bad_shapes),
		cmocka_unit_test(option_is_set_again),
		cmocka_unit_test(options_are_printed),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}

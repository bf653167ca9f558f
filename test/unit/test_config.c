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
#include <sys/stat.h>
#include <unistd.h>

#include <fg_config.h>

static struct fg_config *load(const char *text, size_t length)
{
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	if (fg_config_load_text("t", text, length, &config, &error) != 0)
		fail_msg("%s", error.text);
	assert_string_equal(error.text, "");
	return config;
}

/* @p reason is the whole message; "...": anything may follow. */
static void refused(const char *text, size_t length, const char *reason)
{
	const size_t open = strlen(reason) > 3 ? strlen(reason) - 3 : 0;
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	assert_int_equal(fg_config_load_text("t", text, length, &config, &error), -EINVAL);
	assert_null(config);
	if (open > 0 && strcmp(reason + open, "...") == 0)
		error.text[open < sizeof(error.text) ? open : 0] = '\0';
	if (strncmp(error.text, reason, strlen(error.text)) != 0 || error.text[0] == '\0')
		fail_msg("'%s' instead of '%s'", error.text, reason);
}

static void refused_text(const char *text, const char *reason)
{
	refused(text, strlen(text), reason);
}

static void check_node(const struct fg_node *node, enum fg_node_kind kind, const char *key,
		       const char *text, unsigned int line, unsigned int column)
{
	assert_non_null(node);
	assert_int_equal(node->kind, kind);
	if (key == NULL)
		assert_null(node->key);
	else
		assert_string_equal(node->key, key);
	if (text == NULL)
		assert_null(node->text);
	else
		assert_string_equal(node->text, text);
	assert_int_equal(node->line, line);
	assert_int_equal(node->column, column);
	assert_string_equal(node->file, "t");
}

static void tree_has_places(void **state)
{
	static const char text[] =
		"# rules\n"
		"rules:\n"
		"  - {name: tech, match: {udp: {dst: 26477}}, to: [disk, seen]}\n"
		"  - name: \"noise\"\n"
		"    drop: true\n"
		"default: drop\n";
	struct fg_config *config = load(text, sizeof(text) - 1);
	const struct fg_node *root = fg_config_root(config);
	const struct fg_node *rules = fg_node_get(root, "rules");
	const struct fg_node *tech = rules->child, *noise = tech->next;
	const struct fg_node *to = fg_node_get(tech, "to");

	(void)state;
	check_node(root, FG_NODE_MAP, NULL, NULL, 2, 1);
	assert_int_equal(root->count, 2);
	check_node(rules, FG_NODE_LIST, "rules", NULL, 2, 1);
	assert_int_equal(rules->count, 2);
	check_node(tech, FG_NODE_MAP, NULL, NULL, 3, 5);
	assert_int_equal(tech->count, 3);
	check_node(tech->child, FG_NODE_SCALAR, "name", "tech", 3, 6);
	check_node(fg_node_get(tech, "match"), FG_NODE_MAP, "match", NULL, 3, 18);
	check_node(fg_node_get(fg_node_get(fg_node_get(tech, "match"), "udp"), "dst"),
		   FG_NODE_SCALAR, "dst", "26477", 3, 32);
	check_node(to, FG_NODE_LIST, "to", NULL, 3, 46);
	check_node(to->child, FG_NODE_SCALAR, NULL, "disk", 3, 51);
	check_node(to->child->next, FG_NODE_SCALAR, NULL, "seen", 3, 57);
	assert_null(to->child->next->next);
	check_node(noise, FG_NODE_MAP, NULL, NULL, 4, 5);
	check_node(noise->child, FG_NODE_SCALAR, "name", "noise", 4, 5);
	check_node(noise->child->next, FG_NODE_SCALAR, "drop", "true", 5, 5);
	assert_null(noise->next);
	check_node(rules->next, FG_NODE_SCALAR, "default", "drop", 6, 1);
	fg_config_free(config);
	fg_config_free(NULL);
}

static void nothing_is_converted(void **state)
{
	static const char text[] = "{a: ~, b: null, c: yes, d: 0x10, e: , f: '', g: \"~\", <<: x,\n"
				   " h: 0000:81:00.0, i: 02:00:5e:00:00:01, j: a b  c }\n"
				   "# end";
	static const char *const values[] = {
		"~",     "null", "yes", "0x10",         "",
		"",      "~",    "x",   "0000:81:00.0", "02:00:5e:00:00:01",
		"a b  c"};
	struct fg_config *config = load(text, sizeof(text) - 1);
	const struct fg_node *n = fg_config_root(config)->child;

	(void)state;
	assert_int_equal(fg_config_root(config)->count, 11);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++, n = n->next) {
		assert_int_equal(n->kind, FG_NODE_SCALAR);
		assert_string_equal(n->text, values[i]);
	}
	fg_config_free(config);
}

static void empty_is_an_empty_map(void **state)
{
	static const char *const texts[] = {"",      "\n\n",       "# nothing\n", "  # nothing",
					    "---\n", "---\n...\n", "\xef\xbb\xbf"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fg_config *config = load(texts[i], strlen(texts[i]));

		check_node(fg_config_root(config), FG_NODE_MAP, NULL, NULL, 1, 1);
		assert_int_equal(fg_config_root(config)->count, 0);
		assert_null(fg_config_root(config)->child);
		fg_config_free(config);
	}
	fg_config_free(load(NULL, 0));
}

static void top_may_be_anything(void **state)
{
	struct fg_config *config = load("just text", 9);

	(void)state;
	check_node(fg_config_root(config), FG_NODE_SCALAR, NULL, "just text", 1, 1);
	fg_config_free(config);
	config = load("--- # one\n- 1\n- [2]\n...\n# after\n", 32);
	check_node(fg_config_root(config), FG_NODE_LIST, NULL, NULL, 2, 1);
	assert_int_equal(fg_config_root(config)->count, 2);
	fg_config_free(config);
}

static void columns_are_characters(void **state)
{
	static const char text[] = "\xef\xbb\xbf{\xc3\xa9\xe2\x82\xac: \"\xf0\x9f\x98\x80\", b: x}";
	struct fg_config *config = load(text, sizeof(text) - 1);
	const struct fg_node *root = fg_config_root(config);

	(void)state;
	assert_string_equal(root->child->key, "\xc3\xa9\xe2\x82\xac");
	assert_string_equal(root->child->text, "\xf0\x9f\x98\x80");
	/* {, two letters, ": ", three for the text, ", ". */
	assert_int_equal(root->child->next->column - root->child->column, 9);
	fg_config_free(config);
	/* A byte order mark has no column: keys of the first line and of later ones are of one map.
	 */
	config = load("\xef\xbb\xbf"
		      "a: 1\nb: 2\n",
		      13);
	check_node(fg_config_root(config), FG_NODE_MAP, NULL, NULL, 1, 1);
	assert_int_equal(fg_config_root(config)->count, 2);
	check_node(fg_config_root(config)->child->next, FG_NODE_SCALAR, "b", "2", 2, 1);
	fg_config_free(config);
	refused("\xef\xbb\xbf"
		"a: *x\n",
		9, "t:1:4: aliases are not accepted: '*x'");
	refused("\xef\xbb\xbf"
		"a: 1\n\tb: 2\n",
		14, "t:2:1: ...");
}

static void extras_are_refused(void **state)
{
	(void)state;
	refused_text("a: &x 1\n", "t:1:4: anchors are not accepted: '&x'");
	refused_text("a: &x {b: 1}\n", "t:1:4: anchors are not accepted: '&x'");
	refused_text("a:\n  - &x [b]\n", "t:2:5: anchors are not accepted: '&x'");
	refused_text("&k a: 1\n", "t:1:1: anchors are not accepted: '&k'");
	refused_text("a: 1\nb: *x\n", "t:2:4: aliases are not accepted: '*x'");
	refused_text("*x : 1\n", "t:1:1: aliases are not accepted: '*x'");
	refused_text("a: !!int 1\n", "t:1:4: tags are not accepted: 'tag:yaml.org,2002:int'");
	refused_text("a: !mine {}\n", "t:1:4: tags are not accepted: '!mine'");
	refused_text("a: ! 1\n", "t:1:4: tags are not accepted: '!'");
	refused_text("!!map {a: 1}\n", "t:1:1: tags are not accepted: 'tag:yaml.org,2002:map'");
	refused_text("# x\n%TAG !a! b\n---\na: 1\n", "t:2:1: tags are not accepted: '%TAG'");
	refused_text("a: 1\n...\r%TAG !a! b\n---\n", "t:3:1: tags are not accepted: '%TAG'");
	refused_text("a: 1\n---\nb: 1\n", "t:2:1: a second document; expected only one");
	refused_text("---\n---\n", "t:2:1: a second document; expected only one");
}

static void keys_are_plain_and_given_once(void **state)
{
	(void)state;
	refused_text("a: 1\nb: 2\n'a': 3\n", "t:3:1: 'a' is given twice, first at 1:1");
	refused_text("x:\n  - {m: 1, n: {m: 1}, m: {}}\n",
		     "t:2:23: 'm' is given twice, first at 2:6");
	refused_text("{a, b, a}", "t:1:8: 'a' is given twice, first at 1:2");
	refused_text("{[a]: 1}", "t:1:2: expected a plain value as key, found a list");
	refused_text("? {a: 1}\n: 1\n", "t:1:3: expected a plain value as key, found a map");
	fg_config_free(load("{a: {a: {a: 1}}, b: {a: 1}}", 27));
	fg_config_free(load("a: x %TAG\n", 10));
}

/* Far more keys than are compared pairwise. */
static void many_keys_are_no_burden(void **state)
{
	const unsigned int count = 200000;
	struct fg_config *config;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_non_null(out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out, "k%u: %u\n", (i * 7919u) % count, i);
	fflush(out);
	config = load(text, length);
	assert_int_equal(fg_config_root(config)->count, count);
	assert_string_equal(fg_config_root(config)->child->next->key, "k7919");
	fg_config_free(config);
	fprintf(out, "k7919: again\n");
	fclose(out);
	refused(text, length, "t:200001:1: 'k7919' is given twice, first at 2:1");
	free(text);
}

static void syntax_is_refused_with_its_place(void **state)
{
	(void)state;
	refused_text("a: [1, 2\nb: 3\n", "t:2:2: did not find expected ',' or ']' (while parsing a "
					 "flow sequence from 1:4)");
	refused_text("a: 1\n b: 2\n", "t:2:3: mapping values are not allowed in this context");
	refused_text("a: 'b\n", "t:2:1: found unexpected end of stream (while scanning a quoted "
				"scalar from 1:4)");
	refused_text("\ta: 1\n", "t:1:1: ...");
	refused_text("a: @b\n", "t:1:4: ...");
	refused_text("%YAML 2.0\n---\na: 1\n", "t:1:1: ...");
}

static void only_utf8_is_text(void **state)
{
	static const char utf16[] = "\xff\xfe"
				    "a\0:\0 \0"
				    "1\0";

	(void)state;
	refused_text("a: 1\nb: \xff\n", "t:2:4: expected UTF-8 text: ...");
	/* The second byte of a character is the wrong one. */
	refused_text("a: \xc3\xa9\xc3(\n", "t:1:6: expected UTF-8 text: ...");
	refused_text("a: 1\r\nbc: \x01\n", "t:2:5: expected UTF-8 text: ...");
	refused("a: b\0c\n", 7, "t:1:5: expected UTF-8 text: ...");
	refused(utf16, sizeof(utf16) - 1, "t:1:1: expected UTF-8 text: ...");
	refused_text("a: \xed\xa0\x80\n", "t:1:4: expected UTF-8 text: ...");
}

static void control_characters_are_refused(void **state)
{
	struct fg_config *config;

	(void)state;
	refused_text("a: \"x\\0y\"\n", "t:1:4: control characters are not accepted");
	refused_text("a: 1\n\"b\\e\": 1\n", "t:2:1: control characters are not accepted");
	refused_text("a: [\"\\x7f\"]\n", "t:1:5: control characters are not accepted");
	config = load("a: \"x\\ty\\n\\xe9\"\n", 16);
	assert_string_equal(fg_config_root(config)->child->text, "x\ty\n\xc3\xa9");
	fg_config_free(config);
}

/* @p levels lists within lists. */
static char *nest(unsigned int levels)
{
	char *text = calloc(2 * levels + 1, 1);

	assert_non_null(text);
	memset(text, '[', levels);
	memset(text + levels, ']', levels);
	return text;
}

static void depth_has_a_limit(void **state)
{
	static const unsigned int hostile[] = {17, 100, 5000, 200000};
	char *text = nest(FG_CONFIG_DEPTH_MAX);

	(void)state;
	fg_config_free(load(text, strlen(text)));
	free(text);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		text = nest(hostile[i]);
		refused_text(text, "t:1:...");
		free(text);
	}
	refused_text("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "t:1:17: nested deeper than 16 levels");
	refused_text("[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]", "t:1:17: nested deeper than 16 levels");
}

static void size_has_a_limit(void **state)
{
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	(void)state;
	/* Refused before it is read. */
	assert_int_equal(fg_config_load_text("t", "", FG_CONFIG_BYTES_MAX + 1ul, &config, &error),
			 -EINVAL);
	assert_string_equal(error.text, "t: larger than 268435456 bytes");
	error = (struct fg_error){0};
	assert_int_equal(fg_config_load("/dev/zero", &config, &error), -EINVAL);
	assert_string_equal(error.text, "/dev/zero: larger than 268435456 bytes");
	assert_null(config);
}

static void file_is_loaded(void **state)
{
	char path[] = "/tmp/fg-config-XXXXXX";
	const int fd = mkstemp(path);
	struct fg_config *config = NULL;
	struct fg_error error = {0};
	char expected[128];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: 1\n", 5), 5);
	assert_int_equal(fg_config_load(path, &config, &error), 0);
	assert_string_equal(fg_config_root(config)->child->text, "1");
	assert_string_equal(fg_config_root(config)->child->file, path);
	fg_config_free(config);

	config = NULL;
	assert_int_equal(write(fd, "a: 2\n", 5), 5);
	assert_int_equal(fg_config_load(path, &config, &error), -EINVAL);
	snprintf(expected, sizeof(expected), "%s:2:1: 'a' is given twice, first at 1:1", path);
	assert_string_equal(error.text, expected);
	assert_null(config);
	close(fd);
	unlink(path);
}

static void unreadable_files_are_refused(void **state)
{
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	(void)state;
	assert_int_equal(fg_config_load("/nonexistent/x.yaml", &config, &error), -ENOENT);
	assert_string_equal(error.text,
			    "/nonexistent/x.yaml: cannot open: No such file or directory");
	error = (struct fg_error){0};
	assert_int_equal(fg_config_load("/tmp", &config, &error), -EISDIR);
	assert_string_equal(error.text, "/tmp: cannot read: Is a directory");
	assert_null(config);
}

/* Larger than a pipe and than the first buffer; the size is not known before. */
static void standard_input_is_loaded(void **state)
{
	const int saved = dup(STDIN_FILENO);
	struct fg_config *config = NULL;
	struct fg_error error = {0};
	FILE *writer =
		popen("i=0; while [ $i -lt 30000 ]; do echo \"- value $i\"; i=$((i+1)); done", "r");

	(void)state;
	assert_non_null(writer);
	assert_true(dup2(fileno(writer), STDIN_FILENO) == STDIN_FILENO);
	assert_int_equal(fg_config_load("-", &config, &error), 0);
	assert_int_equal(fg_config_root(config)->count, 30000);
	assert_string_equal(fg_config_root(config)->child->text, "value 0");
	assert_string_equal(fg_config_root(config)->file, "stdin");
	fg_config_free(config);
	assert_int_equal(pclose(writer), 0);
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
}

/* Printed text reads back as the same tree. */

static void check_equal(const struct fg_node *a, const struct fg_node *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->count, b->count);
	if (a->key != NULL)
		assert_string_equal(a->key, b->key);
	if (a->text != NULL)
		assert_string_equal(a->text, b->text);
	a = a->child;
	for (b = b->child; a != NULL && b != NULL; a = a->next, b = b->next)
		check_equal(a, b);
	assert_null(a);
	assert_null(b);
}

static char *there_and_back(const char *text)
{
	struct fg_config *config = load(text, strlen(text)), *again;
	char *text_again = fg_config_text(fg_config_root(config));

	assert_non_null(text_again);
	again = load(text_again, strlen(text_again));
	check_equal(fg_config_root(config), fg_config_root(again));
	fg_config_free(config);
	fg_config_free(again);
	return text_again;
}

static void prints(const char *text, const char *expected)
{
	char *got = there_and_back(text);

	assert_string_equal(got, expected);
	free(got);
}

static void rules_print_as_they_are_written(void **state)
{
	(void)state;
	prints("{name: tech, match: {udp: {dst: 26477}, ipv4: {dst: 233.54.12.0/24}}, to: [a, b]}",
	       "{name: tech, match: {udp: {dst: 26477}, ipv4: {dst: 233.54.12.0/24}}, to: [a, b]}");
	prints("name: x\nmatch:\n  udp: {}\n  tcp:\n    dst:\n    - 1-2\n    - 0x10\ndrop: true\n",
	       "{name: x, match: {udp: {}, tcp: {dst: [1-2, 0x10]}}, drop: true}");
	prints("{mac: {src: 01:00:5e:00:00:01}, ipv6: {dst: ff02::1}}",
	       "{mac: {src: \"01:00:5e:00:00:01\"}, ipv6: {dst: \"ff02::1\"}}");
	prints("{expr: 'udp[8:4] == 0x01020304', name: it's}",
	       "{expr: \"udp[8:4] == 0x01020304\", name: \"it's\"}");
	prints("match:\n", "{match: \"\"}");
	prints("[]", "[]");
	prints("", "{}");
	prints("drop", "drop");
}

/* Texts with characters that have a meaning in YAML. */
static const char *const texts[] = {
	"'- a'",
	"'-'",
	"'?'",
	"': '",
	"'a: b'",
	"'a #b'",
	"'#a'",
	"'&a'",
	"'*a'",
	"'!a'",
	"'%a'",
	"'@a'",
	"'`a'",
	"'|'",
	"'>'",
	"'{a'",
	"'}'",
	"'[a'",
	"']'",
	"','",
	"'''a'''",
	"'\"'",
	"'\\'",
	"' a '",
	"'a  b'",
	"'~'",
	"'null'",
	"'=='",
	"'<<'",
	"'---'",
	"'...'",
	"\"a\\tb\\n\"",
	"\"\\n\"",
	"\"\\t\"",
	"\"\\x85 \\u2028 \\u2029 \\ufeff\"",
	"\"\\x80 \\x9f \\xa0 \\xff\"",
	"\"\\ud7ff \\ue000 \\ufffd\"",
	"\"\\U0001f600 \\U0010ffff\"",
	"'gr\xc3\xbc\xc3\x9f'",
	"'\xe6\xbc\xa2\xe5\xad\x97'",
	"'\xf0\x9f\x98\x80'",
	"12:30:45",
	"2001-01-01",
	"-5",
	"+5",
	".5",
	"a:b",
	"'a,b'",
	"'a\n\n  b'",
	"|\n   a\n    b\n\n",
};

static void all_texts_print_so_that_they_read_back(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		free(there_and_back(texts[i]));
		snprintf(text, sizeof(text), "- %s\n- x\n", texts[i]);
		free(there_and_back(text));
		if (strchr(texts[i], '\n') != NULL)
			continue;
		snprintf(text, sizeof(text), "{%s : {%s : 1}}", texts[i], texts[i]);
		free(there_and_back(text));
	}
}

static void every_character_prints_and_reads_back(void **state)
{
	char text[64];

	(void)state;
	/* Every 37th: some of each plane and of each length of UTF-8. */
	for (unsigned int c = 0x20; c < 0x110000; c += c < 0x300 ? 1 : 37) {
		if (c == 0x7f || (c >= 0xd800 && c < 0xe000))
			continue;
		snprintf(text, sizeof(text), "{\"\\U%08x\": \"a\\U%08x\"}", c, c);
		free(there_and_back(text));
	}
}

static void long_texts_and_keys_print(void **state)
{
	static char text[16384];
	static const int lengths[] = {1, 64, 65, 128, 1000, 1023, 1024, 1025, 3000};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const int n = lengths[i];

		/* A long key needs `?` before it. */
		snprintf(text, sizeof(text), "? \"%0*d\"\n: [{? \"%0*d \" : %0*d}, b]\n", n, 1, n,
			 2, n, 3);
		free(there_and_back(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_has_places),
		cmocka_unit_test(nothing_is_converted),
		cmocka_unit_test(empty_is_an_empty_map),
		cmocka_unit_test(top_may_be_anything),
		cmocka_unit_test(columns_are_characters),
		cmocka_unit_test(extras_are_refused),
		cmocka_unit_test(keys_are_plain_and_given_once),
		cmocka_unit_test(many_keys_are_no_burden),
		cmocka_unit_test(syntax_is_refused_with_its_place),
		cmocka_unit_test(only_utf8_is_text),
		cmocka_unit_test(control_characters_are_refused),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(size_has_a_limit),
		cmocka_unit_test(file_is_loaded),
		cmocka_unit_test(unreadable_files_are_refused),
		cmocka_unit_test(standard_input_is_loaded),
		cmocka_unit_test(rules_print_as_they_are_written),
		cmocka_unit_test(all_texts_print_so_that_they_read_back),
		cmocka_unit_test(every_character_prints_and_reads_back),
		cmocka_unit_test(long_texts_and_keys_print),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

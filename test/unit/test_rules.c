/* SPDX-License-Identifier: MIT */
/* Rule text to entries: the meaning of each key, and the message for each mistake. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include <fg_config.h>
#include <fg_names.h>
#include <fg_rules.h>
#include <fg_stats.h>

#include "rules_cases.h"

static const char *const sources[] = {"nic-a", "day"};
static const char *const sinks[] = {"disk", "seen"};
static const char *const feeds[] = {"itch"};
static const struct fg_scope scope = {
	.sources = sources,
	.sinks = sinks,
	.feeds = feeds,
	.n_sources = 2,
	.n_sinks = 2,
	.n_feeds = 1,
};

/* Load `rules` and `default` of a file, and free its tree. */
static int load_text(const char *text, struct fg_rules **rules, struct fg_error *error)
{
	struct fg_config *config = NULL;
	const struct fg_node *root;
	int rc;

	if (fg_config_load_text("t", text, strlen(text), &config, error) != 0)
		fail_msg("not YAML: %s in %s", error->text, text);
	root = fg_config_root(config);
	rc = fg_rules_load(fg_node_get(root, "rules"), fg_node_get(root, "default"), &scope, rules,
			   error);
	fg_config_free(config);
	return rc;
}

static struct fg_rules *load(const char *text)
{
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};

	if (load_text(text, &rules, &error) != 0)
		fail_msg("%s in %s", error.text, text);
	assert_non_null(rules);
	assert_string_equal(error.text, "");
	return rules;
}

/* @p reason: the message after the location. */
static void refused(const char *text, int code, unsigned int line, unsigned int column,
		    const char *reason)
{
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};
	char place[32];
	const int rc = load_text(text, &rules, &error);

	snprintf(place, sizeof(place), "t:%u:%u: ", line, column);
	if (rc != code || strncmp(error.text, place, strlen(place)) != 0 ||
	    strstr(error.text + strlen(place), reason) == NULL)
		fail_msg("%d '%s' instead of %d '%s%s' for %.200s", rc, error.text, code, place,
			 reason, text);
	assert_null(rules);
}

/* The same, for text in which ^ marks the location. */
static void refused_at_mark(const char *marked, const char *reason)
{
	char text[1024];
	const char *mark = strchr(marked, '^');
	unsigned int line = 1, column = 1;

	assert_non_null(mark);
	assert_true(strlen(marked) < sizeof(text));
	for (const char *c = marked; c < mark; c++) {
		line += *c == '\n';
		column = *c == '\n' ? 1 : column + 1;
	}
	snprintf(text, sizeof(text), "%.*s%s", (int)(mark - marked), marked, mark + 1);
	refused(text, -EINVAL, line, column, reason);
}

static void mistakes_in_match_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(match_refusals); i++) {
		char text[1024];

		snprintf(text, sizeof(text), "rules:\n- name: r\n  to: seen\n  match: {%s}\n",
			 match_refusals[i].text);
		refused_at_mark(text, match_refusals[i].reason);
		/* Also after a valid rule. */
		snprintf(text, sizeof(text),
			 "rules:\n- {name: q, to: [disk], match: {udp: {dst: [1, 2]}}}\n"
			 "- name: r\n  to: seen\n  match:\n    {source: day, %s}\n",
			 match_refusals[i].text);
		if (strncmp(match_refusals[i].text, "^source", 7) != 0 &&
		    strncmp(match_refusals[i].text, "source", 6) != 0)
			refused_at_mark(text, match_refusals[i].reason);
	}
}

static void mistakes_in_files_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(file_refusals); i++)
		refused_at_mark(file_refusals[i].text, file_refusals[i].reason);
}

static struct fg_key packets['o' - 'a' + 1];

static struct fg_key *packet(char name)
{
	return &packets[name - 'a'];
}

static void write_mac(uint8_t *mac, uint64_t number)
{
	for (int i = 5; i >= 0; i--, number >>= 8)
		mac[i] = (uint8_t)number;
}

/* A key as parse makes it, of a packet in the list of rules_cases.h. */
static struct fg_key *make(char name, uint16_t ethertype, uint64_t dst_mac)
{
	struct fg_key *key = packet(name);

	memset(key, 0, sizeof(*key));
	key->vlan_be[0] = key->vlan_be[1] = FG_VLAN_NONE_BE;
	key->ethertype_be = htons(ethertype);
	write_mac(key->dst_mac, dst_mac);
	write_mac(key->src_mac, 0x020000000001);
	return key;
}

static struct fg_key *make_ip(char name, uint8_t protocol, const char *src, const char *dst,
			      uint64_t dst_mac)
{
	const bool is_ipv6 = strchr(src, ':') != NULL;
	const int family = is_ipv6 ? AF_INET6 : AF_INET;
	struct fg_key *key = make(name, is_ipv6 ? 0x86dd : 0x0800, dst_mac);

	key->family = is_ipv6 ? 6 : 4;
	key->protocol = protocol;
	assert_int_equal(inet_pton(family, src, key->src_ip), 1);
	assert_int_equal(inet_pton(family, dst, key->dst_ip), 1);
	return key;
}

static struct fg_key *add_ports(struct fg_key *key, uint16_t src, uint16_t dst)
{
	key->l4 = key->protocol;
	key->src_port_be = htons(src);
	key->dst_port_be = htons(dst);
	return key;
}

static void make_packets(void)
{
	static const char tech[] = "233.54.12.111";
	const uint64_t tech_mac = 0x01005e360c6f;

	add_ports(make_ip('a', 17, "10.0.0.1", tech, tech_mac), 1000, 26477)->line = 1;
	*packet('b') = *packet('a');
	packet('b')->source = 1;
	packet('b')->line = 2;
	packet('b')->vlan_be[0] = htons(100);
	add_ports(make_ip('c', 17, "10.0.0.2", "233.54.12.112", 0x01005e360c70), 1001, 26478);
	packet('c')->vlan_be[0] = htons(100);
	packet('c')->vlan_be[1] = htons(200);
	add_ports(make_ip('d', 6, "10.1.0.1", "192.168.1.1", 0x020000000003), 26477, 80);
	write_mac(packet('d')->src_mac, 0x020000000002);
	packet('d')->vlan_be[0] = htons(0);
	add_ports(make_ip('e', 17, "2001:db8::1", "ff0e::1234", 0x333300001234), 1000, 26477);
	packet('e')->source = 1;
	packet('e')->line = 2;
	add_ports(make_ip('f', 6, "2001:db8::2", "2001:db8:1::1", 4), 443, 50000);
	make_ip('g', 17, "10.0.0.1", tech, tech_mac)->line = 1;
	packet('g')->flags = FG_KEY_FRAGMENT | FG_KEY_LATER_PART;
	*packet('h') = *packet('a');
	packet('h')->flags = FG_KEY_FRAGMENT;
	make('i', 0x0806, 0xffffffffffff)->vlan_be[0] = htons(100);
	packet('i')->source = 1;
	make_ip('j', 1, "10.0.0.1", "10.0.0.2", 4);
	make('k', 38, 0x0180c2000000);
	make_ip('l', 58, "fe80::1", "ff02::1", 0x333300000001);
	make_ip('m', 6, "2001:db8::2", "2001:db8:1::1", 4)->flags =
		FG_KEY_FRAGMENT | FG_KEY_LATER_PART;
	add_ports(make_ip('n', 17, "0.0.0.0", "255.255.255.255", 0xffffffffffff), 0, 65535);
	add_ports(make_ip('o', 17, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 4), 7, 1)
		->line = 26;
}

static bool rule_matches(const struct fg_rules *set, uint32_t number, const struct fg_key *key)
{
	const struct fg_rule *rule = &set->rules[number];

	for (uint32_t i = 0; i < rule->n_matches; i++)
		if (fg_match_test(&set->matches[rule->first_match + i], key))
			return true;
	return false;
}

/* The linear engine checks entries as every engine does, and needs no EAL. */
static void check_entries(const struct fg_rules *set)
{
	const struct fg_table_conf conf = {.engine = "linear"};
	struct fg_table *table = NULL;
	struct fg_error error = {0};
	uint32_t at = 0;

	if (fg_table_build(&conf, set->matches, set->n_matches, &table, &error) != 0)
		fail_msg("%s", error.text);
	fg_table_free(table);
	assert_int_equal(set->rules[0].n_matches, 0);
	for (uint32_t number = 1; number <= set->count; number++) {
		assert_int_equal(set->rules[number].first_match, at);
		for (uint32_t i = 0; i < set->rules[number].n_matches; i++)
			assert_int_equal(set->matches[at++].rule, number);
	}
	assert_int_equal(at, set->n_matches);
}

static void matches_mean_what_they_say(void **state)
{
	(void)state;
	make_packets();
	for (size_t i = 0; i < RTE_DIM(meanings); i++) {
		const struct meaning *m = &meanings[i];
		struct fg_rules *set;
		char text[1024];

		snprintf(text, sizeof(text), "rules:\n- {name: r, to: seen, match: {%s}}\n",
			 m->match);
		set = load(text);
		assert_int_equal(set->count, 1);
		check_entries(set);
		if (set->n_matches != m->entries)
			fail_msg("%u entries instead of %u for {%s}", set->n_matches, m->entries,
				 m->match);
		for (char name = 'a'; name <= 'o'; name++)
			if (rule_matches(set, 1, packet(name)) !=
			    (strchr(m->packets, name) != NULL))
				fail_msg("{%s} and packet %c", m->match, name);
		fg_rules_free(set);
	}
}

static void a_whole_file(void **state)
{
	struct fg_rules *set = load(
		"rules:\n"
		"  - {name: tech, match: {udp: {dst: 26477}, ipv4: {dst: 233.54.12.111}}, feed: "
		"itch, to: [disk, seen]}\n"
		"  - {name: noise, match: {ipv4: {dst: [224.0.0.0/24, 10.0.0.0/8]}}, drop: true}\n"
		"  - name: \"odd\"\n"
		"    drop: false\n"
		"    to: seen\n"
		"  - {name: last, to: [seen, seen], match: {}}\n"
		"default: {to: disk}\n");
	static const struct {
		const char *name, *text;
		uint32_t line, n_matches, first_match;
		uint64_t sinks;
		uint16_t feed;
	} expected[] = {
		{"-", "{}", 0, 0, 0, 1, FG_FEED_NONE},
		{"tech", "{udp: {dst: 26477}, ipv4: {dst: 233.54.12.111}}", 2, 1, 0, 3, 0},
		{"noise", "{ipv4: {dst: [224.0.0.0/24, 10.0.0.0/8]}}", 3, 2, 1, 0, FG_FEED_NONE},
		{"odd", "{}", 4, 1, 3, 2, FG_FEED_NONE},
		{"last", "{}", 7, 1, 4, 2, FG_FEED_NONE},
	};

	(void)state;
	assert_int_equal(set->count, 4);
	assert_int_equal(set->n_matches, 5);
	check_entries(set);
	for (uint32_t i = 0; i <= 4; i++) {
		const struct fg_rule *rule = &set->rules[i];

		assert_string_equal(rule->name, expected[i].name);
		assert_string_equal(rule->text, expected[i].text);
		assert_string_equal(fg_names_get(rule->id), expected[i].name);
		assert_int_equal(rule->line, expected[i].line);
		assert_int_equal(rule->n_matches, expected[i].n_matches);
		assert_int_equal(rule->first_match, expected[i].first_match);
		assert_int_equal(rule->sinks, expected[i].sinks);
		assert_int_equal(rule->feed, expected[i].feed);
	}
	fg_rules_free(set);
}

static uint32_t entries_of(const struct fg_rules *set, uint32_t number, const char *text)
{
	const struct fg_match *match = &set->matches[set->rules[number].first_match];
	uint32_t count = 0;

	for (uint32_t i = 0; i < set->rules[number].n_matches; i++)
		count += match[i].expr != NULL && strcmp(fg_expr_text(match[i].expr), text) == 0;
	return count;
}

static void expressions(void **state)
{
	struct fg_rules *set = load(
		"rules:\n"
		"- {name: one, match: {expr: \"udp\\nport 53\\n\"}, to: seen}\n"
		"- {name: two, match: {udp: {dst: [1, 2, 3]}, expr: [len > 60, \"tcp[13] & 2 != "
		"0\"]}, "
		"to: seen}\n"
		"- {name: same, match: {expr: [udp port 53], ipv4: {}, ipv6: {}}, drop: true}\n"
		"- {name: none, match: {udp: {}}, to: seen}\n");

	(void)state;
	make_packets();
	check_entries(set);
	assert_int_equal(set->n_exprs, 3);
	assert_int_equal(entries_of(set, 1, "udp port 53"), 1);
	assert_int_equal(entries_of(set, 2, "len > 60"), 3);
	assert_int_equal(entries_of(set, 2, "tcp[13] & 2 != 0"), 3);
	assert_int_equal(entries_of(set, 3, "udp port 53"), 2);
	assert_null(set->matches[set->rules[4].first_match].expr);
	assert_ptr_equal(set->matches[0].expr, set->matches[set->rules[3].first_match].expr);
	/* The other keys mean the same with an expression. */
	for (char name = 'a'; name <= 'o'; name++)
		assert_int_equal(rule_matches(set, 2, packet(name)), name == 'o');
	fg_rules_free(set);
}

/* @p count rules of one expression each, and a last one of @p ports entries. */
static char *many_expressions(uint32_t count, uint32_t ports)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs("rules:\n", out);
	for (uint32_t i = 0; i < count; i++)
		fprintf(out, "- {name: n%u, match: {expr: len > %u}, to: seen}\n", i, i);
	fputs("- {name: last, match: {expr: len > 0, udp: {dst: [0", out);
	for (uint32_t i = 1; i < ports; i++)
		fprintf(out, ", %u", i);
	fputs("]}}, to: seen}\n", out);
	fclose(out);
	return text;
}

static void as_many_expressions_as_may_be(void **state)
{
	char *text = many_expressions(FG_EXPRS_MAX, FG_EXPR_MATCHES_MAX - FG_EXPRS_MAX);
	struct fg_rules *set = load(text);

	(void)state;
	assert_int_equal(set->n_exprs, FG_EXPRS_MAX);
	check_entries(set);
	fg_rules_free(set);
	free(text);
	text = many_expressions(FG_EXPRS_MAX + 1, 1);
	refused(text, -E2BIG, FG_EXPRS_MAX + 2, 25, "expr: the rules have over 1024 expressions");
	free(text);
	text = many_expressions(1, FG_EXPR_MATCHES_MAX);
	refused(text, -E2BIG, 3, 3, "the rules compile to over 16384 entries with an expression");
	free(text);
}

static void default_forms(void **state)
{
	static const struct {
		const char *text;
		uint64_t sinks;
	} forms[] = {
		{"", 0},
		{"default: drop", 0},
		{"default: {to: seen}", 2},
		{"default: {to: [seen, disk]}", 3},
		{"default:\n  to:\n  - disk", 1},
		{"rules: []\ndefault: \"drop\"", 0},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(forms); i++) {
		struct fg_rules *set = load(forms[i].text);

		assert_int_equal(set->count, 0);
		assert_int_equal(set->n_matches, 0);
		assert_int_equal(set->rules[0].sinks, forms[i].sinks);
		assert_int_equal(set->rules[0].id, 0);
		fg_rules_free(set);
	}
	fg_rules_free(NULL);
}

/* A name keeps its id when rules are added, removed and moved. */
static void ids_outlive_sets(void **state)
{
	struct fg_rules *one, *two;

	(void)state;
	one = load("rules: [{name: x, drop: true}, {name: y, drop: true}]");
	two = load("rules: [{name: z, drop: true}, {name: y, drop: true}, {name: x, to: seen}]");
	assert_int_equal(two->rules[3].id, one->rules[1].id);
	assert_int_equal(two->rules[2].id, one->rules[2].id);
	assert_int_not_equal(two->rules[1].id, one->rules[1].id);
	assert_int_not_equal(two->rules[1].id, one->rules[2].id);
	fg_rules_free(one);
	fg_rules_free(two);
}

static void names_are_checked(void **state)
{
	char name[FG_NAME_BYTES_MAX + 2];
	struct fg_error error = {0};

	(void)state;
	memset(name, 'n', sizeof(name));
	name[FG_NAME_BYTES_MAX] = '\0';
	assert_int_equal(fg_name_check(name, NULL, &error), 0);
	assert_int_equal(fg_name_check("-", NULL, &error), 0);
	assert_int_equal(fg_name_check("!\"#{}[]~%/\\", NULL, &error), 0);
	assert_string_equal(error.text, "");
	name[FG_NAME_BYTES_MAX] = 'n';
	name[FG_NAME_BYTES_MAX + 1] = '\0';
	assert_int_equal(fg_name_check(name, NULL, &error), -EINVAL);
	assert_string_equal(error.text, "name: expected 1 to 64 characters, found 65");
	for (unsigned int c = 1; c < 256; c++) {
		const char text[] = {'a', (char)c, 'b', '\0'};

		error.text[0] = '\0';
		assert_int_equal(fg_name_check(text, NULL, &error),
				 c > ' ' && c < 0x7f ? 0 : -EINVAL);
	}
}

static void lines_are_read(void **state)
{
	uint8_t line = 99;

	(void)state;
	for (unsigned int c = 0; c < 256; c++) {
		const char text[] = {(char)c, '\0'};

		assert_int_equal(fg_line_read(text, &line), c >= 'A' && c <= 'Z' ? 0 : -EINVAL);
		if (c >= 'A' && c <= 'Z')
			assert_int_equal(line, c - 'A' + 1);
	}
	assert_int_equal(fg_line_read("", &line), -EINVAL);
	assert_int_equal(fg_line_read("AA", &line), -EINVAL);
}

/* "rules:" and @p count rules, one a line. */
static char *many_rules(uint32_t count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs("default: drop\nrules:\n", out);
	for (uint32_t i = 0; i < count; i++)
		fprintf(out, "- {name: n%u, match: {udp: {dst: %u}}, to: seen}\n", i, i % 65536);
	fclose(out);
	return text;
}

static void as_many_rules_as_may_be(void **state)
{
	char *text = many_rules(FG_RULES_MAX);
	struct fg_rules *set = load(text);

	(void)state;
	assert_int_equal(set->count, FG_RULES_MAX);
	assert_int_equal(set->n_matches, FG_RULES_MAX);
	assert_string_equal(set->rules[FG_RULES_MAX].name, "n99999");
	assert_int_equal(set->rules[FG_RULES_MAX].line, FG_RULES_MAX + 2);
	check_entries(set);
	fg_rules_free(set);
	free(text);
	text = many_rules(FG_RULES_MAX + 1);
	refused(text, -E2BIG, 2, 1, "100001 rules: at most 100000");
	free(text);
}

/* A rule of @p ports times @p lines entries. */
static void print_wide_rule(FILE *out, const char *name, uint32_t ports, uint32_t lines)
{
	fprintf(out, "- name: %s\n  to: seen\n  match:\n    udp:\n      dst: [0", name);
	for (uint32_t i = 1; i < ports; i++)
		fprintf(out, ", %u", i);
	fprintf(out, "]\n      src: [0");
	for (uint32_t i = 1; i < lines; i++)
		fprintf(out, ", %u", i);
	fprintf(out, "]\n");
}

static void as_many_entries_as_may_be(void **state)
{
	struct fg_rules *set;
	char *text = NULL;
	size_t size;
	FILE *out;

	(void)state;
	out = open_memstream(&text, &size);
	fputs("rules:\n", out);
	print_wide_rule(out, "a", 600, 1000);
	print_wide_rule(out, "b", 400, 1000);
	fclose(out);
	set = load(text);
	assert_int_equal(set->n_matches, FG_MATCHES_MAX);
	assert_int_equal(set->rules[1].n_matches, 600000);
	assert_int_equal(set->rules[2].first_match, 600000);
	fg_rules_free(set);
	free(text);

	/* One more: the message has the line of the rule that does not fit. */
	out = open_memstream(&text, &size);
	fputs("rules:\n", out);
	print_wide_rule(out, "a", 600, 1000);
	print_wide_rule(out, "b", 400, 1000);
	fputs("- {name: c, to: seen}\n", out);
	fclose(out);
	refused(text, -E2BIG, 14, 3, "the rules compile to over 1000000 entries");
	free(text);

	/* Too many in one rule: the message has the location of the key. */
	out = open_memstream(&text, &size);
	fputs("rules:\n", out);
	print_wide_rule(out, "a", 1001, 1000);
	fclose(out);
	refused(text, -E2BIG, 7, 7, "the rules compile to over 1000000 entries");
	free(text);
}

/* Names keep their ids as long as the process lives, and the number of ids is limited. */
static void ids_run_out(void **state)
{
	struct fg_rules *set;
	uint32_t id = 0;

	(void)state;
	fg_names_reset();
	while (id < FG_RULE_IDS_MAX - 2) {
		char name[16];

		snprintf(name, sizeof(name), "%u", id);
		assert_int_equal(fg_names_id(name, &id), 0);
	}
	set = load("rules: [{name: last, drop: true}]");
	assert_int_equal(set->rules[1].id, FG_RULE_IDS_MAX - 1);
	fg_rules_free(set);
	refused("rules:\n- {name: last, drop: true}\n- {name: more, drop: true}", -ENOSPC, 1, 1,
		"rule 'more': too many rule names since the start; restart");
	set = load("rules: [{name: last, drop: true}, {name: 7, drop: true}]");
	fg_rules_free(set);
}

static int forget_names(void **state)
{
	(void)state;
	fg_names_reset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_mean_what_they_say),
		cmocka_unit_test(mistakes_in_match_are_refused),
		cmocka_unit_test(mistakes_in_files_are_refused),
		cmocka_unit_test(a_whole_file),
		cmocka_unit_test(expressions),
		cmocka_unit_test(as_many_expressions_as_may_be),
		cmocka_unit_test(default_forms),
		cmocka_unit_test(ids_outlive_sets),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test_teardown(as_many_rules_as_may_be, forget_names),
		cmocka_unit_test(as_many_entries_as_may_be),
		cmocka_unit_test(ids_run_out),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, forget_names);
}

/* SPDX-License-Identifier: MIT */
/* ClassBench rules and traces: the meaning of each column, and the message for each mistake. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include <fg_classbench.h>
#include <fg_names.h>

#define SINKS  UINT64_C(0x8000000000000005)
#define GOOD   "@10.0.0.0/8 1.2.3.4/32 0 : 65535 80 : 90 0x06/0xFF\n"
#define HEADER "1 2 3 4 17\n"

static FILE *stream_of(const char *text, size_t length)
{
	FILE *in = tmpfile();

	assert_non_null(in);
	assert_int_equal(fwrite(text, 1, length, in), length);
	rewind(in);
	return in;
}

static int load_text(const char *text, struct fg_rules **rules, struct fg_error *error)
{
	FILE *in = stream_of(text, strlen(text));
	const int rc = fg_classbench_load(in, "f", SINKS, rules, error);

	fclose(in);
	return rc;
}

static struct fg_rules *load(const char *text)
{
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};

	if (load_text(text, &rules, &error) != 0)
		fail_msg("%s in %s", error.text, text);
	assert_string_equal(error.text, "");
	return rules;
}

/* The only rule of a text, as text. */
static void reads_as(const char *text, const char *expected)
{
	struct fg_rules *rules = load(text);

	assert_int_equal(rules->count, 1);
	assert_string_equal(rules->rules[1].text, expected);
	fg_rules_free(rules);
}

static void a_rule_has_all_its_fields(void **state)
{
	struct fg_rules *rules = load("@192.168.4.0/22\t10.1.2.3/32\t0 : 65535\t1024 : 2047\t"
				      "0x11/0xFF\t0x1000/0x1000\t\n" GOOD);
	const struct fg_match *m = &rules->matches[0];
	const struct fg_rule *rule = &rules->rules[1];
	uint32_t id = 0;

	(void)state;
	assert_int_equal(rules->count, 2);
	assert_int_equal(rules->n_matches, 2);
	assert_int_equal(rules->n_exprs, 0);
	assert_string_equal(rule->name, "1");
	assert_int_equal(fg_names_id("1", &id), 0);
	assert_int_equal(rule->id, id);
	assert_int_equal(rule->line, 1);
	assert_true(rule->sinks == SINKS);
	assert_int_equal(rule->feed, FG_FEED_NONE);
	assert_int_equal(rule->n_matches, 1);
	assert_int_equal(rule->first_match, 0);
	assert_string_equal(rule->text, "{ipv4: {src: 192.168.4.0/22, dst: 10.1.2.3/32}, "
					"protocol: 17, ports: {src: 0-65535, dst: 1024-2047}}");

	struct fg_key value = {.family = 4, .protocol = 17}, mask = {.family = 255};

	mask.protocol = 255;
	memcpy(value.src_ip, (uint8_t[]){192, 168, 4, 0}, 4);
	memcpy(mask.src_ip, (uint8_t[]){255, 255, 252, 0}, 4);
	memcpy(value.dst_ip, (uint8_t[]){10, 1, 2, 3}, 4);
	memcpy(mask.dst_ip, (uint8_t[]){255, 255, 255, 255}, 4);
	assert_memory_equal(&m->value, &value, sizeof(value));
	assert_memory_equal(&m->mask, &mask, sizeof(mask));
	assert_int_equal(m->src_port_min, 0);
	assert_int_equal(m->src_port_max, 65535);
	assert_int_equal(m->dst_port_min, 1024);
	assert_int_equal(m->dst_port_max, 2047);
	assert_int_equal(m->rule, 1);
	assert_null(m->expr);

	assert_string_equal(rules->rules[2].name, "2");
	assert_int_equal(rules->rules[2].line, 2);
	assert_int_equal(rules->rules[2].first_match, 1);
	assert_int_equal(rules->matches[1].rule, 2);
	fg_rules_free(rules);
}

static void no_match_is_dropped(void **state)
{
	struct fg_rules *rules = load("");

	(void)state;
	assert_int_equal(rules->count, 0);
	assert_int_equal(rules->n_matches, 0);
	assert_string_equal(rules->rules[0].name, "-");
	assert_string_equal(rules->rules[0].text, "{}");
	assert_int_equal(rules->rules[0].id, 0);
	assert_true(rules->rules[0].sinks == 0);
	assert_int_equal(rules->rules[0].feed, FG_FEED_NONE);
	fg_rules_free(rules);
}

static void writers_differ(void **state)
{
	static const char same[] = "{ipv4: {src: 10.0.0.0/8, dst: 1.2.3.4/32}, protocol: 6, "
				   "ports: {src: 0-65535, dst: 80-90}}";

	(void)state;
	reads_as(GOOD, same);
	reads_as("@10.0.0.0/8 1.2.3.4/32 0 : 65535 80 : 90 0x06/0xFF", same);
	reads_as("\n# a comment\n\t # another\r\n \r\n" GOOD "\n", same);
	reads_as("  @10.0.0.0/8\t \t1.2.3.4/32 0:65535 80\t:\t90 6/255 anything at all\r\n", same);
	reads_as("@10.255.1.2/8 1.2.3.4/32 0 : 65535 80 : 90 0x6/0xff\n", same);
	reads_as("@1.2.3.4/0 255.255.255.255/1 7 : 7 0 : 0 0x2F/0x00\n",
		 "{ipv4: {src: 0.0.0.0/0, dst: 128.0.0.0/1}, ports: {src: 7-7, dst: 0-0}}");
	reads_as("@0.0.0.0/0 0.0.0.0/31 0 : 65535 0 : 65535 0x00/0xFF\n",
		 "{ipv4: {src: 0.0.0.0/0, dst: 0.0.0.0/31}, protocol: 0, "
		 "ports: {src: 0-65535, dst: 0-65535}}");
}

static void lines_are_counted_as_an_editor_does(void **state)
{
	struct fg_rules *rules = load("# head\n\n" GOOD "\n" GOOD);

	(void)state;
	assert_int_equal(rules->rules[1].line, 3);
	assert_int_equal(rules->rules[2].line, 5);
	fg_rules_free(rules);
}

struct refusal {
	const char *text, *reason;
};

static const struct refusal rule_refusals[] = {
	{"10.0.0.0/8 1.2.3.4/32",
	 "a rule: expected '@' before the source prefix, found '10.0.0.0/8"},
	{"rules:", "a rule: expected '@'"},
	{"@", "source: expected an IPv4 prefix A.B.C.D/LENGTH, found the end of the line"},
	{"@ 10.0.0.0/8", "source: expected an IPv4 prefix"},
	{"@10.0.0/8", "source: expected an IPv4 prefix"},
	{"@10.0.0.0.0.0.0.0.0.0.0.0/8", "source: expected an IPv4 prefix"},
	{"@10.0.0.256/8", "source: expected an IPv4 prefix"},
	{"@2001:db8::/32", "source: expected an IPv4 prefix"},
	{"@10.0.0.0", "source: expected /LENGTH after the address, found the end"},
	{"@10.0.0.0 ", "source: expected /LENGTH after the address, found ' '"},
	{"@10.0.0.0/", "source: expected a prefix length from 0 to 32, found the end"},
	{"@10.0.0.0/33", "source: expected a prefix length from 0 to 32, found '33'"},
	{"@10.0.0.0/-1", "source: expected a prefix length from 0 to 32, found '-1'"},
	{"@10.0.0.0/99999999999999999999999999999999", "source: expected a prefix length"},
	{"@10.0.0.0/8x", "source: expected a prefix length"},
	{"@10.0.0.0/8,", "source: expected a blank after it, found ','"},
	{"@10.0.0.0/8", "destination: expected an IPv4 prefix A.B.C.D/LENGTH, found the end"},
	{"@10.0.0.0/8 @1.2.3.4/32", "destination: expected an IPv4 prefix"},
	{"@10.0.0.0/8 1.2.3.4/32", "source ports: expected a port from 0 to 65535, found the end"},
	{"@10.0.0.0/8 1.2.3.4/32 *", "source ports: expected a port from 0 to 65535, found '*'"},
	{"@10.0.0.0/8 1.2.3.4/32 7",
	 "source ports: expected a colon, as in LO : HI, found the end"},
	{"@10.0.0.0/8 1.2.3.4/32 7 - 8", "source ports: expected a colon"},
	{"@10.0.0.0/8 1.2.3.4/32 7 :", "source ports: expected a port from 0 to 65535"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 65536", "source ports: expected a port from 0 to 65535"},
	{"@10.0.0.0/8 1.2.3.4/32 8 : 7", "source ports: expected a range that ends no earlier"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8", "destination ports: expected a port"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 8 6/255", "destination ports: expected a range"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 10", "protocol: expected a number from 0 to 255"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 10 tcp", "protocol: expected a number from 0 to 255"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 10 256/255", "protocol: expected a number"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 10 6", "protocol: expected /MASK after the number"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 10 6/", "protocol: expected mask 0x00 or 0xFF"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 10 6/0x0F",
	 "protocol: expected mask 0x00 or 0xFF, found '0x0F'"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 10 6/0x1FF", "protocol: expected mask 0x00 or 0xFF"},
	{"@10.0.0.0/8 1.2.3.4/32 7 : 8 9 : 10 6/0xFF/3", "protocol: expected a blank after it"},
};

static const struct refusal trace_refusals[] = {
	{"@1.2.3.4/32", "source: expected a number from 0 to 4294967295, found '@1.2.3.4/32'"},
	{"10.0.0.1 2 3 4 5", "source: expected a blank after it, found '.0.0.1 2 3 4 5'"},
	{"-1 2 3 4 5", "source: expected a number"},
	{"4294967296 2 3 4 5", "source: expected a number from 0 to 4294967295"},
	{"1", "destination: expected a number from 0 to 4294967295, found the end of the line"},
	{"1 4294967296 3 4 5", "destination: expected a number from 0 to 4294967295"},
	{"1 2 65536 4 5", "source port: expected a number from 0 to 65535, found '65536 4 5'"},
	{"1 2 3 65536 5", "destination port: expected a number from 0 to 65535"},
	{"1 2 3 4", "protocol: expected a number from 0 to 255, found the end of the line"},
	{"1 2 3 4 256", "protocol: expected a number from 0 to 255, found '256'"},
	{"1 2 3 4 5,", "protocol: expected a blank after it"},
};

static void is_refusal(int rc, const struct fg_error *error, const char *text, const char *reason)
{
	if (rc != -EINVAL || strncmp(error->text, "f:3: ", 5) != 0 ||
	    strstr(error->text, reason) == NULL)
		fail_msg("%d '%s' instead of 'f:3: %s' for '%s'", rc, error->text, reason, text);
}

static void mistakes_in_rules_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(rule_refusals); i++) {
		struct fg_rules *rules = NULL;
		struct fg_error error = {0};
		char text[512];

		snprintf(text, sizeof(text), GOOD "\n%s\n" GOOD, rule_refusals[i].text);
		is_refusal(load_text(text, &rules, &error), &error, rule_refusals[i].text,
			   rule_refusals[i].reason);
		assert_null(rules);
	}
}

static void mistakes_in_traces_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(trace_refusals); i++) {
		struct fg_error error = {0};
		struct fg_key key;
		uint64_t line = 0;
		char text[512];
		FILE *in;

		snprintf(text, sizeof(text), "# head\n" HEADER "%s\n", trace_refusals[i].text);
		in = stream_of(text, strlen(text));
		assert_int_equal(fg_classbench_read_key(in, "f", &line, &key, &error), 1);
		is_refusal(fg_classbench_read_key(in, "f", &line, &key, &error), &error,
			   trace_refusals[i].text, trace_refusals[i].reason);
		fclose(in);
	}
}

static void lines_end(void **state)
{
	char text[FG_CLASSBENCH_LINE_BYTES_MAX + 64];
	const size_t good = strlen(GOOD) - 1;
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};
	FILE *in;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, GOOD, good);
	text[FG_CLASSBENCH_LINE_BYTES_MAX] = '\n';
	text[FG_CLASSBENCH_LINE_BYTES_MAX + 1] = '\0';
	fg_rules_free(load(text));

	text[FG_CLASSBENCH_LINE_BYTES_MAX] = ' ';
	assert_int_equal(load_text(text, &rules, &error), -EINVAL);
	assert_string_equal(error.text, "f:1: expected at most 1000 bytes in a line");

	error.text[0] = '\0';
	in = stream_of("\n" GOOD "\0", strlen(GOOD) + 2);
	assert_int_equal(fg_classbench_load(in, "f", 1, &rules, &error), -EINVAL);
	assert_string_equal(error.text, "f:3: expected text, found a zero byte");
	assert_null(rules);
	fclose(in);
}

static void what_cannot_be_read_is_said(void **state)
{
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};
	FILE *in = fopen("/", "r");

	(void)state;
	assert_non_null(in);
	assert_int_equal(fg_classbench_load(in, "f", 1, &rules, &error), -EISDIR);
	assert_string_equal(error.text, "f: cannot read: Is a directory");
	assert_null(rules);
	fclose(in);
}

static void rules_have_a_limit(void **state)
{
	static const char rule[] = "@0.0.0.0/0 0.0.0.0/0 0:0 0:0 0/0\n";
	char *text = malloc((FG_RULES_MAX + 1) * (sizeof(rule) - 1) + 1);
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i <= FG_RULES_MAX; i++)
		memcpy(text + i * (sizeof(rule) - 1), rule, sizeof(rule));
	assert_int_equal(load_text(text, &rules, &error), -E2BIG);
	assert_string_equal(error.text, "f:100001: at most 100000 rules");
	assert_null(rules);

	text[FG_RULES_MAX * (sizeof(rule) - 1)] = '\0';
	rules = load(text);
	assert_int_equal(rules->count, FG_RULES_MAX);
	assert_int_equal(rules->n_matches, FG_RULES_MAX);
	for (uint32_t i = 1; i <= rules->count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		assert_string_equal(rules->rules[i].name, name);
		assert_string_equal(fg_names_get(rules->rules[i].id), name);
		assert_int_equal(rules->matches[i - 1].rule, i);
	}
	fg_rules_free(rules);
	free(text);
}

static void a_trace_gives_keys(void **state)
{
	static const char text[] = "# src dst sport dport proto\n"
				   "3232236545\t4294967295\t0\t65535\t17\t4294967295\t383\n\n"
				   " 0 1 80 81 6\r\n"
				   "1 2 3 4 1";
	FILE *in = stream_of(text, strlen(text));
	struct fg_error error = {0};
	struct fg_key key, expected = {.l4 = 17, .protocol = 17, .family = 4};
	uint64_t line = 0;

	(void)state;
	expected.dst_port_be = 0xffff;
	expected.vlan_be[0] = expected.vlan_be[1] = 0xffff;
	memcpy(expected.src_ip, (uint8_t[]){192, 168, 4, 1}, 4);
	memcpy(expected.dst_ip, (uint8_t[]){255, 255, 255, 255}, 4);
	assert_int_equal(fg_classbench_read_key(in, "f", &line, &key, &error), 1);
	assert_memory_equal(&key, &expected, sizeof(key));
	assert_int_equal(line, 2);

	expected = (struct fg_key){.l4 = 6, .protocol = 6, .family = 4};
	expected.src_port_be = htons(80);
	expected.dst_port_be = htons(81);
	expected.vlan_be[0] = expected.vlan_be[1] = 0xffff;
	expected.dst_ip[3] = 1;
	assert_int_equal(fg_classbench_read_key(in, "f", &line, &key, &error), 1);
	assert_memory_equal(&key, &expected, sizeof(key));
	assert_int_equal(line, 4);

	assert_int_equal(fg_classbench_read_key(in, "f", &line, &key, &error), 1);
	assert_int_equal(key.l4, 0);
	assert_int_equal(key.protocol, 1);
	assert_int_equal(key.src_port_be, htons(3));
	assert_int_equal(key.dst_port_be, htons(4));
	assert_int_equal(fg_classbench_read_key(in, "f", &line, &key, &error), 0);
	assert_string_equal(error.text, "");
	fclose(in);
}

/* Packets of a trace: do they match, by the reference implementation? */
static void a_rule_takes_what_it_says(void **state)
{
	static const char *const inside[] = {"167772160 16909060 0 80 6",
					     "184549375 16909060 65535 90 6"};
	static const char *const outside[] = {
		"167772159 16909060 0 80 6", "184549376 16909060 0 80 6",
		"167772160 16909061 0 80 6", "167772160 16909060 0 79 6",
		"167772160 16909060 0 91 6", "167772160 16909060 0 80 17"};
	struct fg_rules *rules = load(GOOD);

	(void)state;
	for (size_t i = 0; i < RTE_DIM(inside) + RTE_DIM(outside); i++) {
		const char *text = i < RTE_DIM(inside) ? inside[i] : outside[i - RTE_DIM(inside)];
		FILE *in = stream_of(text, strlen(text));
		struct fg_error error = {0};
		uint64_t line = 0;
		struct fg_key key;

		assert_int_equal(fg_classbench_read_key(in, "f", &line, &key, &error), 1);
		if ((fg_match_test(&rules->matches[0], &key) != 0) != (i < RTE_DIM(inside)))
			fail_msg("wrong about %s", text);
		fclose(in);
	}
	fg_rules_free(rules);
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
		cmocka_unit_test(a_rule_has_all_its_fields),
		cmocka_unit_test(no_match_is_dropped),
		cmocka_unit_test(writers_differ),
		cmocka_unit_test(lines_are_counted_as_an_editor_does),
		cmocka_unit_test(mistakes_in_rules_are_refused),
		cmocka_unit_test(mistakes_in_traces_are_refused),
		cmocka_unit_test(lines_end),
		cmocka_unit_test(what_cannot_be_read_is_said),
		cmocka_unit_test(rules_have_a_limit),
		cmocka_unit_test(a_trace_gives_keys),
		cmocka_unit_test(a_rule_takes_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, forget_names);
}

/* SPDX-License-Identifier: MIT */
/*
 * Checks findings about rule sets with all keys of a small universe: no key matches a
 * shadowed rule first, and redundant rules can be removed, one by one or all at once,
 * without changing the action for any key.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include <fg_analyse.h>
#include <fg_config.h>

static const char *const sinks[] = {"disk", "seen"};
static const char *const feeds[] = {"itch"};
static const struct fg_scope scope = {.sinks = sinks, .feeds = feeds, .n_sinks = 2, .n_feeds = 1};

static struct fg_rules *load(const char *text)
{
	struct fg_config *config = NULL;
	struct fg_rules *rules = NULL;
	struct fg_error error = {0};
	const struct fg_node *root;

	if (fg_config_load_text("t", text, strlen(text), &config, &error) != 0)
		fail_msg("%s", error.text);
	root = fg_config_root(config);
	if (fg_rules_load(fg_node_get(root, "rules"), fg_node_get(root, "default"), &scope, &rules,
			  &error) != 0)
		fail_msg("%s in %s", error.text, text);
	fg_config_free(config);
	return rules;
}

/* Findings as text: "2<1 3>4 5>default 6<*", < shadowed and > redundant. */
static void describe(const struct fg_rule_finding *f, uint32_t count, char *text, size_t room)
{
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < count && at < room; i++) {
		at += (size_t)snprintf(text + at, room - at, "%s%u%c", i > 0 ? " " : "", f[i].rule,
				       f[i].kind == FG_FINDING_SHADOWED ? '<' : '>');
		if (at >= room)
			break;
		if (f[i].by == FG_FINDING_BY_SEVERAL)
			at += (size_t)snprintf(text + at, room - at, "*");
		else if (f[i].by == 0)
			at += (size_t)snprintf(text + at, room - at, "default");
		else
			at += (size_t)snprintf(text + at, room - at, "%u", f[i].by);
	}
}

static uint32_t analyse(const struct fg_rules *rules, struct fg_rule_finding **findings,
			bool *complete)
{
	struct fg_error error = {0};
	uint32_t count = UINT32_MAX;

	*findings = (void *)UINTPTR_MAX;
	assert_int_equal(fg_rules_analyse(rules, findings, &count, complete, &error), 0);
	assert_true(count > 0 || *findings == NULL);
	return count;
}

#define UDP                   "ipv4: {}, udp: "
#define RULE(name, match, to) "- {name: " name ", match: {" match "}, to: " to "}\n"

/* Rules are numbered from 1; the default is drop unless the text has another. */
static const struct {
	const char *rules, *findings;
} known[] = {
	{"", ""},
	{RULE("a", "udp: {dst: 1}", "seen"), ""},
	{RULE("a", "udp: {dst: 1}", "seen") RULE("b", "udp: {dst: 1}", "disk"), "2<1"},
	{RULE("a", "udp: {dst: 1}", "seen") RULE("b", "udp: {dst: 1}", "seen"), "2<1"},
	{RULE("a", "udp: {}", "seen") RULE("b", "udp: {dst: 1}", "disk"), "2<1"},
	{RULE("a", "udp: {dst: 1}", "disk") RULE("b", "udp: {}", "seen"), ""},
	{RULE("a", "udp: {dst: 1}", "seen") RULE("b", "udp: {}", "seen"), "1>2"},
	{RULE("a", "udp: {dst: 1}", "seen") RULE("b", "udp: {dst: 0-9}", "disk")
		 RULE("c", "udp: {}", "seen"),
	 ""},
	{RULE("a", "udp: {dst: 1}", "seen") RULE("b", "tcp: {dst: 1}", "disk")
		 RULE("c", "", "seen"),
	 "1>3"},
	{RULE("a", "udp: {dst: 1}", "seen") RULE("b", "tcp: {dst: 1}", "disk")
		 RULE("c", "udp: {dst: 0-1}", "seen"),
	 "1>3"},
	/* Unions in one field. */
	{RULE("a", "udp: {dst: 0-99}", "seen") RULE("b", "udp: {dst: 100-65535}", "disk")
		 RULE("c", "udp: {dst: 0-65535}", "seen"),
	 "3<*"},
	/* Without ports it also matches fragments. */
	{RULE("a", "udp: {dst: 0-99}", "seen") RULE("b", "udp: {dst: 100-65535}", "disk")
		 RULE("c", "udp: {}", "seen"),
	 "1>3"},
	{RULE("a", "udp: {dst: 0-99}", "seen") RULE("b", "udp: {dst: 101-65535}", "disk")
		 RULE("c", "udp: {dst: 0-65535}", "seen"),
	 "1>3"},
	{RULE("a", "udp: {src: 5-7, dst: 3}", "seen") RULE("b", "udp: {src: 8}", "disk")
		 RULE("c", "udp: {src: 5-8, dst: 3}", "disk"),
	 "3<*"},
	{RULE("a", "ipv4: {dst: 10.0.0.0/9}", "seen") RULE("b", "ipv4: {dst: 10.128.0.0/9}", "disk")
		 RULE("c", "ipv4: {dst: 10.0.0.0/8}", "seen"),
	 "3<*"},
	{RULE("a", "ipv4: {src: 10.0.0.0/9}", "seen")
		 RULE("b", "ipv4: {src: 10.192.0.0/10}", "disk")
			 RULE("c", "ipv4: {src: 10.128.0.0/10}", "seen")
				 RULE("d", "ipv4: {src: 10.0.0.0/8}", "seen"),
	 "4<*"},
	{RULE("a", "ipv6: {dst: ff00::/9}", "seen") RULE("b", "ipv6: {dst: ff80::/9}", "disk")
		 RULE("c", "ipv6: {dst: ff00::/8}", "seen"),
	 "3<*"},
	{RULE("a", "ipv4: {dst: 10.0.0.0/9}", "seen") RULE("b", "ipv6: {dst: '::/0'}", "disk")
		 RULE("c", "ipv4: {dst: 10.0.0.0/8}", "seen"),
	 "1>3"},
	/* Several entries a rule. */
	{RULE("a", "udp: {dst: [1, 2, 3]}", "seen") RULE("b", "udp: {dst: [3, 1]}", "disk"), "2<1"},
	{RULE("a", "udp: {dst: [1, 2]}", "seen") RULE("b", "udp: {dst: [3, 4]}", "disk")
		 RULE("c", "udp: {dst: [2, 3]}", "disk"),
	 "3<*"},
	{RULE("a", "udp: {dst: [1, 2]}", "seen") RULE("b", "udp: {dst: [2, 3]}", "disk"), ""},
	/* The same box twice, with the same action: only one is redundant. */
	{RULE("a", "udp: {dst: [1, 2]}", "seen") RULE("b", "udp: {dst: [1, 3]}", "seen")
		 RULE("c", "udp: {dst: [2, 3]}", "seen"),
	 "3<*"},
	/* The default. */
	{RULE("a", "udp: {dst: 1}", "seen") "default: {to: seen}\n", "1>default"},
	{RULE("a", "udp: {dst: 1}", "seen") "default: {to: disk}\n", ""},
	{RULE("a", "udp: {dst: 1}", "seen") RULE("b", "udp: {}", "disk") "default: {to: seen}\n",
	 ""},
	{RULE("a", "udp: {dst: 1}", "seen") RULE("b", "tcp: {}", "disk") "default: {to: seen}\n",
	 "1>default"},
	/* A feed is part of the action. */
	{"- {name: a, match: {udp: {dst: 1}}, to: seen, feed: itch}\n" RULE("b", "udp: {}", "seen"),
	 ""},
	{"- {name: a, match: {udp: {dst: 1}}, to: seen, feed: itch}\n"
	 "- {name: b, match: {udp: {}}, to: seen, feed: itch}\n",
	 "1>2"},
	/* So are the line and the subscription. */
	{"- {name: a, match: {udp: {dst: 1}}, to: seen, feed: itch, line: A}\n"
	 "- {name: b, match: {udp: {}}, to: seen, feed: itch}\n",
	 ""},
	{"- {name: a, match: {udp: {dst: 1}}, to: seen, feed: itch, instruments: X}\n"
	 "- {name: b, match: {udp: {}}, to: seen, feed: itch}\n",
	 ""},
	{"- {name: a, match: {udp: {dst: 1}}, to: seen, feed: itch, messages: A}\n"
	 "- {name: b, match: {udp: {}}, to: seen, feed: itch, messages: B}\n",
	 ""},
};

static void known_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(known); i++) {
		struct fg_rule_finding *findings;
		char text[2048], found[512];
		struct fg_rules *rules;
		bool complete = false;
		uint32_t count;

		snprintf(text, sizeof(text),
			 known[i].rules[0] != '\0' ? "rules:\n%s" : "rules: []%s\n",
			 known[i].rules);
		rules = load(text);
		count = analyse(rules, &findings, &complete);
		describe(findings, count, found, sizeof(found));
		if (strcmp(found, known[i].findings) != 0)
			fail_msg("'%s' instead of '%s' in\n%s", found, known[i].findings, text);
		assert_true(complete);
		free(findings);
		fg_rules_free(rules);
	}
}

static struct fg_expr *compile(const char *text)
{
	struct fg_expr *expr = NULL;
	struct fg_error error = {0};

	if (text != NULL && fg_expr_compile(text, &expr, &error) != 0)
		fail_msg("%s: %s", text, error.text);
	return expr;
}

/* An entry with an expression only covers entries with the same text. */
static void expressions(void **state)
{
	static const struct {
		const char
			*expr[2]; /* of a, for UDP port 5 to `seen`, and of b, the same to `disk` */
		const char *findings, *same_action;
	} sets[] = {
		{{"udp port 5", "udp port 5"}, "2<1", "2<1"},
		{{"udp port 5", "udp port 6"}, "", ""},
		{{"len > 9", NULL}, "", "1>2"},
		{{NULL, "len > 9"}, "2<1", "2<1"},
	};

	(void)state;
	for (size_t i = 0; i < 2 * RTE_DIM(sets); i++) {
		const char *expected = i % 2 != 0 ? sets[i / 2].same_action : sets[i / 2].findings;
		struct fg_rules *rules = load("rules:\n" RULE("a", "udp: {dst: 5}", "seen")
						      RULE("b", "udp: {dst: 5}", "disk"));
		struct fg_rule_finding *findings;
		struct fg_expr *exprs[2];
		char found[64];
		uint32_t count;

		for (int e = 0; e < 2; e++)
			rules->matches[e].expr = exprs[e] = compile(sets[i / 2].expr[e]);
		if (i % 2 != 0)
			rules->rules[2].sinks = rules->rules[1].sinks;
		count = analyse(rules, &findings, NULL);
		describe(findings, count, found, sizeof(found));
		if (strcmp(found, expected) != 0)
			fail_msg("'%s' instead of '%s', set %zu", found, expected, i);
		free(findings);
		fg_rules_free(rules);
		for (int e = 0; e < 2; e++)
			fg_expr_free(exprs[e]);
	}
}

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state * UINT64_C(2685821657736338717) >> 32) * limit >> 32);
}

/*
 * The universe: ports and addresses of which rules test only the top two bits, three
 * protocols, two lines. A key stands for all keys that no rule distinguishes from it.
 */
enum { PORTS = 4, ADDRESSES = 4, PROTOCOLS = 3, LINES = 2 };
#define KEYS (PORTS * PORTS * ADDRESSES * ADDRESSES * PROTOCOLS * LINES)

struct universe {
	struct fg_rule rules[40];
	struct fg_match matches[80];
	struct fg_rules set;
	struct fg_key keys[KEYS];
};

static void make_keys(struct universe *u)
{
	for (uint32_t i = 0; i < KEYS; i++) {
		uint32_t n = i;
		struct fg_key *key = &u->keys[i];

		*key = (struct fg_key){.family = FG_FAMILY_IPV4};
		key->src_port_be = htons((uint16_t)((n % PORTS) << 14));
		n /= PORTS;
		key->dst_port_be = htons((uint16_t)((n % PORTS) << 14));
		n /= PORTS;
		key->src_ip[0] = (uint8_t)((n % ADDRESSES) << 6);
		n /= ADDRESSES;
		key->dst_ip[0] = (uint8_t)((n % ADDRESSES) << 6);
		n /= ADDRESSES;
		key->protocol = (uint8_t)(n % PROTOCOLS);
		key->line = (uint8_t)(n / PROTOCOLS);
	}
}

static void random_ports(uint16_t *min, uint16_t *max)
{
	const uint32_t low = random_below(PORTS), high = low + random_below(PORTS - low);
	const bool any = random_below(3) == 0;

	*min = (uint16_t)(any ? 0 : low << 14);
	*max = (uint16_t)(any ? UINT16_MAX : ((high + 1) << 14) - 1);
}

static void random_prefix(uint8_t *value, uint8_t *mask)
{
	static const uint8_t masks[] = {0, 0, 0x80, 0xc0};

	*mask = masks[random_below(RTE_DIM(masks))];
	*value = (uint8_t)(random_below(ADDRESSES) << 6) & *mask;
}

static void random_match(struct fg_match *m, uint32_t rule)
{
	*m = (struct fg_match){.rule = rule};
	random_ports(&m->src_port_min, &m->src_port_max);
	random_ports(&m->dst_port_min, &m->dst_port_max);
	random_prefix(&m->value.src_ip[0], &m->mask.src_ip[0]);
	random_prefix(&m->value.dst_ip[0], &m->mask.dst_ip[0]);
	if (random_below(2) == 0) {
		m->mask.protocol = 0xff;
		m->value.protocol = (uint8_t)random_below(PROTOCOLS);
	}
	if (random_below(4) == 0) {
		m->mask.line = 0xff;
		m->value.line = (uint8_t)random_below(LINES);
	}
}

static void make_rules(struct universe *u)
{
	const uint32_t actions = 1 + random_below(3);

	u->set = (struct fg_rules){.rules = u->rules, .matches = u->matches};
	u->set.count = 1 + random_below((uint32_t)RTE_DIM(u->rules) - 1);
	u->rules[0] = (struct fg_rule){.feed = FG_FEED_NONE};
	for (uint32_t r = 1; r <= u->set.count; r++) {
		struct fg_rule *rule = &u->rules[r];

		*rule = (struct fg_rule){.sinks = random_below(actions), .feed = FG_FEED_NONE};
		rule->first_match = u->set.n_matches;
		rule->n_matches = 1 + random_below(5) / 4;
		for (uint32_t i = 0; i < rule->n_matches; i++)
			random_match(&u->matches[u->set.n_matches++], r);
		/* Sometimes the box of another rule. */
		if (random_below(6) == 0 && rule->first_match > 0) {
			u->matches[rule->first_match] = u->matches[random_below(rule->first_match)];
			u->matches[rule->first_match].rule = r;
		}
	}
}

static bool rule_matches(const struct universe *u, uint32_t r, const struct fg_key *key)
{
	const struct fg_rule *rule = &u->rules[r];

	for (uint32_t i = 0; i < rule->n_matches; i++)
		if (fg_match_test(&u->matches[rule->first_match + i], key))
			return true;
	return false;
}

/* The first rule that matches and is not removed; 0: the default. */
static uint32_t winner(const struct universe *u, const struct fg_key *key, const bool *removed)
{
	for (uint32_t r = 1; r <= u->set.count; r++)
		if (!removed[r] && rule_matches(u, r, key))
			return r;
	return 0;
}

struct tally {
	uint32_t shadowed, shadowed_found, redundant, redundant_found, alone_found;
};

/* From all keys: which rules never match first, and which can be removed alone. */
struct truth {
	bool wins[40], needed[40];
	uint64_t sinks[KEYS];
};

static void enumerate(const struct universe *u, struct truth *truth)
{
	bool removed[40] = {false};

	memset(truth, 0, sizeof(*truth));
	for (uint32_t k = 0; k < KEYS; k++) {
		const uint32_t first = winner(u, &u->keys[k], removed);
		uint32_t second;

		truth->sinks[k] = u->rules[first].sinks;
		if (first == 0)
			continue;
		truth->wins[first] = true;
		removed[first] = true;
		second = winner(u, &u->keys[k], removed);
		removed[first] = false;
		truth->needed[first] |= u->rules[second].sinks != u->rules[first].sinks;
	}
}

/* The rule in fg_rule_finding.by covers the other, and stands before or after it as it must. */
static void check_by(const struct universe *u, const struct fg_rule_finding *f)
{
	if (f->kind == FG_FINDING_SHADOWED)
		assert_true(f->by > 0 && (f->by < f->rule || f->by == FG_FINDING_BY_SEVERAL));
	else
		assert_true(f->by == 0 || f->by > f->rule);
	if (f->by == FG_FINDING_BY_SEVERAL || f->by == 0)
		return;
	if (f->kind == FG_FINDING_REDUNDANT)
		assert_int_equal(u->rules[f->by].sinks, u->rules[f->rule].sinks);
	for (uint32_t k = 0; f->kind == FG_FINDING_SHADOWED && k < KEYS; k++)
		if (rule_matches(u, f->rule, &u->keys[k]))
			assert_true(rule_matches(u, f->by, &u->keys[k]));
}

static void check_findings(const struct universe *u, const struct fg_rule_finding *findings,
			   uint32_t count, struct tally *tally)
{
	struct truth truth;
	bool removed[40] = {false};

	enumerate(u, &truth);
	for (uint32_t i = 0; i < count; i++) {
		const struct fg_rule_finding *f = &findings[i];

		assert_true(f->rule >= 1 && f->rule <= u->set.count);
		assert_true(i == 0 || f->rule > findings[i - 1].rule);
		if (f->kind == FG_FINDING_SHADOWED)
			assert_false(truth.wins[f->rule]);
		assert_false(truth.needed[f->rule]);
		check_by(u, f);
		removed[f->rule] = true;
		tally->shadowed_found += f->kind == FG_FINDING_SHADOWED;
		tally->redundant_found += f->kind == FG_FINDING_REDUNDANT;
	}
	for (uint32_t k = 0; k < KEYS; k++)
		assert_int_equal(u->rules[winner(u, &u->keys[k], removed)].sinks, truth.sinks[k]);
	for (uint32_t r = 1; r <= u->set.count; r++) {
		tally->shadowed += !truth.wins[r];
		tally->redundant += truth.wins[r] && !truth.needed[r];
	}
}

static void no_claim_is_false(void **state)
{
	struct universe *u = malloc(sizeof(*u));
	struct tally tally = {0};
	uint32_t sets = 1500;

	(void)state;
	assert_non_null(u);
	random_state = 0x9e3779b97f4a7c15u;
	make_keys(u);
	for (uint32_t i = 0; i < sets; i++) {
		struct fg_rule_finding *findings;
		bool complete = false;
		uint32_t count;

		make_rules(u);
		count = analyse(&u->set, &findings, &complete);
		assert_true(complete);
		check_findings(u, findings, count, &tally);
		free(findings);
	}
	free(u);
	print_message("%u sets: %u of %u shadowed rules found, %u of %u redundant ones\n", sets,
		      tally.shadowed_found, tally.shadowed, tally.redundant_found, tally.redundant);
	/* Unions in several fields are not found; most cases are simpler. */
	assert_true(tally.shadowed_found > tally.shadowed / 2);
	assert_true(tally.redundant_found > tally.redundant / 4);
}

/* Sets too large to compare all entries with all. */
static void make_large(struct fg_rules *set, uint32_t count)
{
	set->count = set->n_matches = count;
	set->rules = calloc((size_t)count + 1, sizeof(*set->rules));
	set->matches = calloc(count, sizeof(*set->matches));
	assert_non_null(set->rules);
	assert_non_null(set->matches);
	set->rules[0].feed = FG_FEED_NONE;
	for (uint32_t r = 1; r <= count; r++) {
		set->rules[r] = (struct fg_rule){
			.sinks = 1, .feed = FG_FEED_NONE, .first_match = r - 1, .n_matches = 1};
		set->matches[r - 1] = (struct fg_match){
			.src_port_max = UINT16_MAX, .dst_port_max = UINT16_MAX, .rule = r};
	}
}

static void free_large(struct fg_rules *set)
{
	free(set->rules);
	free(set->matches);
}

static void set_group(struct fg_match *match, uint32_t address)
{
	const uint32_t be = htonl(address);

	match->mask.family = match->mask.l4 = 0xff;
	match->value.family = FG_FAMILY_IPV4;
	match->value.l4 = 17;
	memset(match->mask.dst_ip, 0xff, 4);
	memcpy(match->value.dst_ip, &be, sizeof(be));
}

/* 100,000 groups, on one address or each on its own: all findings are made. */
static void groups(void **state)
{
	(void)state;
	for (uint32_t spread = 0; spread < 2; spread++) {
		const uint32_t count = 100000;
		struct fg_rule_finding *findings;
		struct fg_rules set = {0};
		bool complete = false;
		uint32_t n;

		make_large(&set, count);
		for (uint32_t i = 0; i < count; i++) {
			const uint16_t port = (uint16_t)(i % 50000);

			set_group(&set.matches[i], 0xe9000000 + (spread ? i : 0));
			set.matches[i].dst_port_min = set.matches[i].dst_port_max = port;
			set.rules[i + 1].sinks = 1 + i % 3;
		}
		n = analyse(&set, &findings, &complete);
		assert_true(complete);
		assert_int_equal(n, spread ? 0 : count / 2);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(findings[i].rule, count / 2 + 1 + i);
			assert_int_equal(findings[i].kind, FG_FINDING_SHADOWED);
			assert_int_equal(findings[i].by, 1 + i);
		}
		free(findings);
		free_large(&set);
	}
}

/* Worst cases: the analysis ends, reports that it is not complete, and its findings are right. */
static void work_is_bounded(void **state)
{
	const uint32_t count = 30000;
	struct fg_rule_finding *findings;
	struct fg_rules set = {0};
	bool complete = true;
	uint32_t n;

	(void)state;
	make_large(&set, count);
	/* Ranges, each within the next. */
	for (uint32_t i = 0; i < count; i++) {
		set.matches[i].dst_port_min = (uint16_t)(count - i);
		set.matches[i].dst_port_max = (uint16_t)(count + i);
		set.rules[i + 1].sinks = 1 + i % 2;
	}
	n = analyse(&set, &findings, &complete);
	assert_int_equal(n, 0);
	assert_false(complete);
	/* Each entry tests another combination of bits. */
	for (uint32_t i = 0; i < count; i++) {
		struct fg_match *m = &set.matches[i];

		*m = (struct fg_match){.src_port_max = UINT16_MAX, .dst_port_max = UINT16_MAX};
		m->rule = i + 1;
		for (uint32_t bit = 0; bit < 128; bit++) {
			if (bit < i % 127)
				m->mask.src_ip[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
			if (bit < i / 127 % 127)
				m->mask.dst_ip[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		}
		m->mask.line = i / (127 * 127) != 0 ? 0xff : 0;
	}
	n = analyse(&set, &findings, &complete);
	assert_true(n > 0 && findings[0].kind == FG_FINDING_SHADOWED);
	for (uint32_t i = 0; i < n; i++)
		assert_true(findings[i].kind == FG_FINDING_SHADOWED &&
			    findings[i].by < findings[i].rule);
	free(findings);
	free_large(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_cases),       cmocka_unit_test(expressions),
		cmocka_unit_test(no_claim_is_false), cmocka_unit_test(groups),
		cmocka_unit_test(work_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Compares tables with expressions with libpcap's bpf_filter(). */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_classify.h>
#include <fg_meta.h>

#include "expr_cases.h"
#include "expr_frames.h"
#include "exprs.h"

#define RANDOM_EXPRESSIONS 250u
#define RANDOM_BURSTS      60u
#define SEGMENT_BYTES      2048u

struct checked {
	const char *text;
	struct bpf_program program;
	struct fg_expr *expr;
	struct fg_table *tables[EXPRS_RUNNERS];
};

static struct rte_mempool *pool;
static struct checked *checks;
static uint32_t n_checks;
static char *random_texts[RANDOM_EXPRESSIONS];
static uint64_t tested_count, accepted_count;

static struct fg_match match_with(const struct fg_expr *expr, uint32_t rule)
{
	const struct conditions anything = no_conditions(rule);
	struct fg_match match = match_of(&anything);

	match.expr = expr;
	return match;
}

static struct fg_table *build(const char *engine, const struct fg_match *matches, uint32_t count)
{
	const struct fg_table_conf conf = {.socket_id = SOCKET_ID_ANY, .engine = engine};
	struct fg_table *table = NULL;
	struct fg_error error = {0};

	if (fg_table_build(&conf, matches, count, &table, &error) != 0)
		fail_msg("%s", error.text);
	return table;
}

static void add_checked(const char *text)
{
	struct checked *c = &checks[n_checks++];
	struct fg_match match;

	c->text = text;
	if (!compile(text, &c->program))
		fail_msg("libpcap does not take '%s'", text);
	c->expr = expr_of(text);
	match = match_with(c->expr, 1);
	for (unsigned int runner = 0; runner < EXPRS_RUNNERS; runner++) {
		exprs_limit(runner);
		c->tables[runner] = build("linear", &match, 1);
	}
	exprs_limit(EXPRS_JIT);
}

/* feedgate and libpcap accept the same texts; of the random ones, libpcap decides. */
static void add_random(void)
{
	uint32_t n = 0, tried = 0;

	random_state = 42;
	while (n < RANDOM_EXPRESSIONS) {
		struct text text;
		struct bpf_program program;
		struct fg_expr *expr = NULL;
		struct fg_error error = {0};
		bool theirs, ours;

		tried++;
		make_expression(&text);
		theirs = compile(text.at, &program);
		if (theirs)
			pcap_freecode(&program);
		ours = fg_expr_compile(text.at, &expr, &error) == 0;
		fg_expr_free(expr);
		if (ours != theirs && strstr(error.text, "at most") == NULL)
			fail_msg("'%s': %s", text.at, error.text);
		if (!ours)
			continue;
		random_texts[n] = strdup(text.at);
		add_checked(random_texts[n++]);
	}
	print_message("%u random expressions, %u tried\n", n, tried);
}

static uint32_t runs_by(const struct fg_expr *expr, enum exprs_runner runner)
{
	const struct fg_match match = match_with(expr, 1);
	struct exprs *exprs = NULL;
	struct fg_error error = {0};
	uint32_t count;

	assert_int_equal(exprs_build(&match, 1, &exprs, &error), 0);
	assert_int_equal(exprs_count(exprs), 1);
	count = exprs_run_by(exprs, runner);
	exprs_free(exprs);
	return count;
}

static int make_tables(void **state)
{
	uint32_t by[EXPRS_RUNNERS] = {0};

	(void)state;
	checks = calloc(RTE_DIM(accepted) + RANDOM_EXPRESSIONS, sizeof(*checks));
	assert_non_null(checks);
	for (size_t i = 0; i < RTE_DIM(accepted); i++)
		add_checked(accepted[i]);
	add_random();
	for (uint32_t i = 0; i < n_checks; i++)
		for (unsigned int runner = 0; runner < EXPRS_RUNNERS; runner++) {
			by[runner] += runs_by(checks[i].expr, runner);
			if (runner == EXPRS_LIBPCAP && i < RTE_DIM(accepted) &&
			    runs_by(checks[i].expr, runner) > 0)
				print_message("libpcap runs: %s\n", checks[i].text);
		}
	print_message("%u expressions: JIT %u, libpcap %u\n", n_checks, by[EXPRS_JIT],
		      by[EXPRS_LIBPCAP]);
#ifdef RTE_ARCH_X86_64
	assert_true(by[EXPRS_JIT] > n_checks / 2); /* With fewer, this tests little. */
#endif
	return 0;
}

static int free_tables(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < n_checks; i++) {
		for (unsigned int runner = 0; runner < EXPRS_RUNNERS; runner++)
			fg_table_free(checks[i].tables[runner]);
		fg_expr_free(checks[i].expr);
		pcap_freecode(&checks[i].program);
	}
	for (uint32_t i = 0; i < RANDOM_EXPRESSIONS; i++)
		free(random_texts[i]);
	free(checks);
	return 0;
}

/* @p data in one segment if possible, else in several of random lengths, 0 included. */
static struct rte_mbuf *mbuf_of(const uint8_t *data, uint32_t length, bool split)
{
	struct rte_mbuf *first = rte_pktmbuf_alloc(pool), *last = first;
	uint32_t segments = 1;

	assert_non_null(first);
	for (uint32_t done = 0; done < length;) {
		const uint32_t room = split && segments < 20 ? random_below(40) : SEGMENT_BYTES;
		const uint32_t bytes = RTE_MIN(room, length - done);

		memcpy(rte_pktmbuf_mtod(last, uint8_t *), data + done, bytes);
		last->data_len = (uint16_t)bytes;
		done += bytes;
		if (done == length)
			break;
		last->next = rte_pktmbuf_alloc(pool);
		assert_non_null(last->next);
		last = last->next;
		segments++;
	}
	first->nb_segs = (uint16_t)segments;
	first->pkt_len = length;
	return first;
}

static void print_frame(const uint8_t *data, uint32_t length)
{
	for (uint32_t i = 0; i < length && i < 128; i++)
		print_message("%02x", data[i]);
	print_message(" (%u bytes)\n", length);
}

/* A burst of frames. */
struct burst {
	uint32_t count;
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint8_t *data[FG_BURST_MAX];
	uint32_t length[FG_BURST_MAX];
};

static struct burst burst;

static void check(const struct checked *c, enum exprs_runner runner)
{
	static const struct fg_key keys[FG_BURST_MAX];
	uint32_t rules[FG_BURST_MAX];

	fg_table_lookup(c->tables[runner], keys, burst.pkts, rules, burst.count);
	for (uint32_t i = 0; i < burst.count; i++) {
		const bool expected = bpf_filter(c->program.bf_insns, burst.data[i],
						 burst.length[i], burst.length[i]) != 0;

		tested_count++;
		accepted_count += expected;
		if (rules[i] == expected)
			continue;
		print_frame(burst.data[i], burst.length[i]);
		fail_msg("'%s': %u instead of %u by runner %u, %u segments", c->text, rules[i],
			 expected, runner, burst.pkts[i]->nb_segs);
	}
}

static void check_burst(void)
{
	if (burst.count == 0)
		return;
	for (uint32_t i = 0; i < n_checks; i++)
		for (unsigned int runner = 0; runner < EXPRS_RUNNERS; runner++)
			check(&checks[i], runner);
	for (uint32_t i = 0; i < burst.count; i++) {
		rte_pktmbuf_free(burst.pkts[i]);
		free(burst.data[i]);
	}
	burst.count = 0;
}

static void add_frame(const uint8_t *data, uint32_t length)
{
	burst.data[burst.count] = malloc(length + 1);
	assert_non_null(burst.data[burst.count]);
	memcpy(burst.data[burst.count], data, length);
	burst.length[burst.count] = length;
	burst.pkts[burst.count] = mbuf_of(data, length, one_in(3));
	if (++burst.count == FG_BURST_MAX)
		check_burst();
}

static void random_frames(void **state)
{
	(void)state;
	random_state = 4711;
	tested_count = accepted_count = 0;
	for (uint32_t i = 0; i < RANDOM_BURSTS * FG_BURST_MAX; i++) {
		struct frame frame;

		make_frame(&frame);
		add_frame(frame.data, frame.length);
	}
	check_burst();
	print_message("%" PRIu64 " tests, %" PRIu64 " accepted\n", tested_count, accepted_count);
	assert_true(accepted_count > tested_count / 20);
}

/* A frame that many expressions accept, truncated to each length. */
static void cut_frames(void **state)
{
	struct frame frame = {0};

	(void)state;
	random_state = 99;
	add_be(&frame, 0x0a0000, 6);
	add_be(&frame, 0x020000000001, 6);
	add_be(&frame, 0x0800, 2);
	add_be(&frame, UINT64_C(0x4500004000010000), 8);
	add_be(&frame, 0x40110000, 4);
	add_be(&frame, 0x0a000001ef010203, 8);
	add_be(&frame, 0x0400676d00200000, 8);
	add_be(&frame, 0x4d4f4c4400000001, 8);
	for (uint32_t length = 0; length <= frame.length; length++)
		add_frame(frame.data, length);
	check_burst();
}

static uint32_t files, packets;

static int add_capture(const char *path, const struct stat *about, int type, struct FTW *level)
{
	char reason[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	const u_char *data;
	pcap_t *pcap;

	(void)about, (void)level;
	if (type != FTW_F || (pcap = pcap_open_offline(path, reason)) == NULL)
		return 0;
	files++;
	while (pcap_next_ex(pcap, &head, &data) == 1)
		if (head->caplen <= UINT16_MAX) {
			add_frame(data, head->caplen);
			packets++;
		}
	pcap_close(pcap);
	return 0;
}

static void captured_frames(void **state)
{
	const char *data = getenv("FG_TEST_DATA");

	(void)state;
	if (data == NULL) {
		print_message("FG_TEST_DATA names no folder: its captures are skipped\n");
		skip();
	}
	random_state = 1;
	tested_count = accepted_count = 0;
	nftw(data, add_capture, 16, FTW_PHYS);
	check_burst();
	print_message("%u files, %u packets: %" PRIu64 " tests, %" PRIu64 " accepted\n", files,
		      packets, tested_count, accepted_count);
	assert_true(packets > 1000);
}

/* --- tables of entries with and without expressions --- */

struct mixed {
	struct conditions conditions[64];
	const struct checked *expr[64]; /* NULL: none */
	struct fg_match matches[64];
	uint32_t count;
};

static void make_mixture(struct mixed *mixed)
{
	mixed->count = 1 + random_below(64);
	for (uint32_t i = 0; i < mixed->count; i++) {
		struct conditions *w = &mixed->conditions[i];

		*w = no_conditions(1 + random_below(2 * mixed->count));
		if (one_in(2))
			require(w, PROTOCOL, PICK(6, 17));
		if (one_in(2))
			require_prefix(w, DST_IP, (number)0xef010203 << 96, random_below(33));
		if (one_in(4)) {
			require(w, L4, 17);
			w->range[DST_PORT] = (struct range){random_below(1024), 26477};
		}
		if (one_in(4))
			w->range[SRC_PORT] = (struct range){53, PICK(53, 80, 65535)};
		if (one_in(6))
			require(w, OUTER, PICK(100, 200));
		if (one_in(6))
			require(w, SRC_MAC, PICK(1, 2));
		if (one_in(6))
			require(w, SOURCE, random_below(3));
		mixed->expr[i] = one_in(2) ? &checks[random_below(n_checks)] : NULL;
		mixed->matches[i] = match_of(w);
		if (mixed->expr[i] != NULL)
			mixed->matches[i].expr = mixed->expr[i]->expr;
	}
}

static struct packet some_packet(void)
{
	struct packet packet = {0};

	packet.value[PROTOCOL] = packet.value[L4] = PICK(6, 17);
	packet.value[FAMILY] = FG_FAMILY_IPV4;
	packet.value[DST_IP] = ((number)0xef010203 ^ (number)1 << random_below(32)) << 96;
	packet.value[SRC_PORT] = PICK(52, 53, 80, 81, 65535);
	packet.value[DST_PORT] = PICK(0, 500, 1023, 26477, 26478);
	packet.value[OUTER] = PICK(100, 200, 0xffff);
	packet.value[SRC_MAC] = PICK(1, 2, 3);
	packet.value[SOURCE] = random_below(3);
	return packet;
}

/* The reference: the lowest rule of all entries that match. */
static uint32_t expected_of(const struct mixed *mixed, const struct packet *packet,
			    const struct frame *frame)
{
	uint32_t lowest = 0;

	for (uint32_t i = 0; i < mixed->count; i++) {
		const struct checked *expr = mixed->expr[i];

		if (satisfies(packet, &mixed->conditions[i]) &&
		    (expr == NULL || bpf_filter(expr->program.bf_insns, frame->data, frame->length,
						frame->length) != 0) &&
		    (lowest == 0 || mixed->conditions[i].rule < lowest))
			lowest = mixed->conditions[i].rule;
	}
	return lowest;
}

static void check_mixed(const struct mixed *mixed, const char *engine)
{
	struct fg_table *table = build(engine, mixed->matches, mixed->count);
	struct fg_key keys[FG_BURST_MAX];
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint32_t expected[FG_BURST_MAX], rules[FG_BURST_MAX];

	for (uint32_t i = 0; i < FG_BURST_MAX; i++) {
		const struct packet packet = some_packet();
		struct frame frame;

		make_frame(&frame);
		keys[i] = key_of(&packet, (uint16_t)random_word());
		pkts[i] = mbuf_of(frame.data, frame.length, one_in(4));
		expected[i] = expected_of(mixed, &packet, &frame);
	}
	fg_table_lookup(table, keys, pkts, rules, FG_BURST_MAX);
	assert_memory_equal(rules, expected, sizeof(rules));
	for (uint32_t i = 0; i < mixed->count; i++)
		assert_int_equal(fg_table_tier(table, i) == FG_TIER_EXPRESSION,
				 mixed->expr[i] != NULL);
	rte_pktmbuf_free_bulk(pkts, FG_BURST_MAX);
	fg_table_free(table);
}

static void first_in_order_wins(void **state)
{
	struct mixed *mixed = malloc(sizeof(*mixed));

	(void)state;
	assert_non_null(mixed);
	random_state = 2026;
	for (unsigned int round = 0; round < 150; round++) {
		make_mixture(mixed);
		exprs_limit(round % EXPRS_RUNNERS);
		for (const char *const *engine = fg_table_engines; *engine != NULL; engine++)
			check_mixed(mixed, *engine);
	}
	exprs_limit(EXPRS_JIT);
	free(mixed);
}

/* If no program can run, the packet is not read. */
static void programs_run_only_where_they_may_win(void **state)
{
	static const struct fg_key keys[2] = {{.protocol = 17}, {.protocol = 6}};
	struct fg_expr *expr = expr_of("len >= 0 and ether[0] >= 0");
	struct rte_mbuf *none[2] = {NULL, NULL};
	struct conditions udp = no_conditions(2), icmp = no_conditions(1);
	struct fg_match matches[4];
	uint32_t rules[2];

	(void)state;
	require(&udp, PROTOCOL, 17);
	require(&icmp, PROTOCOL, 1);
	matches[0] = match_of(&icmp); /* a lower rule, but for other packets */
	matches[0].expr = expr;
	matches[1] = match_of(&udp);
	matches[2] = match_with(expr, 3);
	matches[2].value.protocol = 17;
	matches[2].mask.protocol = 0xff;
	matches[3] = match_with(expr, 2); /* the same rule: its program need not run */
	matches[3].value.protocol = 17;
	matches[3].mask.protocol = 0xff;
	for (unsigned int runner = 0; runner < EXPRS_RUNNERS; runner++) {
		exprs_limit(runner);
		for (const char *const *engine = fg_table_engines; *engine != NULL; engine++) {
			struct fg_table *table = build(*engine, matches, 4);

			fg_table_lookup(table, keys, none, rules, 2);
			assert_int_equal(rules[0], 2);
			assert_int_equal(rules[1], FG_RULE_NONE);
			fg_table_free(table);
		}
	}
	exprs_limit(EXPRS_JIT);
	fg_expr_free(expr);
}

static void expect_refusal(const struct fg_match *matches, uint32_t count, const char *reason)
{
	const struct fg_table_conf conf = {.socket_id = SOCKET_ID_ANY, .engine = "linear"};
	struct fg_table *table = NULL;
	struct fg_error error = {0};

	assert_int_equal(fg_table_build(&conf, matches, count, &table, &error), -E2BIG);
	assert_null(table);
	assert_string_equal(error.text, reason);
}

static void as_many_as_fit(void **state)
{
	struct fg_match *matches = calloc(FG_EXPR_MATCHES_MAX + 1, sizeof(*matches));
	struct fg_expr *exprs[FG_EXPRS_MAX + 1];
	struct exprs *built = NULL;
	struct fg_error error = {0};

	(void)state;
	assert_non_null(matches);
	for (uint32_t i = 0; i <= FG_EXPRS_MAX; i++) {
		char text[32];

		snprintf(text, sizeof(text), "udp port %u", i);
		exprs[i] = expr_of(text);
	}
	for (uint32_t i = 0; i <= FG_EXPR_MATCHES_MAX; i++)
		matches[i] = match_with(exprs[i % FG_EXPRS_MAX], i + 1);
	assert_int_equal(exprs_build(matches, FG_EXPR_MATCHES_MAX, &built, &error), 0);
	assert_int_equal(exprs_count(built), FG_EXPRS_MAX);
	exprs_free(built);
	expect_refusal(matches, FG_EXPR_MATCHES_MAX + 1,
		       "16385 rule entries with an expression: at most 16384 fit a table");
	matches[0].expr = exprs[FG_EXPRS_MAX];
	expect_refusal(matches, FG_EXPR_MATCHES_MAX, "1025 expressions: at most 1024 fit a table");
	for (uint32_t i = 0; i <= FG_EXPRS_MAX; i++)
		fg_expr_free(exprs[i]);
	free(matches);
}

int main(void)
{
	static char *eal_args[] = {"test_exprs",     "--no-huge",   "-m", "512", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_frames),
		cmocka_unit_test(cut_frames),
		cmocka_unit_test(captured_frames),
		cmocka_unit_test(first_in_order_wins),
		cmocka_unit_test(programs_run_only_where_they_may_win),
		cmocka_unit_test(as_many_as_fit),
	};
	int failed;

	if (rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("frames", 4096, 0, 0, RTE_PKTMBUF_HEADROOM + SEGMENT_BYTES,
				       SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	failed = cmocka_run_group_tests_name("exprs", tests, make_tables, free_tables);
	rte_eal_cleanup();
	return failed;
}

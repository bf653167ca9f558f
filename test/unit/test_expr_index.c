/* SPDX-License-Identifier: MIT */
/* The index of expressions, compared with libpcap's interpreter, which runs all of them. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>

#include "expr_cases.h"
#include "expr_frames.h"
#include "expr_index.h"
#include "needs.h"

#define PROGRAMS   700u
#define FRAMES     (1u << 13)
#define TEXT_BYTES 256u

static struct bpf_program programs[FG_EXPRS_MAX];
static const struct bpf_program *pointers[FG_EXPRS_MAX];
static uint32_t n_programs;

static void add(const char *text)
{
	if (!compile(text, &programs[n_programs]))
		fail_msg("libpcap does not take '%s'", text);
	pointers[n_programs] = &programs[n_programs];
	n_programs++;
}

static void add_formatted(const char *format, uint32_t a, uint32_t b)
{
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text), format, a, b);
	add(text);
}

/* Expressions as rules have them, with the addresses and ports of the frames among others. */
static void add_one_of_many(void)
{
	const uint32_t ip = (uint32_t)some_ipv4() ^ (one_in(2) ? random_below(4) : 0);
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text),
		 ONE_OF("host %u.%u.%u.%u", "src host %u.%u.%u.%u and udp",
			"not host %u.%u.%u.%u and tcp", "host %u.%u.%u.%u or 10.0.0.1 or port 53",
			"dst host %u.%u.%u.%u and not port 80", "ip[12:4] - 1 = %u.%u.%u.%u or arp",
			"vlan and dst host %u.%u.%u.%u", "ip host %u.%u.%u.%u and udp[8:4] > 7"),
		 ip >> 24, ip >> 16 & 0xff, ip >> 8 & 0xff, ip & 0xff);
	if (strstr(text, "ip[12:4]") != NULL)
		snprintf(text, sizeof(text), "ip[12:4] - 1 = %u or arp", ip);
	add(text);
	add_formatted(ONE_OF("port %u", "udp dst port %u", "tcp src port %u or udp port %u",
			     "udp[2:2] + 1 = %u", "udp[0:2] & 0xfff = %u",
			     "dst port %u and udp[8] = %u", "not (udp port %u)",
			     "dst port %u or vlan and dst port %u", "udp[2:2] = %u and ip[8] = %u",
			     "tcp[4 + 2 - 6:2] = %u", "ip[((ip[0] & 0xf) << 2):2] = %u",
			     "ip6[40:2] = %u or ether[12:2] & 0xff00 = %u"),
		      some_port(), some_port());
}

static int make_programs(void **state)
{
	(void)state;
	random_state = 12;
	for (size_t i = 0; i < RTE_DIM(accepted); i++)
		add(accepted[i]);
	for (unsigned int i = 0; i < 150; i++) {
		struct text text;
		struct bpf_program program;

		make_expression(&text);
		if (!compile(text.at, &program))
			continue;
		pcap_freecode(&program);
		add(text.at);
	}
	while (n_programs + 2 <= PROGRAMS)
		add_one_of_many();
	return 0;
}

static int free_programs(void **state)
{
	(void)state;
	while (n_programs > 0)
		pcap_freecode(&programs[--n_programs]);
	return 0;
}

static struct expr_index *index_of(const struct bpf_program *const *some, uint32_t count)
{
	struct expr_index *index = NULL;

	assert_int_equal(expr_index_build(some, count, &index), 0);
	assert_non_null(index);
	return index;
}

struct tally {
	uint64_t tests, accepted, candidates;
};

static void check_frame(const struct expr_index *index, const uint8_t *data, uint32_t length,
			struct tally *tally)
{
	uint64_t set[FG_EXPRS_MAX / 64];
	uint8_t *copy = malloc(length + 1); /* so that the sanitizer sees its end */

	assert_non_null(copy);
	memcpy(copy, data, length);
	copy = realloc(copy, length > 0 ? length : 1);
	expr_index_find(index, copy, length, set);
	for (uint32_t i = 0; i < n_programs; i++) {
		const bool accepts = bpf_filter(programs[i].bf_insns, copy, length, length) != 0;
		const bool is_candidate = (set[i / 64] >> i % 64 & 1) != 0;

		tally->tests++;
		tally->accepted += accepts;
		tally->candidates += is_candidate;
		if (accepts && !is_candidate)
			fail_msg("program %u accepts a frame of %u bytes, but is no candidate", i,
				 length);
	}
	free(copy);
}

/* No expression that accepts a frame is left out. */
static void none_is_missed(void **state)
{
	struct expr_index *index = index_of(pointers, n_programs);
	struct tally tally = {0};

	(void)state;
	random_state = 4711;
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct frame frame;

		make_frame(&frame);
		check_frame(index, frame.data, frame.length, &tally);
	}
	print_message("%" PRIu64 " tests, %" PRIu64 " accepted, %" PRIu64 " candidates\n",
		      tally.tests, tally.accepted, tally.candidates);
	assert_true(tally.accepted > tally.tests / 50);
	assert_true(tally.candidates < tally.tests / 3); /* Else it is of little use. */
	expr_index_free(index);
}

/* A frame that many expressions accept, cut to each length. */
static void cut_frames(void **state)
{
	struct expr_index *index = index_of(pointers, n_programs);
	struct tally tally = {0};
	struct frame frame;

	(void)state;
	random_state = 5;
	for (unsigned int round = 0; round < 20; round++) {
		frame.length = 0;
		make_shaped(&frame);
		for (uint32_t length = 0; length <= frame.length && length < 90; length++)
			check_frame(index, frame.data, length, &tally);
	}
	expr_index_free(index);
}

/* The longest run of @p program from @p at on, by trying all of them. */
static uint32_t steps_from(const struct bpf_program *program, uint32_t at)
{
	const struct bpf_insn *insn = &program->bf_insns[at];
	uint32_t a, b;

	if (BPF_CLASS(insn->code) == BPF_RET)
		return 1;
	if (BPF_CLASS(insn->code) != BPF_JMP)
		return 1 + steps_from(program, at + 1);
	if (BPF_OP(insn->code) == BPF_JA)
		return 1 + steps_from(program, at + 1 + insn->k);
	a = steps_from(program, at + 1 + insn->jt);
	b = steps_from(program, at + 1 + insn->jf);
	return 1 + RTE_MAX(a, b);
}

static void longest_runs(void **state)
{
	static const char *const texts[] = {"udp",           "port 53",
					    "host 10.0.0.1", "udp[8] = 1",
					    "vlan and ip6",  "not (tcp or udp[8:4] & 3 = 1)"};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(texts); i++) {
		struct bpf_program program;
		uint32_t room[200];

		assert_true(compile(texts[i], &program));
		assert_true(program.bf_len <= RTE_DIM(room));
		assert_int_equal(needs_longest_run(&program, room), steps_from(&program, 0));
		pcap_freecode(&program);
	}
}

/* Index @p count expressions of one kind; @return what a frame may cost. */
static struct expr_bound bound_of(const char *format, uint32_t count)
{
	struct bpf_program some[FG_EXPRS_MAX];
	const struct bpf_program *at[FG_EXPRS_MAX];
	uint32_t steps[FG_EXPRS_MAX];
	struct expr_index *index;
	struct expr_bound bound;

	for (uint32_t i = 0; i < count; i++) {
		char text[TEXT_BYTES];

		snprintf(text, sizeof(text), format, i, i);
		assert_true(compile(text, &some[i]));
		at[i] = &some[i];
		steps[i] = 10;
	}
	index = index_of(at, count);
	bound = expr_index_bound(index, steps);
	expr_index_free(index);
	for (uint32_t i = 0; i < count; i++)
		pcap_freecode(&some[i]);
	return bound;
}

/* A frame has one value in a field: so many of these can accept it. */
static void bounds(void **state)
{
	static const struct {
		const char *format;
		uint32_t programs;
	} cases[] = {
		{"udp dst port %u", 2}, /* over IPv4, over IPv6 */
		{"dst port %u and ip", 2},
		{"udp[8:4] = %u", 1},
		{"udp[8:4] & 0xffff = %u and host 10.0.0.1", 1},
		{"src host 10.0.0.%u", 3}, /* IPv4, ARP, RARP */
		{"ip src 10.0.0.%u and udp dst port %u", 1},
		{"udp and len > %u", 256}, /* nothing to look up but UDP */
		{"len > %u", 256},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const struct expr_bound bound = bound_of(cases[i].format, 256);

		print_message("%s: %u\n", cases[i].format, bound.programs);
		assert_true(bound.programs <= cases[i].programs);
		assert_true(bound.programs > 0);
		assert_int_equal(bound.instructions, 10 * bound.programs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_missed),
		cmocka_unit_test(cut_frames),
		cmocka_unit_test(longest_runs),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("expr_index", tests, make_programs, free_programs);
}

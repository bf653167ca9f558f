/* SPDX-License-Identifier: MIT */
#include "exprs.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bpf.h>
#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_mbuf.h>

#include "code.h"
#include "ebpf.h"
#include "expr.h"
#include "needs.h"

#define WORDS (sizeof(struct fg_key) / sizeof(uint64_t))

/* No source accepts a longer frame. */
#define FRAME_BYTES_MAX UINT16_MAX

/* Fewer programs run one after another. */
#define INDEXED_MIN 16u

struct program {
	uint64_t (*jit)(void *mbuf); /* NULL: libpcap interprets it */
	const struct fg_expr *expr;
	uint32_t first_rule;
	uint32_t first_entry, n_entries;
	struct rte_bpf *bpf; /* owns jit; NULL: exprs.code does */
	const void *packed;  /* its place in exprs.code */
};

/* Value and mask take one cache line each, all the rest a third one. */
struct entry {
	alignas(RTE_CACHE_LINE_MIN_SIZE) uint64_t value[WORDS];
	uint64_t mask[WORDS];
	uint32_t rule;
	uint32_t program;
	uint16_t src_port_min, src_port_span; /* span: maximum less minimum */
	uint16_t dst_port_min, dst_port_span;
};

static_assert(offsetof(struct entry, mask) == 64 && offsetof(struct entry, rule) == 128 &&
		      sizeof(struct entry) == 192,
	      "an entry is three cache lines");

struct exprs {
	uint32_t n_programs, n_entries;
	struct program *programs; /* by first rule */
	struct entry *entries;    /* by program, then by rule */
	struct expr_index *index; /* NULL: any program may accept a frame */
	struct code code;
	struct expr_bound bound;
};

static enum exprs_runner best_runner = EXPRS_JIT;

void exprs_limit(enum exprs_runner best)
{
	best_runner = best;
}

/* libpcap runs what DPDK cannot, so this does not fail. */
static void load_program(struct program *program)
{
	if (best_runner == EXPRS_JIT)
		program->jit = ebpf_load(&program->expr->program, &program->bpf);
}

/* Move the machine code from DPDK's pages to adjacent ones, if the system gives them. */
static void pack_code(struct exprs *exprs)
{
	struct rte_bpf_jit jit;
	size_t bytes = 0;

	for (uint32_t i = 0; i < exprs->n_programs; i++)
		if (rte_bpf_get_jit(exprs->programs[i].bpf, &jit) == 0)
			bytes += code_room(jit.sz);
	if (bytes == 0 || !code_open(&exprs->code, bytes))
		return;
	for (uint32_t i = 0; i < exprs->n_programs; i++)
		if (rte_bpf_get_jit(exprs->programs[i].bpf, &jit) == 0)
			exprs->programs[i].packed =
				code_add(&exprs->code, (const void *)jit.func, jit.sz);
	if (!code_seal(&exprs->code)) {
		code_close(&exprs->code);
		return;
	}
	for (uint32_t i = 0; i < exprs->n_programs; i++) {
		struct program *program = &exprs->programs[i];

		if (program->bpf == NULL)
			continue;
		memcpy(&program->jit, &program->packed, sizeof(program->jit));
		rte_bpf_destroy(program->bpf);
		program->bpf = NULL;
	}
}

/* Expressions with the same program are one. */
static int compare_programs(const void *a, const void *b)
{
	const struct fg_expr *const *left = a, *const *right = b;
	const struct bpf_program *l = &(*left)->program, *r = &(*right)->program;

	if (l->bf_len != r->bf_len)
		return l->bf_len < r->bf_len ? -1 : 1;
	return memcmp(l->bf_insns, r->bf_insns, l->bf_len * sizeof(*l->bf_insns));
}

static int compare_first_rules(const void *a, const void *b)
{
	const struct program *left = a, *right = b;

	if (left->first_rule != right->first_rule)
		return left->first_rule < right->first_rule ? -1 : 1;
	return (left->first_entry > right->first_entry) - (left->first_entry < right->first_entry);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->program != right->program)
		return left->program < right->program ? -1 : 1;
	return (left->rule > right->rule) - (left->rule < right->rule);
}

static void make_entry(const struct fg_match *match, uint32_t program, struct entry *entry)
{
	memcpy(entry->value, &match->value, sizeof(entry->value));
	memcpy(entry->mask, &match->mask, sizeof(entry->mask));
	entry->rule = match->rule;
	entry->program = program;
	entry->src_port_min = match->src_port_min;
	entry->src_port_span = (uint16_t)(match->src_port_max - match->src_port_min);
	entry->dst_port_min = match->dst_port_min;
	entry->dst_port_span = (uint16_t)(match->dst_port_max - match->dst_port_min);
}

/* Put the distinct expressions of @p matches into @p found, in order. @return their number. */
static uint32_t find_programs(const struct fg_match *matches, uint32_t count,
			      const struct fg_expr **found)
{
	uint32_t n = 0, distinct = 0;

	for (uint32_t i = 0; i < count; i++)
		if (matches[i].expr != NULL)
			found[n++] = matches[i].expr;
	qsort(found, n, sizeof(*found), compare_programs);
	for (uint32_t i = 0; i < n; i++)
		if (distinct == 0 || compare_programs(&found[distinct - 1], &found[i]) != 0)
			found[distinct++] = found[i];
	return distinct;
}

/* Sort the programs by first rule, and number the entries' programs anew. */
static void sort_programs(struct exprs *exprs)
{
	uint32_t place[FG_EXPRS_MAX];

	for (uint32_t i = 0; i < exprs->n_programs; i++)
		exprs->programs[i].first_entry = i; /* the old number, for a while */
	qsort(exprs->programs, exprs->n_programs, sizeof(*exprs->programs), compare_first_rules);
	for (uint32_t i = 0; i < exprs->n_programs; i++)
		place[exprs->programs[i].first_entry] = i;
	for (uint32_t i = 0; i < exprs->n_entries; i++)
		exprs->entries[i].program = place[exprs->entries[i].program];
	qsort(exprs->entries, exprs->n_entries, sizeof(*exprs->entries), compare_entries);
	for (uint32_t i = exprs->n_entries; i-- > 0;) {
		struct program *program = &exprs->programs[exprs->entries[i].program];

		program->first_entry = i;
		program->n_entries++;
	}
}

static void fill(struct exprs *exprs, const struct fg_match *matches, uint32_t count,
		 const struct fg_expr **found)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < exprs->n_programs; i++)
		exprs->programs[i] =
			(struct program){.expr = found[i], .first_rule = FG_MATCH_RULE_MAX};
	for (uint32_t i = 0; i < count; i++) {
		const struct fg_expr **at;
		struct program *program;

		if (matches[i].expr == NULL)
			continue;
		at = bsearch(&matches[i].expr, found, exprs->n_programs, sizeof(*found),
			     compare_programs);
		program = &exprs->programs[at - found];
		if (program->first_rule > matches[i].rule)
			program->first_rule = matches[i].rule;
		make_entry(&matches[i], (uint32_t)(at - found), &exprs->entries[n++]);
	}
	sort_programs(exprs);
	for (uint32_t i = 0; i < exprs->n_programs; i++)
		load_program(&exprs->programs[i]);
	pack_code(exprs);
}

/* Without an index, all programs run. 0 or -ENOMEM. */
static int add_index(struct exprs *exprs)
{
	const struct bpf_program *programs[FG_EXPRS_MAX];
	uint32_t steps[FG_EXPRS_MAX];

	for (uint32_t i = 0; i < exprs->n_programs; i++) {
		const struct bpf_program *program = &exprs->programs[i].expr->program;
		uint32_t *longest = calloc(program->bf_len, sizeof(*longest));

		if (longest == NULL)
			return -ENOMEM;
		programs[i] = program;
		steps[i] = needs_longest_run(program, longest);
		exprs->bound.programs++;
		exprs->bound.instructions += steps[i];
		free(longest);
	}
	if (exprs->n_programs < INDEXED_MIN)
		return 0;
	switch (expr_index_build(programs, exprs->n_programs, &exprs->index)) {
	case 0:
		exprs->bound = expr_index_bound(exprs->index, steps);
		return 0;
	case -ENOMEM:
		return -ENOMEM;
	default:
		return 0;
	}
}

static int build(const struct fg_match *matches, uint32_t count, uint32_t n_entries,
		 const struct fg_expr **found, struct exprs **out, struct fg_error *error)
{
	const uint32_t n_programs = find_programs(matches, count, found);
	struct exprs *exprs;

	if (n_programs > FG_EXPRS_MAX)
		return fg_error_set(error, E2BIG, "%u expressions: at most %u fit a table",
				    n_programs, FG_EXPRS_MAX);
	exprs = calloc(1, sizeof(*exprs));
	if (exprs == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u expressions", n_programs);
	exprs->programs = calloc(n_programs, sizeof(*exprs->programs));
	exprs->entries = aligned_alloc(alignof(struct entry), n_entries * sizeof(*exprs->entries));
	if (exprs->programs == NULL || exprs->entries == NULL) {
		exprs_free(exprs);
		return fg_error_set(error, ENOMEM, "no memory for %u expressions", n_programs);
	}
	exprs->n_programs = n_programs;
	exprs->n_entries = n_entries;
	fill(exprs, matches, count, found);
	if (add_index(exprs) != 0) {
		exprs_free(exprs);
		return fg_error_set(error, ENOMEM, "no memory for %u expressions", n_programs);
	}
	*out = exprs;
	return 0;
}

int exprs_build(const struct fg_match *matches, uint32_t count, struct exprs **out,
		struct fg_error *error)
{
	const struct fg_expr **found;
	uint32_t n_entries = 0;
	int rc;

	for (uint32_t i = 0; i < count; i++)
		n_entries += matches[i].expr != NULL;
	if (n_entries == 0)
		return 0;
	if (n_entries > FG_EXPR_MATCHES_MAX)
		return fg_error_set(error, E2BIG,
				    "%u rule entries with an expression: at most %u fit a table",
				    n_entries, FG_EXPR_MATCHES_MAX);
	found = calloc(n_entries, sizeof(struct fg_expr *));
	if (found == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u rule entries", n_entries);
	rc = build(matches, count, n_entries, found, out, error);
	free(found);
	return rc;
}

void exprs_free(struct exprs *exprs)
{
	if (exprs == NULL)
		return;
	for (uint32_t i = 0; i < exprs->n_programs; i++)
		rte_bpf_destroy(exprs->programs[i].bpf);
	code_close(&exprs->code);
	expr_index_free(exprs->index);
	free(exprs->programs);
	free(exprs->entries);
	free(exprs);
}

uint32_t exprs_count(const struct exprs *exprs)
{
	return exprs != NULL ? exprs->n_programs : 0;
}

struct expr_bound exprs_bound(const struct exprs *exprs)
{
	return exprs != NULL ? exprs->bound : (struct expr_bound){0};
}

uint32_t exprs_run_by(const struct exprs *exprs, enum exprs_runner runner)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < exprs_count(exprs); i++)
		n += (exprs->programs[i].jit != NULL ? EXPRS_JIT : EXPRS_LIBPCAP) == runner;
	return n;
}

/* Packets of several segments are rare. libpcap reads one: copy the frame to the stack. */
static __rte_noinline bool run_on_segments(const struct fg_expr *expr, const struct rte_mbuf *pkt)
{
	const uint32_t length = RTE_MIN(pkt->pkt_len, (uint32_t)FRAME_BYTES_MAX);
	uint8_t frame[FRAME_BYTES_MAX];
	const void *data = rte_pktmbuf_read(pkt, 0, length, frame);

	return data != NULL && fg_expr_test(expr, data, length, pkt->pkt_len);
}

static bool run(const struct program *program, struct rte_mbuf *pkt)
{
	if (program->jit != NULL)
		return program->jit(pkt) != 0;
	if (pkt->nb_segs == 1)
		return fg_expr_test(program->expr, rte_pktmbuf_mtod(pkt, const uint8_t *),
				    pkt->data_len, pkt->pkt_len);
	return run_on_segments(program->expr, pkt);
}

static inline bool header_matches(const struct entry *entry, const uint64_t key[WORDS],
				  uint16_t src_port, uint16_t dst_port)
{
	uint64_t differs = 0;

	for (size_t i = 0; i < WORDS; i++)
		differs |= (key[i] & entry->mask[i]) ^ entry->value[i];
	return differs == 0 && (uint16_t)(src_port - entry->src_port_min) <= entry->src_port_span &&
	       (uint16_t)(dst_port - entry->dst_port_min) <= entry->dst_port_span;
}

/* A packet, as an entry's header fields see it. */
struct packet {
	struct rte_mbuf *pkt;
	uint64_t key[WORDS];
	uint16_t src_port, dst_port;
};

/* Run @p program if its first entry whose header fields match has a rule before @p rule. */
static uint32_t try_program(const struct exprs *exprs, const struct program *program,
			    const struct packet *packet, uint32_t rule)
{
	const struct entry *entry = &exprs->entries[program->first_entry];

	for (uint32_t i = 0; i < program->n_entries; i++, entry++) {
		/* FG_RULE_NONE is 0: less one it is the highest. */
		if (entry->rule - 1 >= rule - 1)
			return rule;
		if (header_matches(entry, packet->key, packet->src_port, packet->dst_port))
			return run(program, packet->pkt) ? entry->rule : rule;
	}
	return rule;
}

static uint32_t try_all(const struct exprs *exprs, const struct packet *packet, uint32_t rule)
{
	for (uint32_t i = 0; i < exprs->n_programs; i++) {
		if (exprs->programs[i].first_rule - 1 >= rule - 1)
			break;
		rule = try_program(exprs, &exprs->programs[i], packet, rule);
	}
	return rule;
}

static uint32_t try_candidates(const struct exprs *exprs, const struct packet *packet,
			       uint32_t rule)
{
	uint64_t set[FG_EXPRS_MAX / 64];

	expr_index_find(exprs->index, rte_pktmbuf_mtod(packet->pkt, const uint8_t *),
			packet->pkt->data_len, set);
	for (uint32_t word = 0; word * 64 < exprs->n_programs; word++)
		for (uint64_t left = set[word]; left != 0; left &= left - 1) {
			const struct program *program =
				&exprs->programs[word * 64 + (uint32_t)__builtin_ctzll(left)];

			if (program->first_rule - 1 >= rule - 1)
				return rule;
			rule = try_program(exprs, program, packet, rule);
		}
	return rule;
}

/* The rule of the first entry before @p rule that matches; @p rule if none does. */
static uint32_t lookup(const struct exprs *exprs, const struct fg_key *key, struct rte_mbuf *pkt,
		       uint32_t rule)
{
	struct packet packet = {
		.pkt = pkt,
		.src_port = rte_be_to_cpu_16(key->src_port_be),
		.dst_port = rte_be_to_cpu_16(key->dst_port_be),
	};

	if (exprs->programs[0].first_rule - 1 >= rule - 1)
		return rule; /* The frame need not be read. */
	memcpy(packet.key, key, sizeof(packet.key));
	if (exprs->index == NULL || pkt->nb_segs != 1)
		return try_all(exprs, &packet, rule);
	return try_candidates(exprs, &packet, rule);
}

void exprs_lookup(const struct exprs *exprs, const struct fg_key *keys,
		  struct rte_mbuf *const *pkts, uint32_t *rules, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		rules[i] = lookup(exprs, &keys[i], pkts[i], rules[i]);
}

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

#include "ebpf.h"
#include "expr.h"

#define WORDS (sizeof(struct fg_key) / sizeof(uint64_t))

/* No source accepts a longer frame. */
#define FRAME_BYTES_MAX UINT16_MAX

struct program {
	uint64_t (*jit)(void *mbuf); /* NULL: libpcap interprets it */
	struct rte_bpf *bpf;         /* owns jit */
	const struct fg_expr *expr;
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
	struct program *programs;
	struct entry *entries; /* by rule */
};

static enum exprs_runner best_runner = EXPRS_JIT;

void exprs_limit(enum exprs_runner best)
{
	best_runner = best;
}

/* libpcap runs what DPDK cannot, so this does not fail. */
static void load_program(const struct fg_expr *expr, struct program *program)
{
	*program = (struct program){.expr = expr};
	if (best_runner == EXPRS_JIT)
		program->jit = ebpf_load(&expr->program, &program->bpf);
}

static int compare_pointers(const void *a, const void *b)
{
	const uintptr_t left = *(const uintptr_t *)a, right = *(const uintptr_t *)b;

	return (left > right) - (left < right);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

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

/* Put the distinct expressions of @p matches into @p found, by address. @return their number. */
static uint32_t find_programs(const struct fg_match *matches, uint32_t count,
			      const struct fg_expr **found)
{
	uint32_t n = 0, distinct = 0;

	for (uint32_t i = 0; i < count; i++)
		if (matches[i].expr != NULL)
			found[n++] = matches[i].expr;
	qsort(found, n, sizeof(*found), compare_pointers);
	for (uint32_t i = 0; i < n; i++)
		if (distinct == 0 || found[distinct - 1] != found[i])
			found[distinct++] = found[i];
	return distinct;
}

static void fill(struct exprs *exprs, const struct fg_match *matches, uint32_t count,
		 const struct fg_expr **found)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < exprs->n_programs; i++)
		load_program(found[i], &exprs->programs[i]);
	for (uint32_t i = 0; i < count; i++) {
		const struct fg_expr **at;

		if (matches[i].expr == NULL)
			continue;
		at = bsearch(&matches[i].expr, found, exprs->n_programs, sizeof(*found),
			     compare_pointers);
		make_entry(&matches[i], (uint32_t)(at - found), &exprs->entries[n++]);
	}
	qsort(exprs->entries, exprs->n_entries, sizeof(*exprs->entries), compare_entries);
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
	free(exprs->programs);
	free(exprs->entries);
	free(exprs);
}

uint32_t exprs_count(const struct exprs *exprs)
{
	return exprs != NULL ? exprs->n_programs : 0;
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

/* The rule of the first entry before @p rule that matches; @p rule if none does. */
static uint32_t lookup(const struct exprs *exprs, const struct fg_key *key, struct rte_mbuf *pkt,
		       uint32_t rule)
{
	const uint16_t src_port = rte_be_to_cpu_16(key->src_port_be);
	const uint16_t dst_port = rte_be_to_cpu_16(key->dst_port_be);
	uint32_t refused_by = UINT32_MAX; /* a program; entries of one rule often share it */
	uint64_t words[WORDS];

	memcpy(words, key, sizeof(words));
	for (uint32_t i = 0; i < exprs->n_entries; i++) {
		const struct entry *entry = &exprs->entries[i];

		/* FG_RULE_NONE is 0: less one it is the highest. */
		if (entry->rule - 1 >= rule - 1)
			break;
		if (entry->program == refused_by ||
		    !header_matches(entry, words, src_port, dst_port))
			continue;
		if (run(&exprs->programs[entry->program], pkt))
			return entry->rule;
		refused_by = entry->program;
	}
	return rule;
}

void exprs_lookup(const struct exprs *exprs, const struct fg_key *keys,
		  struct rte_mbuf *const *pkts, uint32_t *rules, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		rules[i] = lookup(exprs, &keys[i], pkts[i], rules[i]);
}

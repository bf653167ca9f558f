/* SPDX-License-Identifier: MIT */
/* The expression tier: entries that want a program run on the packet. */
#ifndef CLASSIFY_EXPRS_H
#define CLASSIFY_EXPRS_H

#include <fg_classify.h>

struct exprs;

/* What runs a program, best first. */
enum exprs_runner {
	EXPRS_JIT,     /* machine code that DPDK made */
	EXPRS_LIBPCAP, /* libpcap's interpreter: where DPDK has no code, or none that is right;
			* it is faster than DPDK's own */
	EXPRS_RUNNERS,
};

/*
 * Load the programs of those of @p matches that have an expression. *out stays
 * NULL if none has. 0; -E2BIG if there are over FG_EXPRS_MAX of them, or over
 * FG_EXPR_MATCHES_MAX entries with one; -ENOMEM; with @p error.
 */
int exprs_build(const struct fg_match *matches, uint32_t count, struct exprs **out,
		struct fg_error *error);

/*
 * Better rules[i] where an entry with a lower rule matches. Hot. Programs run
 * only for packets that no better-placed rule has won.
 */
void exprs_lookup(const struct exprs *exprs, const struct fg_key *keys,
		  struct rte_mbuf *const *pkts, uint32_t *rules, unsigned int count);

/* Programs: entries with one expression share it. NULL: 0. */
uint32_t exprs_count(const struct exprs *exprs);

/* How many of them @p runner runs. NULL: 0. */
uint32_t exprs_run_by(const struct exprs *exprs, enum exprs_runner runner);

void exprs_free(struct exprs *exprs);

/* From the next build on use nothing better than @p best. For tests; EXPRS_JIT at the start. */
void exprs_limit(enum exprs_runner best);

#endif /* CLASSIFY_EXPRS_H */

/* SPDX-License-Identifier: MIT */
/* The tier of entries with an expression, whose program runs on the packet. */
#ifndef CLASSIFY_EXPRS_H
#define CLASSIFY_EXPRS_H

#include <fg_classify.h>

#include "expr_index.h"

struct exprs;

/* What runs a program, best first. */
enum exprs_runner {
	EXPRS_JIT,     /* machine code from DPDK */
	EXPRS_LIBPCAP, /* libpcap's interpreter, where DPDK makes no code or wrong code; it is
			* faster than DPDK's interpreter */
	EXPRS_RUNNERS,
};

/*
 * Load the expressions of @p matches. *out is not set if there are none. 0; -E2BIG
 * if there are over FG_EXPRS_MAX of them, or over FG_EXPR_MATCHES_MAX entries with
 * one; -ENOMEM; with @p error.
 */
int exprs_build(const struct fg_match *matches, uint32_t count, struct exprs **out,
		struct fg_error *error);

/*
 * Lower rules[i], set by the engine, where an entry of a lower rule matches. Hot.
 * A program runs only if its rule is lower than the one found so far, at most once for a
 * packet, and, if there are many, only if an index says that it may accept the packet.
 */
void exprs_lookup(const struct exprs *exprs, const struct fg_key *keys,
		  struct rte_mbuf *const *pkts, uint32_t *rules, unsigned int count);

/* The number of programs: entries with the same expression share one. NULL: 0. */
uint32_t exprs_count(const struct exprs *exprs);

/* The most that a packet may cost. NULL: nothing. */
struct expr_bound exprs_bound(const struct exprs *exprs);

/* How many of them @p runner runs. NULL: 0. */
uint32_t exprs_run_by(const struct exprs *exprs, enum exprs_runner runner);

void exprs_free(struct exprs *exprs);

/* For tests: later builds use @p best or what comes after it. EXPRS_JIT at the start. */
void exprs_limit(enum exprs_runner best);

#endif /* CLASSIFY_EXPRS_H */

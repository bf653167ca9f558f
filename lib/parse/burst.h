/* SPDX-License-Identifier: MIT */
/* Shared by the variants of fg_parse_burst(): burst.c, compiled for several instruction sets. */
#ifndef PARSE_BURST_H
#define PARSE_BURST_H

#include <stdint.h>

#include <fg_parse.h>

typedef uint16_t parse_burst_fn(const struct fg_parse *parse, struct rte_mbuf **pkts,
				uint16_t count, struct fg_key *keys, struct fg_lcore_stats *stats);

parse_burst_fn burst_scalar, burst_sse, burst_avx2;

#endif /* PARSE_BURST_H */

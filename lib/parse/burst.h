/* SPDX-License-Identifier: MIT */
/* Shared by the variants of fg_parse_burst(): burst.c, compiled for several instruction sets. */
#ifndef PARSE_BURST_H
#define PARSE_BURST_H

#include <stdint.h>
#include <string.h>

#include <fg_burst.h>
#include <fg_drop.h>
#include <fg_meta.h>
#include <fg_parse.h>

/* Packets of a burst that the parser drops. */
struct drops {
	uint16_t count;
	uint16_t reasons[FG_DROP_COUNT];
	struct rte_mbuf *pkts[FG_BURST_MAX];
};

static inline void drops_add(struct drops *drops, struct rte_mbuf *pkt, int reason)
{
	if (drops->count == 0)
		memset(drops->reasons, 0, sizeof(drops->reasons));
	drops->reasons[reason]++;
	drops->pkts[drops->count++] = pkt;
}

/* Count them by reason, and free them. */
void drops_settle(struct drops *drops, struct fg_lcore_stats *stats);

typedef uint16_t parse_burst_fn(const struct fg_parse *parse, struct rte_mbuf **pkts,
				uint16_t count, struct fg_key *keys, struct fg_lcore_stats *stats);

parse_burst_fn burst_scalar, burst_sse, burst_avx2;

#endif /* PARSE_BURST_H */

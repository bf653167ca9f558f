/* SPDX-License-Identifier: MIT */
/* What the forms of fg_parse_burst(), burst.c, share. */
#ifndef PARSE_BURST_H
#define PARSE_BURST_H

#include <stdint.h>
#include <string.h>

#include <fg_drop.h>
#include <fg_meta.h>
#include <fg_parse.h>

/* The packets of a burst that cannot go on. */
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

/* Count them and free them. */
void drops_settle(struct drops *drops, struct fg_lcore_stats *stats);

/* Read a packet of any shape. @return a reason to drop, or VERDICT_PASS. */
int parse_other(const struct fg_parse *parse, const struct rte_mbuf *pkt, struct fg_key *key);

typedef uint16_t parse_burst_fn(const struct fg_parse *parse, struct rte_mbuf **pkts,
				uint16_t count, struct fg_key *keys, struct fg_lcore_stats *stats);

parse_burst_fn burst_scalar, burst_sse, burst_avx2, burst_avx512;

#endif /* PARSE_BURST_H */

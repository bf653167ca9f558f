/* SPDX-License-Identifier: MIT */
/* Private to parse: packets of a burst that are dropped. */
#ifndef PARSE_DROPS_H
#define PARSE_DROPS_H

#include <stdint.h>
#include <string.h>

#include <fg_burst.h>
#include <fg_drop.h>

struct rte_mbuf;
struct fg_lcore_stats;

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

#endif /* PARSE_DROPS_H */

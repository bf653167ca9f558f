/* SPDX-License-Identifier: MIT */
/* What the subjects' bursts have in common. */
#ifndef CLASSIFY_BURST_H
#define CLASSIFY_BURST_H

#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

/* How many packets ahead the header, and before it the mbuf, is asked for: as parse does it. */
#define AHEAD_HEADER 4u
#define AHEAD_MBUF   8u

/* Ask for what the loop over @p pkts needs soon after turn @p i. */
static inline void prefetch_packets(struct rte_mbuf *const *pkts, unsigned int i,
				    unsigned int count)
{
	if (i == 0)
		for (unsigned int j = 0; j < AHEAD_HEADER && j < count; j++)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[j], const void *));
	if (i + AHEAD_MBUF < count)
		rte_prefetch0(pkts[i + AHEAD_MBUF]);
	if (i + AHEAD_HEADER < count)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i + AHEAD_HEADER], const void *));
}

static inline uint64_t sum_rules(const uint32_t *rules, unsigned int count)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += rules[i];
	return sum;
}

#endif /* CLASSIFY_BURST_H */

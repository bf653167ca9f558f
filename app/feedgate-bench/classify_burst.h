/* SPDX-License-Identifier: MIT */
/* Parts of the burst functions that subjects share. */
#ifndef CLASSIFY_BURST_H
#define CLASSIFY_BURST_H

#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

/* Prefetch the headers of the whole burst, as fg_source_rx() does. */
static inline void prefetch_headers(struct rte_mbuf *const *pkts, unsigned int count)
{
#pragma GCC unroll 4
	for (unsigned int i = 0; i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], const void *));
}

/* @return the sum, which is compared with that of the right rules. */
static inline uint64_t sum_rules(const uint32_t *rules, unsigned int count)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += rules[i];
	return sum;
}

#endif /* CLASSIFY_BURST_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Free packets.
 */
#ifndef FG_FREE_H
#define FG_FREE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

/**
 * Free packets, as rte_pktmbuf_free_bulk() does. Hot.
 *
 * The common burst has mbufs of one pool, one segment each, with one reference. They go back to the
 * pool without reading their second cache line, which holds the pointer to the next segment.
 *
 * @param pkts   @p count packets, owned by the caller.
 * Threads: any lcore.
 */
static inline void fg_packets_free(struct rte_mbuf **pkts, unsigned int count)
{
	const uint64_t not_direct = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	const struct rte_mempool *pool;
	uint64_t other = 0;

	if (count == 0)
		return;
	pool = pkts[0]->pool;
#pragma GCC unroll 4
	for (unsigned int i = 0; i < count; i++) {
		const struct rte_mbuf *m = pkts[i];
		uint32_t refcnt_and_segs;

		memcpy(&refcnt_and_segs, (const uint8_t *)m + offsetof(struct rte_mbuf, refcnt),
		       sizeof(refcnt_and_segs));
		other |= (refcnt_and_segs ^ 0x00010001u) | (m->ol_flags & not_direct) |
			 ((uintptr_t)m->pool ^ (uintptr_t)pool);
	}
	if (likely(other == 0))
		rte_mempool_put_bulk(pkts[0]->pool, (void *const *)pkts, count);
	else
		rte_pktmbuf_free_bulk(pkts, count);
}

static_assert(offsetof(struct rte_mbuf, nb_segs) == offsetof(struct rte_mbuf, refcnt) + 2,
	      "one load reads both");

#endif /* FG_FREE_H */

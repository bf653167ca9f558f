/* SPDX-License-Identifier: MIT */
/*
 * fg_parse_burst(). Compiled once for each set of vector instructions, which
 * names its function: burst_scalar(), burst_sse(), ... Hot: all of it.
 */
#include "burst.h"

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "fast.h"

#define BURST_PASTE(name) burst_##name
#define BURST_NAME(name)  BURST_PASTE(name)

/*
 * Read packets as long as they have the fast shape: those from @p i on, to keys
 * and pkts from @p kept on. Nothing is called here, so all constants stay in
 * registers. @return the first that is of another shape, or @p count.
 */
static inline unsigned int parse_run(const struct fast_head *head, struct rte_mbuf **pkts,
				     unsigned int i, unsigned int count, unsigned int kept,
				     struct fg_key *keys)
{
	struct rte_mbuf **to = pkts + kept;

	for (keys += kept; i < count; i++, to++, keys++) {
		struct rte_mbuf *pkt = pkts[i];

		*to = pkt;
		if (unlikely(rte_pktmbuf_data_len(pkt) < FAST_BYTES) ||
		    !fast_key(head, rte_pktmbuf_mtod(pkt, const uint8_t *),
			      rte_pktmbuf_pkt_len(pkt), keys, 0))
			break;
	}
	return i;
}

uint16_t BURST_NAME(VARIANT)(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			     struct fg_key *keys, struct fg_lcore_stats *stats)
{
	const struct fast_head head = fast_head(parse);
	struct drops drops;
	unsigned int kept = 0, i = 0;

	drops.count = 0;
#pragma GCC unroll 4
	for (unsigned int p = 0; p < count; p++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[p], void *));
	for (;;) {
		const unsigned int end = parse_run(&head, pkts, i, count, kept, keys);
		struct rte_mbuf *pkt;
		int verdict;

		kept += end - i;
		if (likely(end == count))
			break;
		i = end + 1;
		pkt = pkts[end];
		verdict = parse_other(parse, pkt, &keys[kept]);
		if (verdict == VERDICT_PASS)
			pkts[kept++] = pkt;
		else
			drops_add(&drops, pkt, verdict);
	}
	if (unlikely(drops.count != 0))
		drops_settle(&drops, stats);
	return (uint16_t)kept;
}

/* SPDX-License-Identifier: MIT */
/*
 * fg_parse_burst(). Compiled once for each set of vector instructions, which
 * names its function: burst_scalar(), burst_sse(), ... Hot: all of it.
 */
#include "burst.h"

#include <rte_common.h>
#include <rte_mbuf.h>

#include "fast.h"

#define BURST_PASTE(name) burst_##name
#define BURST_NAME(name)  BURST_PASTE(name)

/*
 * Read packets as long as they have the fast shape, with a tag or without:
 * those from @p i on, to keys and pkts from @p kept on. Nothing is called here,
 * so all constants stay in registers. @return the first that is of another
 * shape, or @p count.
 */
static inline unsigned int parse_run(const struct fast_head *head, struct rte_mbuf **pkts,
				     unsigned int i, unsigned int count, unsigned int kept,
				     struct fg_key *keys, const uint32_t tag)
{
	const ptrdiff_t up = (ptrdiff_t)i - (ptrdiff_t)kept;
	struct rte_mbuf **from = pkts + i;
	struct rte_mbuf **const end = pkts + count;

	for (keys += kept; from < end; from++, keys++) {
		struct rte_mbuf *pkt = *from;

		from[-up] = pkt;
		if (unlikely(rte_pktmbuf_data_len(pkt) < FAST_BYTES + tag) ||
		    !fast_key(head, rte_pktmbuf_mtod(pkt, const uint8_t *),
			      rte_pktmbuf_pkt_len(pkt), keys, tag))
			break;
	}
	return (unsigned int)(from - pkts);
}

uint16_t BURST_NAME(VARIANT)(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			     struct fg_key *keys, struct fg_lcore_stats *stats)
{
	const struct fast_head head = fast_head(parse);
	unsigned int kept = 0, i = 0;
	struct drops drops;

	drops.count = 0;
	while (i < count) {
		const unsigned int plain = parse_run(&head, pkts, i, count, kept, keys, 0);
		const unsigned int end = parse_run(&head, pkts, plain, count, kept + plain - i,
						   keys, FAST_TAG_BYTES);
		int verdict;

		kept += end - i;
		i = end;
		/* After tagged ones plain ones may come: only what is neither is left. */
		if (i == count || end > plain)
			continue;
		verdict = parse_other(parse, pkts[i], &keys[kept]);
		if (verdict == VERDICT_PASS)
			pkts[kept++] = pkts[i];
		else
			drops_add(&drops, pkts[i], verdict);
		i++;
	}
	if (unlikely(drops.count != 0))
		drops_settle(&drops, stats);
	return (uint16_t)kept;
}

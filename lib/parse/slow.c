/* SPDX-License-Identifier: MIT */
/* What a burst's packets need that have not the fast shape. */
#include <rte_common.h>
#include <rte_mbuf.h>

#include <fg_stats.h>

#include "burst.h"
#include "parse.h"

/*
 * Headers nearly always lie in the first segment; only if one does not is the
 * beginning of the packet put together.
 */
int parse_other(const struct fg_parse *parse, const struct rte_mbuf *pkt, struct fg_key *key)
{
	uint8_t linear[FG_PARSE_LINEAR_MAX];
	struct frame frame = {
		.data = rte_pktmbuf_mtod(pkt, const uint8_t *),
		.length = RTE_MIN(rte_pktmbuf_data_len(pkt), rte_pktmbuf_pkt_len(pkt)),
		.total = rte_pktmbuf_pkt_len(pkt),
	};
	int verdict = parse_general(parse, &frame, key);

	if (likely(verdict != VERDICT_BEYOND))
		return verdict;
	frame.length = RTE_MIN(frame.total, FG_PARSE_LINEAR_MAX);
	frame.data = rte_pktmbuf_read(pkt, 0, frame.length, linear);
	if (frame.data != NULL)
		verdict = parse_general(parse, &frame, key);
	return verdict == VERDICT_BEYOND ? (int)FG_DROP_malformed : verdict;
}

void drops_settle(struct drops *drops, struct fg_lcore_stats *stats)
{
	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		if (drops->reasons[reason] != 0)
			fg_counter_add(&stats->dropped[reason], drops->reasons[reason]);
	rte_pktmbuf_free_bulk(drops->pkts, drops->count);
}

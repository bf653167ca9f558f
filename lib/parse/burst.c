/* SPDX-License-Identifier: MIT */
#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <fg_meta.h>
#include <fg_stats.h>

#include "parse.h"

/* How many packets ahead the header bytes, and before them the mbuf, are asked for. */
#define PREFETCH_DATA 4u
#define PREFETCH_MBUF 8u

/* The packets of a burst that cannot go on. */
struct drops {
	uint16_t count;
	uint16_t reasons[FG_DROP_COUNT];
	struct rte_mbuf *pkts[FG_BURST_MAX];
};

/*
 * Headers nearly always lie in the first segment; only if one does not is the
 * beginning of the packet put together.
 */
static __rte_noinline int parse_mbuf(const struct fg_parse *parse, const struct rte_mbuf *pkt,
				     struct fg_key *key)
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

static __rte_noinline void settle_drops(struct drops *drops, struct fg_lcore_stats *stats)
{
	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		if (drops->reasons[reason] != 0)
			fg_counter_add(&stats->dropped[reason], drops->reasons[reason]);
	rte_pktmbuf_free_bulk(drops->pkts, drops->count);
}

uint16_t fg_parse_burst(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			struct fg_key *keys, struct fg_lcore_stats *stats)
{
	const uint64_t head = fast_head(parse);
	struct drops drops;
	uint16_t kept = 0;

	drops.count = 0;
	memset(drops.reasons, 0, sizeof(drops.reasons));
	for (unsigned int i = 0; i < RTE_MIN(count, PREFETCH_DATA); i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *pkt = pkts[i];
		int verdict;

		if (i + PREFETCH_MBUF < count)
			rte_prefetch0(pkts[i + PREFETCH_MBUF]);
		if (i + PREFETCH_DATA < count)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + PREFETCH_DATA], void *));
		pkts[kept] = pkt;
		if (likely(rte_pktmbuf_data_len(pkt) >= FAST_BYTES) &&
		    likely(fast_key(head, rte_pktmbuf_mtod(pkt, const uint8_t *),
				    rte_pktmbuf_pkt_len(pkt), &keys[kept]))) {
			kept++;
			continue;
		}
		verdict = parse_mbuf(parse, pkt, &keys[kept]);
		if (verdict == VERDICT_PASS) {
			kept++;
		} else {
			drops.reasons[verdict]++;
			drops.pkts[drops.count++] = pkt;
		}
	}
	if (unlikely(drops.count != 0))
		settle_drops(&drops, stats);
	return kept;
}

/* SPDX-License-Identifier: MIT */
#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <fg_meta.h>
#include <fg_stats.h>

#include "fast.h"

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

static inline void drop(struct drops *drops, struct rte_mbuf *pkt, int reason)
{
	if (drops->count == 0)
		memset(drops->reasons, 0, sizeof(drops->reasons));
	drops->reasons[reason]++;
	drops->pkts[drops->count++] = pkt;
}

static __rte_noinline void settle_drops(struct drops *drops, struct fg_lcore_stats *stats)
{
	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		if (drops->reasons[reason] != 0)
			fg_counter_add(&stats->dropped[reason], drops->reasons[reason]);
	rte_pktmbuf_free_bulk(drops->pkts, drops->count);
}

/* All that is not the plain fast shape: one with a tag, or any other. */
static __rte_noinline int parse_other(const struct fg_parse *parse, uint64_t head,
				      const struct rte_mbuf *pkt, struct fg_key *key)
{
	if (rte_pktmbuf_data_len(pkt) >= FAST_BYTES + FAST_TAG_BYTES &&
	    fast_key(head, rte_pktmbuf_mtod(pkt, const uint8_t *), rte_pktmbuf_pkt_len(pkt), key,
		     FAST_TAG_BYTES))
		return VERDICT_PASS;
	return parse_mbuf(parse, pkt, key);
}

/*
 * Read packets as long as they have the fast shape: those from @p i on, to keys
 * and pkts from @p kept on. Nothing is called here, so all constants stay in
 * registers. @return the first that is of another shape, or @p count.
 */
static inline unsigned int parse_run(uint64_t head, struct rte_mbuf **pkts, unsigned int i,
				     unsigned int count, unsigned int kept, struct fg_key *keys)
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

uint16_t fg_parse_burst(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			struct fg_key *keys, struct fg_lcore_stats *stats)
{
	const uint64_t head = fast_head(parse);
	struct drops drops;
	unsigned int kept = 0, i = 0;

	drops.count = 0;
#pragma GCC unroll 4
	for (unsigned int p = 0; p < count; p++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[p], void *));
	for (;;) {
		const unsigned int end = parse_run(head, pkts, i, count, kept, keys);
		struct rte_mbuf *pkt;
		int verdict;

		kept += end - i;
		if (likely(end == count))
			break;
		i = end + 1;
		pkt = pkts[end];
		verdict = parse_other(parse, head, pkt, &keys[kept]);
		if (verdict == VERDICT_PASS)
			pkts[kept++] = pkt;
		else
			drop(&drops, pkt, verdict);
	}
	if (unlikely(drops.count != 0))
		settle_drops(&drops, stats);
	return (uint16_t)kept;
}

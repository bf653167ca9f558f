/* SPDX-License-Identifier: MIT */
/*
 * Packets through their feeds, in passes over a burst, so that each pass can prefetch for the next
 * one. Hot.
 *
 *   read     each packet's header; prefetch the arbiter's state
 *   peek     which packets are duplicates already; prefetch the messages of the others
 *   match    verify these messages, and match them
 *   commit   arbitrate, learn, pass or drop (what is not common: commit.c)
 *
 * Only the last pass changes state, one packet after the other, so that the result does not depend
 * on how packets were cut into bursts.
 */
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <fg_burst.h>

#include "commit.h"
#include "finish.h"
#include "item.h"

#define PREFETCH 16u /* packets between the prefetch of a header and its use */

static inline void prefetch_header(const struct fg_feed_stage *stage, struct rte_mbuf *m)
{
	const struct fg_meta *meta = fg_meta(m);

	rte_prefetch0(rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->payload_off));
	if (likely(meta->feed < stage->n_feeds))
		rte_prefetch0(stage->feeds[meta->feed]);
	rte_prefetch0(meta->filter);
}

/*
 * There is scratch memory for one payload in several segments: a burst ends before the second.
 * @return packets read.
 */
static inline uint16_t read_headers(const struct fg_feed_stage *stage, struct rte_mbuf **pkts,
				    uint16_t count, struct item *items, bool *copied)
{
	*copied = false;
	for (uint16_t i = 0; i < RTE_MIN(count, PREFETCH); i++)
		prefetch_header(stage, pkts[i]);
	for (uint16_t i = 0; i < count; i++) {
		struct item *item = &items[i];

		if (i + PREFETCH < count)
			prefetch_header(stage, pkts[i + PREFETCH]);
		if (unlikely(*copied &&
			     rte_pktmbuf_data_len(pkts[i]) < rte_pktmbuf_pkt_len(pkts[i])))
			return i;
		item_read(stage, pkts[i], item);
		*copied |= item->copied;
		if (likely(item->feed != NULL && item->feed->arbiter != NULL))
			fg_arbiter_prefetch(item->feed->arbiter, item->line);
	}
	return count;
}

/* Whether the packet's messages are to be looked at. */
static inline bool peek(struct item *item)
{
	const struct fg_feed *feed = item->feed;

	if (unlikely(feed == NULL || item->rc != 0))
		return false;
	if (likely(feed->arbitrate) &&
	    fg_arbiter_peek(feed->arbiter, item->line, &item->pkt) == FG_ARBITER_PEEK_DUPLICATE)
		return false;
	return true;
}

/* Verify and match the messages of all packets but duplicates. */
static inline void match(struct item *items, uint16_t count)
{
	struct fg_msg_filter_job jobs[FG_BURST_MAX];
	unsigned int n = 0;

	for (uint16_t i = 0; i < count; i++)
		if (peek(&items[i]))
			jobs[n++] = item_job(&items[i]);
	fg_msg_filter_match_burst(jobs, n);
}

/*
 * The last pass, packet by packet, in order: arbitrate the packet, learn from it, and pass or drop
 * it. Packets that were not matched were duplicates before the burst: the fast path takes them if
 * they still are. There is room for the packet.
 */
static inline void commit(struct fg_feed_stage *stage, struct item *item, struct fg_feed_out *out)
{
	struct fg_feed *feed = item->feed;
	struct fg_arbiter_result result;

	if (unlikely(feed == NULL)) {
		pass(out, item->m);
		return;
	}
	feed_count(feed, FG_FEED_packets, 1);
	if (unlikely(item->rc != 0 || (item->matched && item_is_malformed(item)))) {
		commit_slow(stage, item, out);
		return;
	}
	if (likely(feed->arbiter != NULL)) {
		if (unlikely(!fg_arbiter_arbitrate_fast(feed->arbiter, item->line, stage->now_ns,
							&item->pkt, !item->matched, &result))) {
			commit_slow(stage, item, out);
			return;
		}
		if (result.disposition == FG_ARBITER_DUPLICATE && likely(feed->arbitrate)) {
			drop(out, item->m, FG_DROP_duplicate);
			return;
		}
	}
	record_matches(stage, item);
	finish(stage, item, out);
}

uint16_t fg_feed_burst(struct fg_feed_stage *stage, struct rte_mbuf **pkts, uint16_t count,
		       uint64_t now_ns, struct fg_feed_out *out)
{
	struct item items[FG_BURST_MAX];
	uint16_t i = 0;
	bool copied;

	out->n_pass = 0;
	out->n_drop = 0;
	stage->now_ns = now_ns;
	stage->burst++;
	if (unlikely(stage->draining != NULL))
		drain(stage, out);
	if (unlikely(stage->draining != NULL))
		return 0;
	count = read_headers(stage, pkts, (uint16_t)RTE_MIN(count, room_of(out)), items, &copied);
	match(items, count);
	stage->released = false;
	while (i < count && stage->draining == NULL && room_of(out) > 0) {
		commit(stage, &items[i++], out);
		/* A released packet may have taken the scratch memory. */
		if (unlikely(copied && stage->released))
			break;
	}
	return i;
}

void fg_feed_tick(struct fg_feed_stage *stage, struct fg_feed *feed, uint64_t now_ns)
{
	if (feed->arbiter != NULL && fg_arbiter_tick(feed->arbiter, now_ns))
		stage->draining = feed;
}

void fg_feed_flush(struct fg_feed_stage *stage, struct fg_feed *feed, uint64_t now_ns)
{
	if (feed->arbiter == NULL)
		return;
	fg_arbiter_flush(feed->arbiter, now_ns);
	stage->draining = feed;
}

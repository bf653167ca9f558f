/* SPDX-License-Identifier: MIT */
/* Packets through their feeds: read the header, arbitrate, match messages, pass or drop. Hot. */
#include <errno.h>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <fg_burst.h>
#include <fg_drop.h>
#include <fg_walk.h>

#include "slice.h"

#define PREFETCH 4u  /* packets between the prefetch of a payload and its use */
#define TAKE_MAX 16u /* packets taken from the arbiter at a time */

/* A packet and its UDP payload. */
struct item {
	struct rte_mbuf *m;
	struct fg_meta *meta;
	const uint8_t *payload;
	uint16_t len;
};

static inline void prefetch_payload(struct rte_mbuf *m)
{
	const struct fg_meta *meta = fg_meta(m);
	const uint8_t *at = rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->payload_off);

	if (meta->filter == NULL)
		rte_prefetch0(at); /* The protocol's header is all that is read. */
	else
		fg_msg_filter_prefetch(at, meta->payload_len, true);
}

/* Find the payload, in one piece. @return 0, or -EPROTO: not a whole UDP datagram. */
static inline int item_open(const struct fg_feed_stage *stage, struct rte_mbuf *m,
			    struct item *item)
{
	struct fg_meta *meta = fg_meta(m);
	const uint32_t off = meta->payload_off, len = meta->payload_len;

	item->m = m;
	item->meta = meta;
	item->len = (uint16_t)len;
	if (unlikely((meta->flags & FG_META_DATAGRAM) == 0))
		return -EPROTO;
	if (likely(off + len <= rte_pktmbuf_data_len(m)))
		item->payload = rte_pktmbuf_mtod_offset(m, const uint8_t *, off);
	else
		item->payload = rte_pktmbuf_read(m, off, len, stage->scratch);
	return likely(item->payload != NULL) ? 0 : -EMSGSIZE;
}

static inline void pass(struct fg_feed_out *out, struct rte_mbuf *m)
{
	out->pass[out->n_pass++] = m;
}

static inline void drop(struct fg_feed_out *out, struct rte_mbuf *m, enum fg_drop reason)
{
	out->drop[out->n_drop] = m;
	out->reason[out->n_drop++] = (uint8_t)reason;
}

/* How many more packets fit into @out, whether they pass or not. */
static inline uint16_t room_of(const struct fg_feed_out *out)
{
	return (uint16_t)RTE_MIN((uint32_t)out->room - out->n_pass, FG_BURST_MAX - out->n_drop);
}

/* No subscription: every message matches. */
static inline void match_all(const struct fg_feed *feed, const struct fg_feed_packet *pkt,
			     struct fg_meta *meta)
{
	const uint32_t n = feed->by_messages ? pkt->count : 0;

	meta->messages = n > 0 ? UINT64_MAX >> (64 - RTE_MIN(n, 64u)) : 0;
	meta->n_matched = (uint16_t)RTE_MIN(n, (uint32_t)UINT16_MAX);
}

/* Walk the messages: learn symbols and orders, record which messages match the subscription. */
static inline void match_messages(struct fg_feed *feed, const struct item *item,
				  const struct fg_feed_packet *pkt)
{
	struct fg_meta *meta = item->meta;
	struct fg_msg_filter *filter = meta->filter != NULL ? meta->filter : feed->learner;
	const bool subscribed = meta->filter != NULL;
	struct fg_msg_filter_result found;

	if (!subscribed)
		match_all(feed, pkt, meta);
	if (filter == NULL)
		return;
	fg_msg_filter_match(filter, item->payload, pkt, &found);
	feed_count(feed, FG_FEED_messages, found.n_messages);
	if (unlikely(found.walk_end != FG_WALK_DONE))
		feed_count(feed,
			   found.walk_end == FG_WALK_UNDECODABLE ? FG_FEED_undecodable
								 : FG_FEED_malformed,
			   1);
	if (!subscribed)
		return;
	meta->messages = found.mask;
	meta->n_matched = (uint16_t)RTE_MIN(found.n_matched, (uint32_t)UINT16_MAX);
	meta->flags |= FG_META_MATCHED;
	feed_count(feed, FG_FEED_matched, found.n_matched);
	if (unlikely(found.n_unmapped > 0)) {
		feed_count(feed, FG_FEED_unmapped, found.n_unmapped);
		meta->flags |= found.n_matched == 0 ? FG_META_UNMAPPED : 0;
	}
}

/* Another line brought some of the messages: only the new ones stay matched. */
static inline void keep_new(struct fg_feed *feed, struct fg_meta *meta,
			    const struct fg_arbiter_result *result)
{
	const uint64_t new = result->from < 64 ? result->mask << result->from : 0;
	const uint64_t seen = meta->messages & ~new;

	if (likely(seen == 0))
		return;
	meta->messages &= new;
	meta->n_matched = (uint16_t)(meta->n_matched - __builtin_popcountll(seen));
	meta->flags |= FG_META_MATCHED;
	feed_count(feed, FG_FEED_partial, 1);
}

/*
 * A result covers 64 numbers. A longer packet may bring new numbers after those: arbitrate it again
 * until all are marked as seen. Not where packets are held, since this one passes now.
 */
static __rte_noinline void arbitrate_rest(const struct fg_feed *feed, uint64_t now_ns,
					  const struct fg_feed_packet *pkt, const struct item *item,
					  const struct fg_arbiter_result *result)
{
	struct fg_arbiter_result more = *result;

	while (!feed->hold && more.disposition == FG_ARBITER_PASS &&
	       (more.flags & FG_ARBITER_MORE) != 0)
		fg_arbiter_arbitrate(feed->arbiter, result->line, now_ns, pkt, item->m, &more);
}

/* The arbiter passes the packet: pass it, or a slice of it, or drop it if no message matches. */
static inline void finish(struct fg_feed_stage *stage, struct fg_feed *feed,
			  const struct item *item, const struct fg_feed_packet *pkt,
			  struct fg_feed_out *out)
{
	const struct fg_meta *meta = item->meta;
	struct rte_mbuf *slice;

	if ((meta->flags & FG_META_MATCHED) != 0 && meta->n_matched == 0 &&
	    pkt->kind != FG_FEED_RESET && pkt->kind != FG_FEED_END) {
		drop(out, item->m,
		     (meta->flags & FG_META_UNMAPPED) != 0 ? FG_DROP_unmapped
							   : FG_DROP_no_matching_message);
		return;
	}
	if (likely((meta->flags & (FG_META_SLICE | FG_META_MATCHED)) !=
		   (FG_META_SLICE | FG_META_MATCHED)) ||
	    meta->n_matched == 0) {
		pass(out, item->m);
		return;
	}
	slice = slice_make(feed, stage->slices, item->m, item->payload, pkt);
	feed_count(feed, slice != NULL ? FG_FEED_sliced : FG_FEED_slice_failed, 1);
	if (slice != NULL)
		rte_pktmbuf_free(item->m);
	pass(out, slice != NULL ? slice : item->m);
}

/* The header cannot be read: pass the packet, unless its rule subscribes to certain messages. */
static __rte_noinline void unreadable(struct fg_feed *feed, struct rte_mbuf *m, int rc,
				      struct fg_feed_out *out)
{
	struct fg_meta *meta = fg_meta(m);

	feed_count(feed,
		   rc == -EPROTO    ? FG_FEED_wrong_protocol
		   : rc == -EBADMSG ? FG_FEED_malformed
				    : FG_FEED_truncated,
		   1);
	meta->messages = 0;
	meta->n_matched = 0;
	if (meta->filter == NULL)
		pass(out, m);
	else
		drop(out, m, FG_DROP_wrong_protocol);
}

/*
 * The arbiter releases a packet that it held. Its messages are matched only now: the symbols and
 * orders they refer to may have come with the packets that it waited for.
 */
static void release(struct fg_feed_stage *stage, struct fg_feed *feed,
		    const struct fg_arbiter_taken *taken, struct fg_feed_out *out)
{
	struct fg_feed_packet pkt;
	struct item item;

	if (taken->result.disposition == FG_ARBITER_DUPLICATE) {
		drop(out, taken->packet, FG_DROP_duplicate);
		return;
	}
	/* Both succeeded when the packet arrived. */
	if (item_open(stage, taken->packet, &item) != 0 ||
	    fg_protocol_read(feed->protocol, item.payload, item.len, &pkt) != 0) {
		pass(out, taken->packet);
		return;
	}
	match_messages(feed, &item, &pkt);
	if (feed->by_messages)
		keep_new(feed, item.meta, &taken->result);
	finish(stage, feed, &item, &pkt, out);
}

/* Take released packets from the arbiter, as many as fit. */
static __rte_noinline void drain(struct fg_feed_stage *stage, struct fg_feed_out *out)
{
	struct fg_arbiter_taken taken[TAKE_MAX];
	struct fg_feed *feed = stage->draining;
	uint16_t room;

	while ((room = room_of(out)) > 0) {
		const unsigned int n = fg_arbiter_take(feed->arbiter, taken,
						       RTE_MIN((unsigned int)room, TAKE_MAX));

		for (unsigned int i = 0; i < n; i++)
			release(stage, feed, &taken[i], out);
		if (n > 0)
			continue;
		if (stage->after != NULL)
			pass(out, stage->after);
		stage->after = NULL;
		stage->draining = NULL;
		return;
	}
}

/* A heartbeat, a reset or an end. @ready: packets that it releases must go before it. */
static inline void admin(struct fg_feed_stage *stage, struct fg_feed *feed, const struct item *item,
			 const struct fg_feed_packet *pkt, bool ready, struct fg_feed_out *out)
{
	const uint16_t before = out->n_pass;

	match_messages(feed, item, pkt);
	finish(stage, feed, item, pkt, out);
	if (likely(!ready) || out->n_pass == before)
		return;
	stage->after = out->pass[--out->n_pass];
}

static inline void arbitrate(struct fg_feed_stage *stage, struct fg_feed *feed, struct item *item,
			     const struct fg_feed_packet *pkt, struct fg_feed_out *out)
{
	/* Packets without a line count as line A. */
	const unsigned int line = item->meta->line > 0 ? item->meta->line - 1u : 0;
	struct fg_arbiter_result result;

	fg_arbiter_arbitrate(feed->arbiter, line, stage->now_ns, pkt, item->m, &result);
	switch (result.disposition) {
	case FG_ARBITER_HELD:
		break;
	case FG_ARBITER_ADMIN:
		admin(stage, feed, item, pkt, (result.flags & FG_ARBITER_READY) != 0, out);
		break;
	case FG_ARBITER_DUPLICATE:
	case FG_ARBITER_STALE:
		if (feed->arbitrate) {
			drop(out, item->m,
			     result.disposition == FG_ARBITER_STALE ? FG_DROP_stale
								    : FG_DROP_duplicate);
			break;
		}
		match_messages(feed, item, pkt);
		finish(stage, feed, item, pkt, out);
		break;
	default:
		if (unlikely((result.flags & FG_ARBITER_MORE) != 0))
			arbitrate_rest(feed, stage->now_ns, pkt, item, &result);
		match_messages(feed, item, pkt);
		if (feed->arbitrate && feed->by_messages &&
		    (result.flags & FG_ARBITER_UNTRACKED) == 0)
			keep_new(feed, item->meta, &result);
		finish(stage, feed, item, pkt, out);
		break;
	}
	if (unlikely((result.flags & FG_ARBITER_READY) != 0)) {
		stage->draining = feed;
		drain(stage, out);
	}
}

static inline void one_packet(struct fg_feed_stage *stage, struct rte_mbuf *m,
			      struct fg_feed_out *out)
{
	const uint16_t index = fg_meta(m)->feed;
	struct fg_feed *feed = index < stage->n_feeds ? stage->feeds[index] : NULL;
	struct fg_feed_packet pkt;
	struct item item;
	int rc;

	if (feed == NULL) {
		pass(out, m);
		return;
	}
	feed_count(feed, FG_FEED_packets, 1);
	rc = item_open(stage, m, &item);
	if (likely(rc == 0))
		rc = fg_protocol_read(feed->protocol, item.payload, item.len, &pkt);
	if (unlikely(rc != 0)) {
		unreadable(feed, m, rc, out);
		return;
	}
	pkt.arrival_ns = item.meta->rx_ns;
	if (feed->arbiter != NULL) {
		arbitrate(stage, feed, &item, &pkt, out);
		return;
	}
	match_messages(feed, &item, &pkt);
	finish(stage, feed, &item, &pkt, out);
}

uint16_t fg_feed_burst(struct fg_feed_stage *stage, struct rte_mbuf **pkts, uint16_t count,
		       uint64_t now_ns, struct fg_feed_out *out)
{
	uint16_t i = 0;

	out->n_pass = 0;
	out->n_drop = 0;
	stage->now_ns = now_ns;
	if (unlikely(stage->draining != NULL))
		drain(stage, out);
	for (; i < RTE_MIN(count, PREFETCH); i++)
		prefetch_payload(pkts[i]);
	for (i = 0; i < count && stage->draining == NULL && room_of(out) > 0; i++) {
		if (i + PREFETCH < count)
			prefetch_payload(pkts[i + PREFETCH]);
		one_packet(stage, pkts[i], out);
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

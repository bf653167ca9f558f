/* SPDX-License-Identifier: MIT */
/* The end of a packet's way: which messages match, then pass or drop. Inline, for both commits. */
#ifndef FEED_FINISH_H
#define FEED_FINISH_H

#include <fg_drop.h>

#include "learn.h"
#include "slice.h"

static inline void pass(struct fg_feed_out *out, struct rte_mbuf *m)
{
	out->pass[out->n_pass++] = m;
}

static inline void drop(struct fg_feed_out *out, struct rte_mbuf *m, enum fg_drop reason)
{
	out->drop[out->n_drop] = m;
	out->reason[out->n_drop++] = (uint8_t)reason;
}

/* Record which messages match. Nothing else of the stage's common case writes to the packet. */
static inline void meta_record(struct fg_meta *meta, uint64_t messages, uint32_t n_matched,
			       uint8_t flags)
{
	meta->messages = messages;
	meta->n_matched = (uint16_t)RTE_MIN(n_matched, (uint32_t)UINT16_MAX);
	meta->flags |= flags;
}

/* No subscription: every message matches. */
static inline void match_all(const struct fg_feed *feed, const struct fg_feed_packet *pkt,
			     struct fg_meta *meta)
{
	const uint32_t n = feed->by_messages ? pkt->count : 0;

	meta_record(meta, n > 0 ? UINT64_MAX >> (64 - RTE_MIN(n, 64u)) : 0, n, 0);
}

/* Whether the packet is not of the session that the feed's maps are of. */
static inline bool is_of_other_session(const struct item *item)
{
	return item->feed->by_session && !fg_symbols_same_session(item->feed->symbols, &item->pkt);
}

/* Whether the maps know nothing of the packet's numbers. */
static inline bool is_unmapped(struct fg_feed_stage *stage, const struct item *item)
{
	if (unlikely(stage->draining_old))
		return true;
	return unlikely(is_of_other_session(item)) &&
	       !follow_session(stage, item,
			       item->feed->arbiter != NULL ? FG_SYMBOLS_SESSION_OTHER
							   : FG_SYMBOLS_SESSION_UNKNOWN);
}

/* Record in the metadata which messages match the subscription. */
static inline void record_matches(struct fg_feed_stage *stage, struct item *item)
{
	struct fg_feed *feed = item->feed;
	struct fg_meta *meta = item->meta;
	const struct fg_msg_filter_result *found = &item->found;

	/* What the feed learned in this burst may change the result. */
	if (unlikely(is_unmapped(stage, item)))
		fg_msg_filter_match_unmapped(item->filter, item->payload, &item->pkt, &item->found);
	else if (unlikely(found->deferred || feed->learned_burst == stage->burst))
		learn(stage, item);
	feed_count(feed, FG_FEED_messages, found->n_messages);
	if (unlikely(found->walk_end == FG_WALK_UNDECODABLE))
		feed_count(feed, FG_FEED_undecodable, 1);
	if (meta->filter == NULL) {
		match_all(feed, &item->pkt, meta);
		return;
	}
	meta_record(meta, found->mask, found->n_matched, FG_META_MATCHED);
	feed_count(feed, FG_FEED_matched, found->n_matched);
	if (unlikely(found->n_unmapped > 0)) {
		feed_count(feed, FG_FEED_unmapped, found->n_unmapped);
		meta->flags |= found->n_matched == 0 ? FG_META_UNMAPPED : 0;
	}
}

/* The packet passes if a message matches: whole, or as a slice. */
static inline void finish(struct fg_feed_stage *stage, const struct item *item,
			  struct fg_feed_out *out)
{
	const struct fg_meta *meta = item->meta;
	if ((meta->flags & FG_META_MATCHED) != 0 && meta->n_matched == 0 &&
	    item->pkt.kind != FG_FEED_RESET && item->pkt.kind != FG_FEED_END) {
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
	pass(out, slice_instead(stage, item));
}

#endif /* FEED_FINISH_H */

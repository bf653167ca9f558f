/* SPDX-License-Identifier: MIT */
/* A packet on its way through the feed stage: opening, reading, matching. Hot. */
#ifndef FEED_ITEM_H
#define FEED_ITEM_H

#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include <fg_walk.h>

#include "feed.h"

struct item {
	struct rte_mbuf *m;
	struct fg_meta *meta;
	struct fg_feed *feed;         /* NULL: the packet passes */
	struct fg_msg_filter *filter; /* of the rule's subscription, or the feed's own */
	const uint8_t *payload;       /* in one piece */
	int rc;                       /* of reading the header; not 0: `pkt` is not valid */
	uint8_t line;                 /* from 0 */
	bool matched;                 /* `found` is valid: the messages were walked over */
	bool copied;                  /* the payload is in the stage's scratch memory */
	struct fg_feed_packet pkt;
	struct fg_msg_filter_result found;
};

/* Find the payload, in one piece. @return 0, or -EPROTO: not a whole UDP datagram. */
static inline int item_open(const struct fg_feed_stage *stage, struct item *item)
{
	const struct fg_meta *meta = item->meta;
	const uint32_t off = meta->payload_off, len = meta->payload_len;

	if (unlikely((meta->flags & FG_META_DATAGRAM) == 0))
		return -EPROTO;
	if (likely(off + len <= rte_pktmbuf_data_len(item->m))) {
		item->payload = rte_pktmbuf_mtod_offset(item->m, const uint8_t *, off);
		return 0;
	}
	item->payload = rte_pktmbuf_read(item->m, off, len, stage->scratch);
	item->copied = item->payload == stage->scratch;
	return item->payload != NULL ? 0 : -EMSGSIZE;
}

/* Find the packet's feed, and read its header. */
static inline void item_read(const struct fg_feed_stage *stage, struct rte_mbuf *m,
			     struct item *item)
{
	struct fg_meta *meta = fg_meta(m);
	struct fg_feed *feed = meta->feed < stage->n_feeds ? stage->feeds[meta->feed] : NULL;

	item->m = m;
	item->meta = meta;
	item->feed = feed;
	item->matched = false;
	item->copied = false;
	if (unlikely(feed == NULL))
		return;
	item->filter = meta->filter != NULL ? meta->filter : feed->any_message;
	/* Packets without a line count as line A. */
	item->line = meta->line > 0 ? (uint8_t)(meta->line - 1) : 0;
	item->rc = item_open(stage, item);
	if (likely(item->rc == 0))
		item->rc = fg_protocol_read(feed->protocol, item->payload, meta->payload_len,
					    &item->pkt);
	item->pkt.arrival_ns = meta->rx_ns;
}

static inline struct fg_msg_filter_job item_job(struct item *item)
{
	item->matched = true;
	return (struct fg_msg_filter_job){item->filter, item->payload, &item->pkt, &item->found};
}

/* Verify and match the messages of one packet. */
static inline void item_match(struct item *item)
{
	const struct fg_msg_filter_job job = item_job(item);

	fg_msg_filter_match_burst(&job, 1);
}

/* Whether the messages contradict the header or each other. */
static inline bool item_is_malformed(const struct item *item)
{
	return item->found.walk_end != FG_WALK_DONE && item->found.walk_end != FG_WALK_UNDECODABLE;
}

#endif /* FEED_ITEM_H */

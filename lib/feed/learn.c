/* SPDX-License-Identifier: MIT */
/* What a packet that is believed teaches: symbols, orders, and which session they are of. Hot. */
#include "learn.h"

/* Whether there was a reset since the last call. */
static bool was_reset(struct fg_feed *feed)
{
	uint64_t totals[FG_ARBITER_CHANNEL_COUNT], before = feed->resets_seen;

	fg_arbiter_totals(feed->arbiter, totals);
	feed->resets_seen = totals[FG_ARBITER_CHANNEL_resets];
	return feed->resets_seen != before;
}

bool follow_session(struct fg_feed_stage *stage, const struct item *item,
		    enum fg_symbols_evidence evidence)
{
	struct fg_feed *feed = item->feed;
	const bool reset = evidence == FG_SYMBOLS_SESSION_NEW && was_reset(feed);

	if (!fg_symbols_same_session(feed->symbols, &item->pkt)) {
		if (!fg_symbols_session(feed->symbols, &item->pkt,
					fg_counter_read(&feed->counters[FG_FEED_packets]),
					evidence))
			return false;
	} else if (reset) {
		/* Packets of a former session are known by that. */
		stage->draining_old = fg_symbols_reset(feed->symbols, &item->pkt);
	} else {
		return true; /* Another channel of the session. */
	}
	fg_orders_clear(feed->orders);
	feed->learned_burst = stage->burst;
	return true;
}

void learn(struct fg_feed_stage *stage, struct item *item)
{
	struct fg_feed *feed = item->feed;

	if (!item->found.deferred)
		item_match(item);
	if (!item->found.deferred)
		return;
	fg_msg_filter_learn(item->filter, item->payload, &item->pkt, &item->found);
	feed->learned_burst = stage->burst;
}

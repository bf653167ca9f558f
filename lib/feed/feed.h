/* SPDX-License-Identifier: MIT */
/*
 * What the parts of fg_feed.h share.
 *
 *   options.c   an entry of `feeds:` in the configuration
 *   fg_feed.c   creation, counters
 *   item.h      a packet on its way through the stage
 *   stage.c     the passes over a burst
 *   learn.c     what a believed packet teaches: symbols, orders, their session
 *   finish.h    which messages match; pass or drop
 *   commit.c    what is not common in the last pass
 *   slice.c     a packet cut down to its matched messages
 */
#ifndef FEED_H
#define FEED_H

#include <fg_feed.h>
#include <fg_msg_filter.h>

struct fg_feed {
	/* Read by the worker for each packet. */
	const struct fg_protocol *protocol;
	struct fg_arbiter *arbiter;        /* NULL: the feed does not track sequences */
	struct fg_msg_filter *any_message; /* for rules without a subscription */
	bool arbitrate;
	bool hold;
	bool pass_malformed;
	bool by_messages; /* sequence numbers count messages */
	bool by_session;  /* the maps count: whether a packet is of their session, too */

	struct fg_symbols *symbols;
	struct fg_orders *orders;
	const struct fg_feed_conf *conf;
	unsigned int n_lines;
	enum fg_symbols_file symbols_file; /* at start */

	/* Written by the worker. */
	uint64_t resets_seen;   /* of the arbiter */
	uint64_t learned_burst; /* of the stage, in which the feed learned from a packet last */
	struct fg_counter counters[FG_FEED_COUNTER_COUNT] __rte_cache_aligned;
	struct fg_counter held[FG_FEED_HELD_VERSIONS]; /* packets in the arbiter, by version */
};

static inline void feed_count(struct fg_feed *feed, enum fg_feed_counter counter, uint64_t n)
{
	fg_counter_add(&feed->counters[counter], n);
}

/* The arbiter holds, or no longer holds, a packet. */
static inline void feed_count_held(struct fg_feed *feed, const struct fg_meta *meta, uint64_t n)
{
	fg_counter_add(&feed->held[meta->rules_version % FG_FEED_HELD_VERSIONS], n);
}

#endif /* FEED_H */

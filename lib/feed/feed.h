/* SPDX-License-Identifier: MIT */
/*
 * What the parts of fg_feed.h share.
 *
 *   feed_options.c  an entry of the configuration
 *   fg_feed.c       creation, counters
 *   feed_stage.c    packets through a feed
 *   feed_slice.c    a packet's matched messages as a packet of their own
 */
#ifndef FEED_H
#define FEED_H

#include <fg_feed.h>

#include "fg_msg_filter.h"

struct fg_feed {
	/* Read by the worker for each packet. */
	const struct fg_protocol *protocol;
	struct fg_arbiter *lines; /* NULL: not tracked */
	struct fg_msg_filter
		*learner; /* for rules that want all messages; NULL: nothing to learn */
	bool arbitrate;
	bool hold;
	bool by_messages; /* sequence numbers count messages */

	struct fg_known *known;
	const struct fg_feed_conf *conf;
	unsigned int n_lines;

	/* Written by the worker. */
	struct fg_counter counters[FG_FEED_COUNTER_COUNT] __rte_cache_aligned;
};

static inline void feed_count(struct fg_feed *feed, enum fg_feed_counter counter, uint64_t n)
{
	fg_counter_add(&feed->counters[counter], n);
}

/*
 * The matched messages of @m, by its notes, in an mbuf of @pool: its headers, the protocol's
 * header with the count of these messages, and them. @payload is that of @m, as @pkt says.
 * NULL: no mbuf, or what is matched cannot be told apart.
 */
struct rte_mbuf *feed_slice(const struct fg_feed *feed, struct rte_mempool *pool,
			    struct rte_mbuf *m, const uint8_t *payload,
			    const struct fg_feed_packet *pkt);

#endif /* FEED_H */

/* SPDX-License-Identifier: MIT */
/* The table of channels, and the pool of trackers. Hot. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "arbiter.h"

/* Whether the packet belongs to this channel. */
static inline bool channel_is(const struct channel *channel, const struct fg_feed_packet *pkt)
{
	return atomic_load_explicit(&channel->id, memory_order_relaxed) == pkt->channel &&
	       atomic_load_explicit(&channel->session[0], memory_order_relaxed) ==
		       session_word(pkt, 0) &&
	       atomic_load_explicit(&channel->session[1], memory_order_relaxed) ==
		       session_word(pkt, 1);
}

/* The packet's channel; NULL if it is not in the table. */
struct channel *channel_find(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt);
/* Add the packet's channel to the table. @return NULL if there is no room. */
struct channel *channel_open(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt,
			     uint64_t now_ns);
/* A confirmed channel becomes the current session of its channel id. */
void channel_take_over(struct fg_arbiter *arbiter, struct channel *channel, unsigned int line,
		       uint64_t now_ns);
void channel_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns);
/* Give up all gaps and release all that is held. */
void channel_flush(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns);
/* Set what the fast path may do, after anything else than the fast path changed the channel. */
void channel_set_fast_path(struct fg_arbiter *arbiter, struct channel *channel);

/* Take an empty tracker from the pool, opened by @p line. @return NULL if there is none. */
struct tracker *tracker_alloc(struct fg_arbiter *arbiter, uint64_t at, unsigned int line);
/* The same, but leave one for each channel that may still be added. */
struct tracker *tracker_alloc_spare(struct fg_arbiter *arbiter, uint64_t at, unsigned int line);
/* Return a channel's tracker to the pool; release what it holds, and give up its gaps. */
void tracker_free(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns);

#endif /* CHANNEL_H */

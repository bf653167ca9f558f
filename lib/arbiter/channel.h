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

static inline bool channel_is_current_session(const struct channel *channel)
{
	return atomic_load_explicit(&channel->current_session, memory_order_relaxed) != 0;
}

static inline bool channel_is_used(const struct channel *channel)
{
	return atomic_load_explicit(&channel->used, memory_order_relaxed);
}

/* The packet's channel; NULL if it is not in the table. */
struct channel *channel_find(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt);
/* Add the packet's channel to the table. @return NULL if there is no room. */
struct channel *channel_open(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt,
			     uint64_t now_ns);
/* Two packets agree on the channel: it becomes the current session of its channel id. */
void channel_confirm(struct arrival *a);
/*
 * The packet brought new numbers of a session that another one replaced. After enough of them
 * without any of the other session, this one is the current session again.
 */
void channel_go_on(struct arrival *a);
void channel_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns);
/* Give up all gaps and release all that is held. */
void channel_flush(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns);
/* The fast path is for packets of this channel; NULL: for none. */
void channel_select(struct fg_arbiter *arbiter, struct channel *channel);
/* Set what the fast path may do, after anything else than the fast path changed the channel. */
void channel_set_fast_path(struct fg_arbiter *arbiter, struct channel *channel);
/* A tracker becomes the channel's current one. */
void channel_set_current(struct fg_arbiter *arbiter, struct channel *channel,
			 struct tracker *tracker);
/* No silent line is reported for the channel any more. */
void channel_end_silence(struct fg_arbiter *arbiter, struct channel *channel);

/* The claim is no more: its packet passes if it is held. */
void claim_free(struct fg_arbiter *arbiter, struct channel *channel, struct claim *claim);
/* The claim was a jump, which is rejected. */
void claim_report_rejected(struct fg_arbiter *arbiter, struct channel *channel,
			   const struct claim *claim, uint64_t now_ns);

/* Take an empty tracker from the pool, opened by @p line. @return NULL if there is none. */
struct tracker *tracker_alloc(struct fg_arbiter *arbiter, uint64_t at, unsigned int line);
/* The same, but leave one for each channel that may still be added. */
struct tracker *tracker_alloc_spare(struct fg_arbiter *arbiter, uint64_t at, unsigned int line);
/* Return a channel's tracker to the pool; release what it holds, and give up its gaps. */
void tracker_free(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns);

#endif /* CHANNEL_H */

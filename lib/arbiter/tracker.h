/* SPDX-License-Identifier: MIT */
/* One tracker: which numbers of the window came, and its gaps. Hot. */
#ifndef TRACKER_H
#define TRACKER_H

#include "arbiter.h"

/* A packet's number as the tracker counts: the one nearest to its highest. */
static inline uint64_t tracker_widen(const struct tracker *tracker, uint64_t number,
				     unsigned int shift)
{
	return tracker->high + (uint64_t)((int64_t)((number - tracker->high) << shift) >> shift);
}

/* Mark numbers [from, from + n) as seen in the window's bits; 1 <= n <= window. */
static inline void bits_set(uint64_t *bits, uint64_t mask, uint64_t from, uint64_t n)
{
	uint64_t at = from & mask;

	/* Mostly they are all in one word. */
	while (unlikely((at & 63) + n > 64)) {
		bits[at >> 6] |= UINT64_MAX << (at & 63);
		n -= 64 - (at & 63);
		at = (at + 64 - (at & 63)) & mask;
	}
	if (likely(n > 0))
		bits[at >> 6] |= (UINT64_MAX >> (64 - n)) << (at & 63);
}

/* The line sent [first, end). */
static inline void tracker_line_advance(struct fg_arbiter *arbiter, struct tracker_line *state,
					unsigned int line, uint64_t first, uint64_t end)
{
	const int64_t skipped = seq_diff(first, state->next);

	if (unlikely(skipped > 0))
		line_add(arbiter, line, FG_ARBITER_LINE_skipped, (uint64_t)skipped);
	state->next = seq_max(state->next, end);
}

/* Empty the tracker: number @p at is next. */
void tracker_start(const struct fg_arbiter *arbiter, struct tracker *tracker, uint64_t at);
/* No number of [high, to) came: open a gap. */
void tracker_open_gap(struct arrival *a, uint64_t to);
/* The packet brings [at, end): count and mark the numbers that did not come before. */
void tracker_add(struct arrival *a, uint64_t at, uint64_t end);
/* The first number in [at, end) that did not come; otherwise end. Below the window all came. */
uint64_t tracker_next_unseen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			     uint64_t at, uint64_t end);
/* The first number in [at, end) that came; otherwise end. @p at is not below the window. */
uint64_t tracker_next_seen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			   uint64_t at, uint64_t end);
/* Give up what is missing below @p to. */
void tracker_abandon_gaps(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t to, uint64_t now_ns);
/* Give up gaps that are too old. */
void tracker_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns);
/*
 * Write to the result which numbers of [from, a->end) are new: those that did not come, and all
 * from @p all_new_from on. @return where the mask ended, a->end unless FG_ARBITER_MORE.
 */
uint64_t tracker_mark_new(const struct arrival *a, uint64_t from, uint64_t all_new_from);
/* The packet is a duplicate: set its disposition, and measure its lead time. */
void tracker_mark_duplicate(struct arrival *a);
/* Reject the jump that led to an unconfirmed tracker. */
void tracker_reject(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		    uint64_t now_ns);

#endif /* TRACKER_H */

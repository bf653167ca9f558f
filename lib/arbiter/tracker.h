/* SPDX-License-Identifier: MIT */
/* One tracker: which numbers of the window came, and its gaps. Hot. */
#ifndef TRACKER_H
#define TRACKER_H

#include "arbiter.h"

/* A packet's number as the tracker counts: the one nearest to its highest. */
static inline uint64_t tracker_widen(const struct tracker *tracker, uint64_t number,
				     unsigned int shift)
{
	return fg_arbiter_widen(tracker_high(tracker), number, shift);
}

/* Time from the arrival of the line's last packet to this one, at least; 0: it is not later. */
static inline uint64_t line_pause_ns(const struct tracker *tracker, unsigned int line,
				     const struct fg_feed_packet *pkt)
{
	const int32_t units = (int32_t)((uint32_t)(pkt->arrival_ns >> FG_ARBITER_ARRIVED_SHIFT) -
					tracker->fast.lines[line].arrived);

	return units > 0 ? (uint64_t)(units - 1) << FG_ARBITER_ARRIVED_SHIFT : 0;
}

/* Whether the line brought the tracker's highest numbers at some time. */
static inline bool tracker_line_leads(const struct tracker *tracker, unsigned int line)
{
	return (tracker->lines_leading >> line & 1) != 0 ||
	       fg_counter_read(&tracker->fast.lines[line].first_arrivals) !=
		       tracker->slow_leads[line];
}

/* The first number in [at, end), in the window, whose bit is @p set; otherwise end. */
static inline uint64_t bits_find(const uint64_t *bits, uint64_t mask, uint64_t at, uint64_t end,
				 bool set)
{
	while (seq_diff(at, end) < 0) {
		const uint64_t bit = at & 63;
		const uint64_t word = bits[(at & mask) >> 6] ^ (set ? 0 : UINT64_MAX);

		if (word >> bit != 0)
			return seq_min(at + (uint64_t)__builtin_ctzll(word >> bit), end);
		at += 64 - bit;
	}
	return end;
}

/* Empty the tracker: number @p at is next. */
void tracker_start(struct fg_arbiter *arbiter, struct tracker *tracker, uint64_t at);
/* Write what the fast path left out. */
void tracker_sync(const struct fg_arbiter *arbiter, struct tracker *tracker);
/* No number of [high, to) came, as @p line revealed at @p since_ns: open a gap. */
void tracker_open_gap(struct arrival *a, uint64_t to, unsigned int line, uint64_t since_ns);
/* The packet brings [at, end): count and mark the numbers that did not come before. */
void tracker_add(struct arrival *a, uint64_t at, uint64_t end);
/* The same for numbers of a packet that was counted before. */
void tracker_mark(struct arrival *a, uint64_t at, uint64_t end);
/* The line is at [first, end): count what it left out. */
void tracker_line_move(struct arrival *a, uint64_t first, uint64_t end);
/* The first number in [at, end) that did not come; otherwise end. Below the window only those that
 * were given up did not come. */
uint64_t tracker_next_unseen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			     uint64_t at, uint64_t end);
/* The first number in [at, end) that came; otherwise end. */
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
/* The same, where the lead time is measured already. */
void tracker_count_duplicate(struct arrival *a);
/* Reject the jump that led to an unconfirmed tracker. */
void tracker_reject(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		    uint64_t now_ns);

#endif /* TRACKER_H */

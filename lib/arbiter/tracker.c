/* SPDX-License-Identifier: MIT */
/* One tracker: which numbers of the window came, and its gaps. Hot. */
#include "tracker.h"

#include "lead.h"
#include "report.h"

void tracker_start(const struct fg_arbiter *arbiter, struct tracker *tracker, uint64_t at)
{
	tracker->high = tracker->contiguous_from = tracker->deliver_next = tracker->start =
		tracker->lowest = at;
	tracker->fast_path_end = at + DIFF_MAX;
	memset(tracker->bits, 0, arbiter->window / 8);
	/* No entry of the ring's last user may match a number of this one. */
	memset(tracker->first_arrivals, 0, sizeof(*tracker->first_arrivals) * FIRST_ARRIVALS_MAX);
	tracker->first_arrivals_head = 0;
	tracker->fast_path_lines = tracker->lines_seen = tracker->reset_lines = 0;
	tracker->confirmed = tracker->rejected = false;
	tracker->held = NULL;
	tracker->n_gaps = 0;
	memset(tracker->lines, 0, sizeof(tracker->lines));
}

static void bits_clear(uint64_t *bits, uint64_t mask, uint64_t from, uint64_t n)
{
	while (n > 0) {
		const uint64_t at = from & mask;
		const uint64_t batch = RTE_MIN(64 - (at & 63), n);

		bits[at >> 6] &= ~((UINT64_MAX >> (64 - batch)) << (at & 63));
		from += batch;
		n -= batch;
	}
}

/* The first number in [at, end), in the window, whose bit is @p set; otherwise end. */
static uint64_t bits_find(const uint64_t *bits, uint64_t mask, uint64_t at, uint64_t end, bool set)
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

/* How many numbers of [at, end), in the window, did not come. */
static uint64_t bits_count_unseen(const uint64_t *bits, uint64_t mask, uint64_t at, uint64_t end)
{
	uint64_t n = 0;

	while (seq_diff(at, end) < 0) {
		const uint64_t batch = RTE_MIN(64 - (at & 63), end - at);
		const uint64_t word = ~bits[(at & mask) >> 6] >> (at & 63);

		n += (uint64_t)__builtin_popcountll(word & (UINT64_MAX >> (64 - batch)));
		at += batch;
	}
	return n;
}

uint64_t tracker_next_unseen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			     uint64_t at, uint64_t end)
{
	const uint64_t known = seq_min(end, tracker->high);

	at = seq_max(at, tracker->high - arbiter->window);
	if (seq_diff(at, end) >= 0)
		return end;
	at = seq_diff(at, known) < 0 ? bits_find(tracker->bits, arbiter->mask, at, known, false)
				     : at;
	return at;
}

uint64_t tracker_next_seen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			   uint64_t at, uint64_t end)
{
	const uint64_t known = seq_min(end, tracker->high);
	uint64_t found;

	if (seq_diff(at, known) >= 0)
		return end;
	found = bits_find(tracker->bits, arbiter->mask, at, known, true);
	return found == known ? end : found;
}

static void gap_remove(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		       uint32_t i)
{
	tracker->n_gaps--;
	memmove(&tracker->gaps[i], &tracker->gaps[i + 1],
		sizeof(tracker->gaps[0]) * (tracker->n_gaps - i));
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_gaps_open, UINT64_MAX);
}

/* Report an event of a gap; the caller sets kind, line, time_ns, last and n. */
static void gap_report(struct fg_arbiter *arbiter, const struct channel *channel,
		       const struct gap *gap, struct fg_arbiter_event event)
{
	event.since_ns = gap->opened_ns;
	event.first = gap->first;
	report(arbiter, channel, &event);
}

/* Give up gap @p i up to @p to. */
static void gap_abandon(struct fg_arbiter *arbiter, struct channel *channel,
			struct tracker *tracker, uint32_t i, uint64_t to, uint64_t now_ns)
{
	struct gap *gap = &tracker->gaps[i];
	uint64_t n = gap->missing;

	if (seq_diff(to, gap->end) < 0)
		n = bits_count_unseen(tracker->bits, arbiter->mask, gap->first, to);
	else
		to = gap->end;
	if (n > 0) {
		channel_add(arbiter, channel, FG_ARBITER_CHANNEL_missing, n);
		channel_add(arbiter, channel, FG_ARBITER_CHANNEL_gaps_unfilled, 1);
		gap_report(arbiter, channel, gap,
			   (struct fg_arbiter_event){.kind = FG_ARBITER_GAP_UNFILLED,
						     .line = gap->line,
						     .time_ns = now_ns,
						     .last = to - 1,
						     .n = n});
	}
	gap->missing -= (uint32_t)n;
	gap->first = to;
	if (gap->missing == 0)
		gap_remove(arbiter, channel, tracker, i);
}

void tracker_abandon_gaps(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t to, uint64_t now_ns)
{
	while (tracker->n_gaps > 0 && seq_diff(tracker->gaps[0].first, to) < 0)
		gap_abandon(arbiter, channel, tracker, 0, to, now_ns);
}

void tracker_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns)
{
	/* Gaps are in the order in which they were opened. */
	while (tracker->n_gaps > 0 &&
	       overdue(now_ns, tracker->gaps[0].opened_ns, arbiter->gap_timeout_ns))
		gap_abandon(arbiter, channel, tracker, 0, tracker->gaps[0].end, now_ns);
	if (tracker->n_gaps > 0)
		tick_schedule(arbiter, tracker->gaps[0].opened_ns + arbiter->gap_timeout_ns);
}

/* Move high up to @p to and give up what the window leaves behind. The caller sets the bits. */
static void tracker_advance(struct arrival *a, uint64_t to)
{
	tracker_abandon_gaps(a->arbiter, a->channel, a->tracker, to - a->arbiter->window,
			     a->now_ns);
	a->tracker->high = to;
}

void tracker_open_gap(struct arrival *a, uint64_t to)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct tracker *tracker = a->tracker;
	const uint64_t from = tracker->high;
	struct gap *gap;

	if (tracker->n_gaps == GAPS_MAX)
		gap_abandon(arbiter, a->channel, tracker, 0, tracker->gaps[0].end, a->now_ns);
	tracker_advance(a, to);
	/* At most jump_max numbers, so this is not longer than the window. */
	bits_clear(tracker->bits, arbiter->mask, from, to - from);
	tracker->contiguous_from = to;
	gap = &tracker->gaps[tracker->n_gaps++];
	*gap = (struct gap){.first = from,
			    .end = to,
			    .opened_ns = a->now_ns,
			    .missing = (uint32_t)(to - from),
			    .line = a->line};
	channel_add(arbiter, a->channel, FG_ARBITER_CHANNEL_gaps_opened, 1);
	channel_add(arbiter, a->channel, FG_ARBITER_CHANNEL_gaps_open, 1);
	gap_report(arbiter, a->channel, gap,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_GAP_OPENED,
					     .line = a->line,
					     .time_ns = a->now_ns,
					     .last = to - 1,
					     .n = to - from});
	tick_schedule(arbiter, a->now_ns + arbiter->gap_timeout_ns);
}

/* @p n missing numbers of gap @p i came. Close the gap if they are the last; @return whether. */
static bool gap_fill(struct arrival *a, uint32_t i, uint64_t n)
{
	struct gap *gap = &a->tracker->gaps[i];
	const bool late = gap->line == a->line;

	gap->missing -= (uint32_t)n;
	if (gap->missing > 0)
		return false;
	channel_add(a->arbiter, a->channel,
		    late ? FG_ARBITER_CHANNEL_gaps_closed_late
			 : FG_ARBITER_CHANNEL_gaps_closed_other,
		    1);
	gap_report(a->arbiter, a->channel, gap,
		   (struct fg_arbiter_event){.kind = late ? FG_ARBITER_GAP_CLOSED_LATE
							  : FG_ARBITER_GAP_CLOSED_OTHER,
					     .line = a->line,
					     .time_ns = a->now_ns,
					     .last = gap->end - 1,
					     .n = gap->end - gap->first});
	gap_remove(a->arbiter, a->channel, a->tracker, i);
	return true;
}

/* [at, end) below high comes, none of which came before: fill gaps, and count what is in none. */
static void tracker_fill_late(struct arrival *a, uint64_t at, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	uint64_t before = 0, rest = end - at;
	uint32_t i = 0;

	while (i < tracker->n_gaps) {
		const uint64_t from = seq_max(at, tracker->gaps[i].first);
		const uint64_t to = seq_min(end, tracker->gaps[i].end);

		if (seq_diff(from, to) < 0) {
			rest -= to - from;
			if (gap_fill(a, i, to - from))
				continue;
		}
		i++;
	}
	if (seq_diff(at, tracker->start) < 0)
		before = seq_min(end, tracker->start) - at;
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_before_start, before);
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_filled_late, rest - before);
	bits_set(tracker->bits, a->arbiter->mask, at, end - at);
	tracker->lowest = seq_min(tracker->lowest, at);
}

/* [at, end) comes, none of which came before. */
static void tracker_add_unseen(struct arrival *a, uint64_t at, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	const uint64_t known = tracker->high;

	lead_record(tracker, a->line, a->pkt->arrival_ns, at, end - at);
	line_add(a->arbiter, a->line, FG_ARBITER_LINE_first_numbers, end - at);
	a->n_first += end - at;
	if (seq_diff(at, known) < 0)
		tracker_fill_late(a, at, seq_min(end, known));
	if (seq_diff(end, known) > 0) {
		tracker_advance(a, end);
		at = seq_max(at, known);
		bits_set(tracker->bits, a->arbiter->mask, at, end - at);
	}
}

void tracker_add(struct arrival *a, uint64_t at, uint64_t end)
{
	while ((at = tracker_next_unseen(a->arbiter, a->tracker, at, end)) != end) {
		const uint64_t stop = tracker_next_seen(a->arbiter, a->tracker, at, end);

		tracker_add_unseen(a, at, stop);
		at = stop;
	}
}

/* Bits [at, stop); stop may be above 64. */
static uint64_t range_mask(uint64_t at, uint64_t stop)
{
	return (UINT64_MAX << at) & (UINT64_MAX >> (64 - RTE_MIN(stop, 64u)));
}

uint64_t tracker_mark_new(const struct arrival *a, uint64_t from, uint64_t all_new_from)
{
	struct fg_arbiter_result *result = a->result;
	uint64_t at = from, stop = from;

	result->from = (uint32_t)(from - a->first);
	result->mask = 0;
	while (at != a->end) {
		/* Beyond the mask: the caller has to arbitrate the packet again. */
		if (at - from >= 64) {
			result->flags |= FG_ARBITER_MORE;
			break;
		}
		stop = a->end;
		if (seq_diff(at, all_new_from) < 0)
			stop = tracker_next_seen(a->arbiter, a->tracker, at,
						 seq_min(a->end, all_new_from));
		if (stop == all_new_from)
			stop = a->end;
		result->mask |= range_mask(at - from, stop - from);
		at = stop;
		if (seq_diff(at, all_new_from) < 0)
			at = tracker_next_unseen(a->arbiter, a->tracker, at,
						 seq_min(a->end, all_new_from));
	}
	result->to = (uint32_t)(stop - a->first);
	return stop;
}

void tracker_mark_duplicate(struct arrival *a)
{
	a->result->disposition = FG_ARBITER_DUPLICATE;
	line_add(a->arbiter, a->line, FG_ARBITER_LINE_duplicates, 1);
	line_add(a->arbiter, a->line, FG_ARBITER_LINE_duplicate_numbers, a->end - a->first);
	lead_measure(a->arbiter, a->tracker, a->line, a->pkt->arrival_ns, a->first, a->end);
}

void tracker_reject(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		    uint64_t now_ns)
{
	if (tracker->confirmed || tracker->rejected)
		return;
	tracker->rejected = true;
	/* No packet came to it: a channel whose first packet is a reset has such a tracker. */
	if (tracker->lines_seen == 0)
		return;
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_jumps_rejected, 1);
	report_now(arbiter, channel,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_JUMP_REJECTED,
					     .line = tracker->opening_line,
					     .time_ns = now_ns,
					     .first = tracker->lowest,
					     .last = tracker->high - 1,
					     .n = tracker->high - tracker->lowest});
}

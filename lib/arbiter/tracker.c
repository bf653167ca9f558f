/* SPDX-License-Identifier: MIT */
/* One tracker: which numbers of the window came, and its gaps. Hot. */
#include "tracker.h"

#include "lead.h"
#include "lost.h"
#include "report.h"

void tracker_start(struct fg_arbiter *arbiter, struct tracker *tracker, uint64_t at)
{
	struct fg_arbiter_track *fast = &tracker->fast;

	for (unsigned int i = 0; i < FG_ARBITER_LINES_MAX; i++) {
		struct fg_arbiter_track_line *state = &fast->lines[i];
		struct fg_counter *last_ns = &arbiter->lines[i].counters[FG_ARBITER_LINE_last_ns];

		fg_counter_set(last_ns,
			       RTE_MAX(fg_counter_read(last_ns), fg_counter_read(&state->last_ns)));
		fg_counter_set(&state->last_ns, 0);
		state->next = state->position = 0;
		state->cursor = 0;
		tracker->slow_leads[i] = fg_counter_read(&state->first_arrivals);
	}
	fg_counter_set(&fast->high, at);
	fast->contiguous_from = tracker->bits_end = tracker->deliver_next = tracker->start =
		tracker->lowest = at;
	fast->fast_path_end = at + DIFF_MAX;
	memset(tracker->bits, 0, arbiter->window / 8);
	if (arbiter->hold)
		memset(tracker->held_bits, 0, arbiter->window / 8);
	fast->firsts_head = 0;
	fast->fast_path_lines = 0;
	tracker->lines_seen = tracker->lines_leading = tracker->lines_back = 0;
	tracker->reset_lines = 0;
	tracker->confirmed = tracker->rejected = false;
	tracker->oldest = tracker->youngest = NULL;
	tracker->n_gaps = tracker->n_lost = 0;
}

/* Mark numbers [from, from + n) as seen in the window's bits; 1 <= n <= window. */
static void bits_set(uint64_t *bits, uint64_t mask, uint64_t from, uint64_t n)
{
	while (n > 0) {
		const uint64_t at = from & mask;
		const uint64_t batch = RTE_MIN(64 - (at & 63), n);

		bits[at >> 6] |= (UINT64_MAX >> (64 - batch)) << (at & 63);
		from += batch;
		n -= batch;
	}
}

void tracker_sync(const struct fg_arbiter *arbiter, struct tracker *tracker)
{
	const uint64_t high = tracker_high(tracker);
	uint64_t from = tracker->bits_end;

	if (from == high)
		return;
	from = seq_max(from, high - arbiter->window);
	bits_set(tracker->bits, arbiter->mask, from, high - from);
	tracker->bits_end = tracker->deliver_next = high;
}

static void tracker_set_high(struct tracker *tracker, uint64_t high)
{
	fg_counter_set(&tracker->fast.high, high);
	tracker->bits_end = high;
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
	const uint64_t high = tracker_high(tracker), min = high - arbiter->window;
	const uint64_t known = seq_min(end, high);
	uint64_t stop;

	if (unlikely(seq_diff(at, min) < 0)) {
		const uint64_t below = seq_min(end, min);
		const uint64_t lost = lost_find(tracker, at, below, &stop);

		if (lost != below || below == end)
			return lost == below ? end : lost;
		at = min;
	}
	return seq_diff(at, known) < 0 ? bits_find(tracker->bits, arbiter->mask, at, known, false)
				       : seq_min(at, end);
}

uint64_t tracker_next_seen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			   uint64_t at, uint64_t end)
{
	const uint64_t high = tracker_high(tracker), min = high - arbiter->window;
	const uint64_t known = seq_min(end, high);
	uint64_t found, stop;

	if (seq_diff(at, known) >= 0)
		return end;
	while (unlikely(seq_diff(at, min) < 0)) {
		if (lost_find(tracker, at, at + 1, &stop) != at)
			return at;
		/* Up to the end of the lost range. */
		(void)lost_find(tracker, at, seq_min(end, min), &stop);
		at = stop;
		if (at == end)
			return end;
	}
	found = bits_find(tracker->bits, arbiter->mask, at, known, true);
	return found == known ? end : found;
}

/* Report an event of a gap; the caller sets kind, line, time_ns and n. */
static void gap_report(struct fg_arbiter *arbiter, struct channel *channel, const struct gap *gap,
		       struct fg_arbiter_event event)
{
	event.since_ns = gap->opened_ns;
	event.first = gap->first;
	event.last = gap->end - 1;
	report(arbiter, channel, &event);
}

static void gap_remove(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		       uint32_t i)
{
	tracker->n_gaps--;
	memmove(&tracker->gaps[i], &tracker->gaps[i + 1],
		sizeof(tracker->gaps[0]) * (tracker->n_gaps - i));
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_gaps_open, UINT64_MAX);
}

/* What of gap @p i did not come is given up: the gap is unfilled. */
static void gap_unfilled(struct fg_arbiter *arbiter, struct channel *channel,
			 struct tracker *tracker, uint32_t i, uint64_t now_ns)
{
	const struct gap *gap = &tracker->gaps[i];

	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_gaps_unfilled, 1);
	gap_report(arbiter, channel, gap,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_GAP_UNFILLED,
					     .line = gap->line,
					     .time_ns = now_ns,
					     .n = gap->lost});
	lost_end_gap(tracker, gap, gap->lost);
	gap_remove(arbiter, channel, tracker, i);
}

/* Nothing of gap @p i is missing any more: it came, or was given up. */
static void gap_end(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		    uint32_t i, unsigned int line, uint64_t now_ns)
{
	const struct gap *gap = &tracker->gaps[i];
	const bool late = gap->line == line;

	if (gap->lost > 0) {
		gap_unfilled(arbiter, channel, tracker, i, now_ns);
		return;
	}
	channel_add(arbiter, channel,
		    late ? FG_ARBITER_CHANNEL_gaps_closed_late
			 : FG_ARBITER_CHANNEL_gaps_closed_other,
		    1);
	gap_report(arbiter, channel, gap,
		   (struct fg_arbiter_event){.kind = late ? FG_ARBITER_GAP_CLOSED_LATE
							  : FG_ARBITER_GAP_CLOSED_OTHER,
					     .line = (uint8_t)line,
					     .time_ns = now_ns,
					     .n = gap->end - gap->first});
	gap_remove(arbiter, channel, tracker, i);
}

/*
 * Numbers [from, to) of a gap are given up. Those of a packet ahead that nothing contradicted came
 * with it.
 */
static void gap_settle_claims(struct fg_arbiter *arbiter, struct channel *channel,
			      struct tracker *tracker, struct gap *gap, uint64_t from, uint64_t to)
{
	for (uint32_t left = channel->claims_open; left != 0;) {
		struct claim *claim = claim_take(channel, &left);
		const uint64_t first = seq_max(claim->first, from);
		const uint64_t end = seq_min(claim->end, gap->end);

		if (claim->tracker != tracker || claim->first == claim->end ||
		    seq_diff(claim->first, to) >= 0 || seq_diff(claim->end, from) <= 0)
			continue;
		gap->missing -=
			(uint32_t)bits_count_unseen(tracker->bits, arbiter->mask, first, end);
		bits_set(tracker->bits, arbiter->mask, first, end - first);
		claim->state = CLAIM_SETTLED;
		claim_close(channel, claim, false);
	}
}

/* Give up gap @p i up to @p to; the window still covers it. @return whether it is gone. */
static bool gap_abandon(struct fg_arbiter *arbiter, struct channel *channel,
			struct tracker *tracker, uint32_t i, uint64_t to, uint64_t now_ns)
{
	struct gap *gap = &tracker->gaps[i];
	uint64_t at = gap->abandoned_to, n = 0;

	to = seq_min(to, gap->end);
	if (seq_diff(at, to) >= 0)
		return false;
	gap_settle_claims(arbiter, channel, tracker, gap, at, to);
	while ((at = bits_find(tracker->bits, arbiter->mask, at, to, false)) != to) {
		const uint64_t stop = bits_find(tracker->bits, arbiter->mask, at, to, true);

		lost_add(arbiter, channel, tracker, gap, at, stop);
		n += stop - at;
		at = stop;
	}
	gap->missing -= (uint32_t)n;
	gap->lost += (uint32_t)n;
	gap->abandoned_to = to;
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_missing, n);
	if (gap->missing > 0)
		return false;
	gap_end(arbiter, channel, tracker, i, gap->line, now_ns);
	return true;
}

void tracker_abandon_gaps(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t to, uint64_t now_ns)
{
	while (tracker->n_gaps > 0 && seq_diff(tracker->gaps[0].first, to) < 0)
		if (!gap_abandon(arbiter, channel, tracker, 0, to, now_ns))
			break;
}

void tracker_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns)
{
	/* Gaps are in the order in which they were opened. */
	while (tracker->n_gaps > 0 &&
	       overdue(now_ns, tracker->gaps[0].opened_ns, arbiter->gap_timeout_ns))
		(void)gap_abandon(arbiter, channel, tracker, 0, tracker->gaps[0].end, now_ns);
	if (tracker->n_gaps > 0)
		tick_schedule(arbiter, channel,
			      time_after(tracker->gaps[0].opened_ns, arbiter->gap_timeout_ns));
}

/* Move high up to @p to and give up what the window leaves behind. The caller sets the bits. */
static void tracker_advance(struct arrival *a, uint64_t to)
{
	tracker_abandon_gaps(a->arbiter, a->channel, a->tracker, to - a->arbiter->window,
			     a->now_ns);
	tracker_set_high(a->tracker, to);
}

void tracker_open_gap(struct arrival *a, uint64_t to, unsigned int line, uint64_t since_ns)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct tracker *tracker = a->tracker;
	const uint64_t from = tracker_high(tracker);
	struct gap *gap;

	if (tracker->n_gaps == GAPS_MAX)
		(void)gap_abandon(arbiter, a->channel, tracker, 0, tracker->gaps[0].end, a->now_ns);
	tracker_advance(a, to);
	/* At most jump_max numbers, so this is not longer than the window. */
	bits_clear(tracker->bits, arbiter->mask, from, to - from);
	tracker->fast.contiguous_from = to;
	gap = &tracker->gaps[tracker->n_gaps++];
	*gap = (struct gap){.first = from,
			    .end = to,
			    .opened_ns = since_ns,
			    .abandoned_to = from,
			    .missing = (uint32_t)(to - from),
			    .line = (uint8_t)line};
	channel_add(arbiter, a->channel, FG_ARBITER_CHANNEL_gaps_opened, 1);
	channel_add(arbiter, a->channel, FG_ARBITER_CHANNEL_gaps_open, 1);
	gap_report(arbiter, a->channel, gap,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_GAP_OPENED,
					     .line = (uint8_t)line,
					     .time_ns = a->now_ns,
					     .n = to - from});
	tick_schedule(arbiter, a->channel, time_after(since_ns, arbiter->gap_timeout_ns));
}

/* [at, end) of gap @p i comes. @return whether the gap is gone. */
static bool gap_fill(struct arrival *a, uint32_t i, uint64_t at, uint64_t end)
{
	struct gap *gap = &a->tracker->gaps[i];
	const uint64_t lost =
		seq_diff(at, gap->abandoned_to) < 0 ? seq_min(end, gap->abandoned_to) - at : 0;

	gap->lost -= (uint32_t)lost;
	gap->missing -= (uint32_t)(end - at - lost);
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_filled_late, lost);
	(void)lost_fill(a, at, at + lost);
	if (gap->missing > 0)
		return false;
	gap_end(a->arbiter, a->channel, a->tracker, i, a->line, a->now_ns);
	return true;
}

/* [at, end) below high comes, none of which came before: fill gaps, and count what is in none. */
static void tracker_fill_late(struct arrival *a, uint64_t at, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	const uint64_t min = tracker_high(tracker) - a->arbiter->window;
	uint64_t before = 0, rest = end - at;
	uint32_t i = 0;

	while (i < tracker->n_gaps) {
		const uint64_t from = seq_max(at, tracker->gaps[i].first);
		const uint64_t to = seq_min(end, tracker->gaps[i].end);

		if (seq_diff(from, to) < 0) {
			rest -= to - from;
			if (gap_fill(a, i, from, to))
				continue;
		}
		i++;
	}
	if (seq_diff(at, tracker->start) < 0)
		before = seq_min(end, tracker->start) - at;
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_before_start, before);
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_filled_late, rest - before);
	if (rest - before > 0)
		(void)lost_fill(a, at, end);
	at = seq_max(at, min);
	if (seq_diff(at, end) < 0)
		bits_set(tracker->bits, a->arbiter->mask, at, end - at);
	tracker->lowest = seq_min(tracker->lowest, at);
}

/* [at, end) comes, none of which came before. */
static void tracker_mark_unseen(struct arrival *a, uint64_t at, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	const uint64_t known = tracker_high(tracker);

	if (seq_diff(at, known) < 0)
		tracker_fill_late(a, at, seq_min(end, known));
	if (seq_diff(end, known) > 0) {
		tracker_advance(a, end);
		at = seq_max(at, known);
		bits_set(tracker->bits, a->arbiter->mask, at, end - at);
	}
}

void tracker_mark(struct arrival *a, uint64_t at, uint64_t end)
{
	while ((at = tracker_next_unseen(a->arbiter, a->tracker, at, end)) != end) {
		const uint64_t stop = tracker_next_seen(a->arbiter, a->tracker, at, end);

		tracker_mark_unseen(a, at, stop);
		at = stop;
	}
}

void tracker_add(struct arrival *a, uint64_t at, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	struct fg_arbiter_track_line *state = &tracker->fast.lines[a->line];

	while ((at = tracker_next_unseen(a->arbiter, tracker, at, end)) != end) {
		const uint64_t stop = tracker_next_seen(a->arbiter, tracker, at, end);

		lead_record(tracker, a->line, a->pkt->arrival_ns, at, stop - at);
		fg_counter_add(&state->first_numbers, stop - at);
		a->n_first += stop - at;
		if (seq_diff(at, tracker_high(tracker)) >= 0)
			tracker->lines_leading |= (uint8_t)(1u << a->line);
		tracker_mark_unseen(a, at, stop);
		at = stop;
	}
}

void tracker_line_move(struct arrival *a, uint64_t first, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	struct fg_arbiter_track_line *state = &tracker->fast.lines[a->line];
	const int64_t skipped = seq_diff(first, state->next);

	if ((tracker->lines_seen & 1u << a->line) == 0) {
		tracker->lines_seen |= (uint8_t)(1u << a->line);
		state->next = state->position = end;
		return;
	}
	if (skipped > 0)
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_skipped, (uint64_t)skipped);
	state->next = seq_max(state->next, end);
	state->position = seq_max(state->position, end);
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

void tracker_count_duplicate(struct arrival *a)
{
	struct fg_arbiter_track_line *state = &a->tracker->fast.lines[a->line];

	a->result->disposition = FG_ARBITER_DUPLICATE;
	fg_counter_add(&state->duplicates, 1);
	fg_counter_add(&state->duplicate_numbers, a->end - a->first);
}

void tracker_mark_duplicate(struct arrival *a)
{
	tracker_count_duplicate(a);
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
					     .last = tracker_high(tracker) - 1,
					     .n = tracker_high(tracker) - tracker->lowest});
}

/* SPDX-License-Identifier: MIT */
/* One place in a sequence channel: which of the last numbers came, and which are missing. Hot. */
#include "arbiter.h"

void tracker_start(const struct fg_arbiter *arbiter, struct tracker *tracker, uint64_t at)
{
	tracker->high = tracker->contiguous_from = tracker->next = tracker->start = tracker->floor =
		at;
	tracker->limit = at + FAR_AWAY;
	memset(tracker->bits, 0, arbiter->window / 8);
	/* No old entry may be taken for one of these numbers. */
	memset(tracker->first_arrivals, 0, sizeof(*tracker->first_arrivals) * FIRST_ARRIVALS_MAX);
	tracker->first_arrivals_head = 0;
	tracker->fast_path_lines = tracker->joined = tracker->reset_lines = 0;
	tracker->confirmed = tracker->rejected = tracker->muted = false;
	tracker->held = NULL;
	tracker->n_gaps = 0;
	memset(tracker->line, 0, sizeof(tracker->line));
}

/* After anything out of the ordinary: what the common path may take for granted from here on. */
void tracker_settle(struct fg_arbiter *arbiter, struct channel *channel)
{
	struct tracker *current = channel->current;
	const struct tracker *candidate = channel->candidate;
	const bool in_order =
		!arbiter->hold || (current->held == NULL && current->next == current->high);
	const bool alone = candidate == NULL || candidate->confirmed || candidate->rejected;

	current->limit = (current->n_gaps > 0 ? current->gaps[0].first + arbiter->window
					      : current->high + FAR_AWAY);
	/* Where the candidate began, the candidate goes on. */
	if (candidate != NULL && candidate->epoch == current->epoch &&
	    ahead(candidate->start, current->start) > 0)
		current->limit = earlier(current->limit, candidate->start);
	current->fast_path_lines = current->confirmed && in_order && alone ? current->joined : 0;
	if (channel->candidate != NULL)
		channel->candidate->fast_path_lines = 0;
	fg_counter_set(&channel->next, current->high);
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

/* The first number in [at, end) whose bit is @p set; else end. All of it lies in the window. */
static uint64_t bits_find(const uint64_t *bits, uint64_t mask, uint64_t at, uint64_t end, bool set)
{
	while (ahead(at, end) < 0) {
		const uint64_t bit = at & 63;
		const uint64_t word = bits[(at & mask) >> 6] ^ (set ? 0 : UINT64_MAX);

		if (word >> bit != 0)
			return earlier(at + (uint64_t)__builtin_ctzll(word >> bit), end);
		at += 64 - bit;
	}
	return end;
}

/* Numbers in [at, end) that did not come. All of it lies in the window. */
static uint64_t bits_unseen(const uint64_t *bits, uint64_t mask, uint64_t at, uint64_t end)
{
	uint64_t n = 0;

	while (ahead(at, end) < 0) {
		const uint64_t batch = RTE_MIN(64 - (at & 63), end - at);
		const uint64_t word = ~bits[(at & mask) >> 6] >> (at & 63);

		n += (uint64_t)__builtin_popcountll(word & (UINT64_MAX >> (64 - batch)));
		at += batch;
	}
	return n;
}

/* The first number in [at, end) that did not come; else end. What is too old counts as come. */
uint64_t tracker_next_unseen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			     uint64_t at, uint64_t end)
{
	const uint64_t known = earlier(end, tracker->high);

	at = later(at, tracker->high - arbiter->window);
	if (ahead(at, end) >= 0)
		return end;
	at = ahead(at, known) < 0 ? bits_find(tracker->bits, arbiter->mask, at, known, false) : at;
	return at;
}

/* The first number in [at, end) that came; else end. @p at is in the window. */
uint64_t tracker_next_seen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			   uint64_t at, uint64_t end)
{
	const uint64_t known = earlier(end, tracker->high);
	uint64_t found;

	if (ahead(at, known) >= 0)
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

/* The gap number @p i is lost up to @p to. */
static void gap_abandon(struct fg_arbiter *arbiter, struct channel *channel,
			struct tracker *tracker, uint32_t i, uint64_t to, uint64_t now_ns)
{
	struct gap *gap = &tracker->gaps[i];
	uint64_t n = gap->missing;

	if (ahead(to, gap->end) < 0)
		n = bits_unseen(tracker->bits, arbiter->mask, gap->first, to);
	else
		to = gap->end;
	if (n > 0) {
		channel_add(arbiter, channel, FG_ARBITER_CHANNEL_missing, n);
		channel_add(arbiter, channel, FG_ARBITER_CHANNEL_gaps_unfilled, 1);
		report_gap(arbiter, channel, FG_ARBITER_GAP_UNFILLED, gap->line, now_ns, gap, to,
			   n);
	}
	gap->missing -= (uint32_t)n;
	gap->first = to;
	if (gap->missing == 0)
		gap_remove(arbiter, channel, tracker, i);
}

void tracker_abandon_gaps(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t to, uint64_t now_ns)
{
	while (tracker->n_gaps > 0 && ahead(tracker->gaps[0].first, to) < 0)
		gap_abandon(arbiter, channel, tracker, 0, to, now_ns);
}

void tracker_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns)
{
	/* They were opened in this order. */
	while (tracker->n_gaps > 0 &&
	       overdue(now_ns, tracker->gaps[0].opened_ns, arbiter->gap_timeout_ns))
		gap_abandon(arbiter, channel, tracker, 0, tracker->gaps[0].end, now_ns);
	if (tracker->n_gaps > 0)
		due_at(arbiter, tracker->gaps[0].opened_ns + arbiter->gap_timeout_ns);
}

/* The end moves on to @p to; gaps that the window leaves behind are lost. Bits are the caller's. */
static void tracker_extend(struct arrival *a, uint64_t to)
{
	tracker_abandon_gaps(a->arbiter, a->channel, a->tracker, to - a->arbiter->window,
			     a->now_ns);
	a->tracker->high = to;
}

void tracker_skip(struct arrival *a, uint64_t to)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct tracker *tracker = a->tracker;
	const uint64_t from = tracker->high;
	struct gap *gap;

	if (tracker->n_gaps == GAPS_MAX)
		gap_abandon(arbiter, a->channel, tracker, 0, tracker->gaps[0].end, a->now_ns);
	tracker_extend(a, to);
	/* A jump is at most half a window, so this is not longer than the window. */
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
	report_gap(arbiter, a->channel, FG_ARBITER_GAP_OPENED, a->line, a->now_ns, gap, to,
		   to - from);
	due_at(arbiter, a->now_ns + arbiter->gap_timeout_ns);
}

/* [at, end), which did not come, lies in this gap: it is closed when nothing is missing. @return
 * whether it is. */
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
	report_gap(a->arbiter, a->channel,
		   late ? FG_ARBITER_GAP_CLOSED_LATE : FG_ARBITER_GAP_CLOSED_OTHER, a->line,
		   a->now_ns, gap, gap->end, gap->end - gap->first);
	gap_remove(a->arbiter, a->channel, a->tracker, i);
	return true;
}

/* [at, end), none of which came, comes from behind. */
static void tracker_fill(struct arrival *a, uint64_t at, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	uint64_t before = 0, rest = end - at;
	uint32_t i = 0;

	while (i < tracker->n_gaps) {
		const uint64_t from = later(at, tracker->gaps[i].first);
		const uint64_t to = earlier(end, tracker->gaps[i].end);

		if (ahead(from, to) < 0) {
			rest -= to - from;
			if (gap_fill(a, i, to - from))
				continue;
		}
		i++;
	}
	if (ahead(at, tracker->start) < 0)
		before = earlier(end, tracker->start) - at;
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_before_start, before);
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_filled_late, rest - before);
	bits_set(tracker->bits, a->arbiter->mask, at, end - at);
	tracker->floor = earlier(tracker->floor, at);
}

/* [at, end), none of which came, comes. */
static void tracker_accept(struct arrival *a, uint64_t at, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	const uint64_t known = tracker->high;

	first_arrival_record(tracker, a->line, a->pkt->arrival_ns, at, end - at);
	line_add(a->arbiter, a->line, FG_ARBITER_LINE_first_numbers, end - at);
	a->claimed += end - at;
	if (ahead(at, known) < 0)
		tracker_fill(a, at, earlier(end, known));
	if (ahead(end, known) > 0) {
		tracker_extend(a, end);
		at = later(at, known);
		bits_set(tracker->bits, a->arbiter->mask, at, end - at);
	}
}

void tracker_claim(struct arrival *a, uint64_t at, uint64_t end)
{
	while ((at = tracker_next_unseen(a->arbiter, a->tracker, at, end)) != end) {
		const uint64_t stop = tracker_next_seen(a->arbiter, a->tracker, at, end);

		tracker_accept(a, at, stop);
		at = stop;
	}
}

static uint64_t range_mask(uint64_t at, uint64_t stop)
{
	return (UINT64_MAX << at) & (UINT64_MAX >> (64 - RTE_MIN(stop, 64u)));
}

uint64_t tracker_mark_new(const struct arrival *a, uint64_t from, uint64_t solid)
{
	struct fg_arbiter_result *result = a->result;
	uint64_t at = from, stop = from;

	result->from = (uint32_t)(from - a->first);
	result->mask = 0;
	while (at != a->end) {
		/* The mask cannot say this: it is said when the packet is judged again. */
		if (at - from >= 64) {
			result->flags |= FG_ARBITER_MORE;
			break;
		}
		stop = a->end;
		if (ahead(at, solid) < 0)
			stop = tracker_next_seen(a->arbiter, a->tracker, at,
						 earlier(a->end, solid));
		if (stop == solid)
			stop = a->end;
		result->mask |= range_mask(at - from, stop - from);
		at = stop;
		if (ahead(at, solid) < 0)
			at = tracker_next_unseen(a->arbiter, a->tracker, at,
						 earlier(a->end, solid));
	}
	result->to = (uint32_t)(stop - a->first);
	return stop;
}

/* The first of first_arrivals [i, end) that has @p number; else end. */
static uint32_t first_arrival_find(const struct tracker *tracker, uint32_t i, uint32_t end,
				   uint64_t number)
{
	for (; i != end; i++) {
		const struct first_arrival *first_arrival =
			&tracker->first_arrivals[i % FIRST_ARRIVALS_MAX];

		if (number - first_arrival->first < first_arrival_count(first_arrival))
			break;
	}
	return i;
}

/* It is not where the last one ended: further on, or further back. */
void first_arrival_search(struct fg_arbiter *arbiter, struct tracker *tracker, unsigned int line,
			  uint64_t arrival_ns, uint64_t first, uint64_t end)
{
	struct tracker_line *place = &tracker->line[line];
	const uint32_t head = tracker->first_arrivals_head;
	const uint32_t oldest = head - RTE_MIN(head, FIRST_ARRIVALS_MAX);
	uint32_t i = head - RTE_MIN(head - place->cursor, head - oldest);
	const struct first_arrival *first_arrival;

	i = first_arrival_find(tracker, i, head, first);
	if (i == head &&
	    ahead(first, tracker->first_arrivals[oldest % FIRST_ARRIVALS_MAX].first) >= 0)
		i = first_arrival_find(tracker, oldest, head, first);
	if (i == head) {
		line_add(arbiter, line, FG_ARBITER_LINE_unmeasured, 1);
		return;
	}
	first_arrival = &tracker->first_arrivals[i % FIRST_ARRIVALS_MAX];
	place->cursor = i + (end - first_arrival->first >= first_arrival_count(first_arrival));
	lead_count(arbiter, first_arrival, line, arrival_ns);
}

void tracker_duplicate(struct arrival *a)
{
	a->result->disposition = FG_ARBITER_DUPLICATE;
	line_add(a->arbiter, a->line, FG_ARBITER_LINE_duplicates, 1);
	line_add(a->arbiter, a->line, FG_ARBITER_LINE_duplicate_numbers, a->end - a->first);
	lead_measure(a->arbiter, a->tracker, a->line, a->pkt->arrival_ns, a->first, a->end);
}

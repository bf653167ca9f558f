/* SPDX-License-Identifier: MIT */
/* Ranges of numbers that were given up. Hot. */
#include "lost.h"

#include "report.h"

/* Whether there is another range of the gap of range @p i. */
static bool lost_has_sibling(const struct tracker *tracker, uint32_t i)
{
	for (uint32_t k = 0; k < tracker->n_lost; k++)
		if (k != i && tracker->lost[k].gap_first == tracker->lost[i].gap_first)
			return true;
	return false;
}

static void lost_remove(struct tracker *tracker, uint32_t i)
{
	tracker->n_lost--;
	memmove(&tracker->lost[i], &tracker->lost[i + 1],
		sizeof(tracker->lost[0]) * (tracker->n_lost - i));
}

static void lost_forget_oldest(struct fg_arbiter *arbiter, struct channel *channel,
			       struct tracker *tracker)
{
	const struct lost oldest = tracker->lost[0];

	lost_remove(tracker, 0);
	for (uint32_t i = 0; i < tracker->n_lost; i++)
		if (tracker->lost[i].gap_first == oldest.gap_first)
			tracker->lost[i].incomplete = true;
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_lost_forgotten, oldest.end - oldest.first);
}

void lost_add(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
	      const struct gap *gap, uint64_t first, uint64_t end)
{
	struct lost *last = tracker->n_lost > 0 ? &tracker->lost[tracker->n_lost - 1] : NULL;

	if (last != NULL && last->end == first && last->gap_first == gap->first) {
		last->end = end;
		return;
	}
	if (tracker->n_lost == LOST_MAX)
		lost_forget_oldest(arbiter, channel, tracker);
	tracker->lost[tracker->n_lost++] = (struct lost){.first = first,
							 .end = end,
							 .gap_first = gap->first,
							 .gap_end = gap->end,
							 .opened_ns = gap->opened_ns,
							 .line = gap->line};
}

void lost_end_gap(struct tracker *tracker, const struct gap *gap, uint32_t n)
{
	for (uint32_t i = 0; i < tracker->n_lost; i++)
		if (tracker->lost[i].gap_first == gap->first)
			tracker->lost[i].n = n;
}

/* All of the range came: if it was the last of an unfilled gap, the gap is filled late. */
static void lost_filled(struct arrival *a, uint32_t i)
{
	const struct lost range = a->tracker->lost[i];
	const bool last = !range.incomplete && range.n > 0 && !lost_has_sibling(a->tracker, i);

	lost_remove(a->tracker, i);
	if (!last)
		return;
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_gaps_filled_late, 1);
	report(a->arbiter, a->channel,
	       &(struct fg_arbiter_event){.kind = FG_ARBITER_GAP_FILLED_LATE,
					  .line = a->line,
					  .time_ns = a->now_ns,
					  .since_ns = range.opened_ns,
					  .first = range.gap_first,
					  .last = range.gap_end - 1,
					  .n = range.n});
}

/* [from, to), in the middle of range @p i, came: what is above becomes a range of its own. */
static void lost_split(struct arrival *a, uint32_t i, uint64_t from, uint64_t to)
{
	struct tracker *tracker = a->tracker;
	struct lost *lower = &tracker->lost[i], upper = *lower;

	lower->end = from;
	upper.first = to;
	if (tracker->n_lost == LOST_MAX) {
		/* If the lower part is the oldest, it is forgotten. */
		upper.incomplete |= i == 0;
		lost_forget_oldest(a->arbiter, a->channel, tracker);
		i -= 1;
	}
	/* The upper part goes above the lower one, or to where it was. */
	memmove(&tracker->lost[i + 2], &tracker->lost[i + 1],
		sizeof(tracker->lost[0]) * (tracker->n_lost - (i + 1)));
	tracker->lost[i + 1] = upper;
	tracker->n_lost++;
}

uint64_t lost_fill(struct arrival *a, uint64_t first, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	uint64_t n = 0;

	for (uint32_t i = 0; i < tracker->n_lost;) {
		struct lost *range = &tracker->lost[i];
		const uint64_t from = seq_max(first, range->first);
		const uint64_t to = seq_min(end, range->end);

		if (seq_diff(from, to) >= 0) {
			i++;
			continue;
		}
		n += to - from;
		if (from == range->first && to == range->end) {
			lost_filled(a, i);
			continue;
		}
		if (from == range->first)
			range->first = to;
		else if (to == range->end)
			range->end = from;
		else
			lost_split(a, i, from, to);
		i++;
	}
	return n;
}

uint64_t lost_find(const struct tracker *tracker, uint64_t at, uint64_t end, uint64_t *stop)
{
	uint64_t found = end;

	for (uint32_t i = 0; i < tracker->n_lost; i++) {
		const uint64_t from = seq_max(at, tracker->lost[i].first);
		const uint64_t to = seq_min(end, tracker->lost[i].end);

		if (seq_diff(from, to) < 0 && seq_diff(from, found) < 0) {
			found = from;
			*stop = to;
		}
	}
	return found;
}

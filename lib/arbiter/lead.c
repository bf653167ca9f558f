/* SPDX-License-Identifier: MIT */
/* Lead times of duplicates that are not where the line's cursor is. Hot. */
#include "lead.h"

/* The first of the first arrivals [i, end) that brought @p number; otherwise end. */
static uint32_t lead_find(const struct tracker *tracker, uint32_t i, uint32_t end, uint64_t number)
{
	for (; i != end; i++) {
		const struct first_arrival *entry =
			&tracker->first_arrivals[i % FIRST_ARRIVALS_MAX];

		if (number - entry->first < lead_numbers(entry))
			break;
	}
	return i;
}

void lead_search(struct fg_arbiter *arbiter, struct tracker *tracker, unsigned int line,
		 uint64_t arrival_ns, uint64_t first, uint64_t end)
{
	struct tracker_line *state = &tracker->lines[line];
	const uint32_t head = tracker->first_arrivals_head;
	const uint32_t oldest = head - RTE_MIN(head, FIRST_ARRIVALS_MAX);
	uint32_t i = head - RTE_MIN(head - state->cursor, head - oldest);
	const struct first_arrival *entry;

	/* From the cursor on; then, if the ring reaches back to the number, all of it. */
	i = lead_find(tracker, i, head, first);
	if (i == head &&
	    seq_diff(first, tracker->first_arrivals[oldest % FIRST_ARRIVALS_MAX].first) >= 0)
		i = lead_find(tracker, oldest, head, first);
	if (i == head) {
		line_add(arbiter, line, FG_ARBITER_LINE_unmeasured, 1);
		return;
	}
	entry = &tracker->first_arrivals[i % FIRST_ARRIVALS_MAX];
	state->cursor = i + (end - entry->first >= lead_numbers(entry));
	lead_count(arbiter, entry, line, arrival_ns);
}

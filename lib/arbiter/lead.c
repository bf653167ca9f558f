/* SPDX-License-Identifier: MIT */
/* Lead times of duplicates that are not where the line's cursor is. Hot. */
#include "lead.h"

/* The first of the first arrivals [i, end) that brought @p number; otherwise end. */
static uint32_t lead_find(const struct fg_arbiter_track *track, uint32_t i, uint32_t end,
			  uint64_t number)
{
	for (; i != end; i++) {
		const struct fg_arbiter_first *entry = &track->firsts[i % FG_ARBITER_FIRSTS];

		if (number - entry->first < fg_arbiter_first_numbers(entry))
			break;
	}
	return i;
}

void fg_arbiter_lead_search(struct fg_arbiter *arbiter, struct fg_arbiter_track *track,
			    unsigned int line, uint64_t arrival_ns, uint64_t first, uint64_t end)
{
	struct fg_arbiter_track_line *state = &track->lines[line];
	const uint32_t head = track->firsts_head;
	const uint32_t oldest = head - RTE_MIN(head, FG_ARBITER_FIRSTS);
	uint32_t i = head - RTE_MIN(head - state->cursor, head - oldest);
	const struct fg_arbiter_first *entry;

	/* From the cursor on; then, if the ring reaches back to the number, all of it. */
	i = lead_find(track, i, head, first);
	if (i == head && seq_diff(first, track->firsts[oldest % FG_ARBITER_FIRSTS].first) >= 0)
		i = lead_find(track, oldest, head, first);
	if (i == head) {
		line_add(arbiter, line, FG_ARBITER_LINE_unmeasured, 1);
		return;
	}
	entry = &track->firsts[i % FG_ARBITER_FIRSTS];
	state->cursor = i + (end - entry->first >= fg_arbiter_first_numbers(entry));
	fg_arbiter_lead_count(&arbiter->head, entry, line, arrival_ns);
}

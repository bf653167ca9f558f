/* SPDX-License-Identifier: MIT */
/*
 * Lead times. A tracker remembers its latest first arrivals in a ring. A duplicate is compared with
 * the first arrival that brought its first number: the difference is the lead time. Hot.
 */
#ifndef LEAD_H
#define LEAD_H

#include "arbiter.h"

#define LEAD_TIME_BITS  40u
#define LEAD_LINE_BITS  4u
#define LEAD_COUNT_BITS 20u

static_assert(LEAD_TIME_BITS + LEAD_LINE_BITS + LEAD_COUNT_BITS == 64, "one word");
static_assert(FG_ARBITER_LEADS == LEAD_TIME_BITS, "bucket i ends at 2^i ns, and half is negative");
static_assert(FG_ARBITER_LINES_MAX <= 1u << LEAD_LINE_BITS, "a line fits");

/* The line brought [first, first + n) first. */
static inline void lead_record(struct tracker *tracker, unsigned int line, uint64_t arrival_ns,
			       uint64_t first, uint64_t n)
{
	struct first_arrival *entry =
		&tracker->first_arrivals[tracker->first_arrivals_head++ % FIRST_ARRIVALS_MAX];

	entry->first = first;
	entry->packed = arrival_ns << (64 - LEAD_TIME_BITS) | (uint64_t)line << LEAD_COUNT_BITS |
			RTE_MIN(n, (1u << LEAD_COUNT_BITS) - 1u);
}

/* How many numbers a first arrival brought. */
static inline uint64_t lead_numbers(const struct first_arrival *entry)
{
	return entry->packed & ((1u << LEAD_COUNT_BITS) - 1u);
}

/* Count the lead time of a first arrival over its duplicate on @p line. */
static inline void lead_count(struct fg_arbiter *arbiter, const struct first_arrival *entry,
			      unsigned int line, uint64_t arrival_ns)
{
	const unsigned int first_line =
		entry->packed >> LEAD_COUNT_BITS & ((1u << LEAD_LINE_BITS) - 1u);
	const uint64_t lead = (arrival_ns - (entry->packed >> (64 - LEAD_TIME_BITS))) &
			      (UINT64_MAX >> (64 - LEAD_TIME_BITS));
	unsigned int bucket = 0;

	if (first_line == line)
		return;
	/* The upper half is negative: the clocks of two queues may differ a little. */
	if (likely(lead != 0 && lead >> (LEAD_TIME_BITS - 1) == 0))
		bucket = 64 - (unsigned int)__builtin_clzll(lead);
	fg_counter_add(&arbiter->lines[first_line].leads[bucket], 1);
}

/* lead_measure() for a duplicate that is not at the line's cursor. */
void lead_search(struct fg_arbiter *arbiter, struct tracker *tracker, unsigned int line,
		 uint64_t arrival_ns, uint64_t first, uint64_t end);

/* Count the lead time over a duplicate with numbers [first, end). */
static inline void lead_measure(struct fg_arbiter *arbiter, struct tracker *tracker,
				unsigned int line, uint64_t arrival_ns, uint64_t first,
				uint64_t end)
{
	struct tracker_line *state = &tracker->lines[line];
	const struct first_arrival *entry =
		&tracker->first_arrivals[state->cursor % FIRST_ARRIVALS_MAX];

	/* All lines send the same order, so the entry mostly follows the line's last one. */
	if (unlikely(first - entry->first >= lead_numbers(entry))) {
		lead_search(arbiter, tracker, line, arrival_ns, first, end);
		return;
	}
	state->cursor += end - entry->first >= lead_numbers(entry);
	lead_count(arbiter, entry, line, arrival_ns);
}

#endif /* LEAD_H */

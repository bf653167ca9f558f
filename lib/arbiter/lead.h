/* SPDX-License-Identifier: MIT */
/*
 * Lead times. A tracker remembers its latest first arrivals in a ring. A duplicate is compared with
 * the first arrival that brought its first number: the difference is the lead time. Hot.
 */
#ifndef LEAD_H
#define LEAD_H

#include "arbiter.h"

static_assert(FG_ARBITER_TIME_BITS + FG_ARBITER_LINE_BITS + FG_ARBITER_COUNT_BITS == 64,
	      "one word");
static_assert(FG_ARBITER_LEADS == FG_ARBITER_TIME_BITS,
	      "bucket i ends at 2^i ns, and half is negative");
static_assert(FG_ARBITER_LINES_MAX <= 1u << FG_ARBITER_LINE_BITS, "a line fits");

/* The packet brought [first, first + n) first. */
static inline void lead_record(struct tracker *tracker, unsigned int line, uint64_t arrival_ns,
			       uint64_t first, uint64_t n)
{
	fg_arbiter_track_record(&tracker->fast, line, arrival_ns, first, n);
}

/* Count the lead time over a duplicate with numbers [first, end). */
static inline void lead_measure(struct fg_arbiter *arbiter, struct tracker *tracker,
				unsigned int line, uint64_t arrival_ns, uint64_t first,
				uint64_t end)
{
	fg_arbiter_lead_measure(arbiter, &tracker->fast, line, arrival_ns, first, end);
}

/* The same over a duplicate on @p line of what @p first_line brought at @p first_ns. */
static inline void lead_measure_one(struct fg_arbiter *arbiter, unsigned int first_line,
				    uint64_t first_ns, unsigned int line, uint64_t arrival_ns)
{
	const struct fg_arbiter_first entry = {.packed = first_ns << FG_ARBITER_FIRST_SHIFT |
							 (uint64_t)first_line
								 << FG_ARBITER_COUNT_BITS};

	fg_arbiter_lead_count(&arbiter->head, &entry, line, arrival_ns);
}

#endif /* LEAD_H */

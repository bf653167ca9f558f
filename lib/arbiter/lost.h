/* SPDX-License-Identifier: MIT */
/*
 * Ranges of numbers that were given up. They stay known when the window has moved on: what a
 * retransmission or a slow line brings of them passes, once. A tracker keeps LOST_MAX ranges; the
 * oldest is forgotten. Hot.
 */
#ifndef LOST_H
#define LOST_H

#include "arbiter.h"

/* Numbers [first, end) of the gap are given up. */
void lost_add(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
	      const struct gap *gap, uint64_t first, uint64_t end);
/* The gap is no more open: its ranges are of an unfilled gap of @p n numbers. */
void lost_end_gap(struct tracker *tracker, const struct gap *gap, uint32_t n);
/* The packet brings [first, end): they are no longer lost. @return how many of them were. */
uint64_t lost_fill(struct arrival *a, uint64_t first, uint64_t end);
/* The first lost number in [at, end), otherwise end; and one past the last of its range. */
uint64_t lost_find(const struct tracker *tracker, uint64_t at, uint64_t end, uint64_t *stop);

#endif /* LOST_H */

/* SPDX-License-Identifier: MIT */
/* Private to clock, and for its tests: corrections from given readings of both clocks. */
#ifndef CLOCK_CLOCK_H
#define CLOCK_CLOCK_H

#include <fg_clock.h>

/* Both clocks at one instant. */
struct clock_reading {
	uint64_t ticks;
	uint64_t ns;           /* CLOCK_REALTIME. */
	uint64_t window_ticks; /* Time that the reading took: its uncertainty. */
};

/* Rates of correction, in parts per billion of elapsed time: ns in a second. */
#define CLOCK_SLEW_PPB     INT64_C(500000)
#define CLOCK_SLEW_MAX_PPB INT64_C(100000000)
/* A larger difference is corrected at a higher rate: 1 / CLOCK_FAR_S of it in a second. */
#define CLOCK_FAR_S 20
/* A correction takes this time if the rate allows. */
#define CLOCK_NEAR_S 2
/* The clock steps over a larger difference, forward only. */
#define CLOCK_STEP_NS INT64_C(100000000)
/* Corrections take effect so long after their reading, and are no closer together than this. */
#define CLOCK_AHEAD_MS  50u
#define CLOCK_PERIOD_MS 500u

/* As fg_clock_init(), with the slope known. */
void clock_begin(struct fg_clock *clock, const struct clock_reading *now, uint64_t ns_per_tick_q32);

/* As fg_clock_update(). */
void clock_correct(struct fg_clock *clock, const struct clock_reading *now);

#endif /* CLOCK_CLOCK_H */

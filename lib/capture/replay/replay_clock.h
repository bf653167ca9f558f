/* SPDX-License-Identifier: MIT */
/*
 * The clock that all replays of a run share: two captures of the same time stay in step, however
 * long other sources take to start.
 *
 * It begins to run when an lcore polls a replay for the first time after the start, stands while
 * the pipeline is stopped, and goes on after the next start. Time 0 is the earliest first packet
 * among the replays at the recorded pace: each of them begins as much later as its capture does.
 * They also share the length of a loop, so that they stay in step.
 */
#ifndef CAPTURE_REPLAY_CLOCK_H
#define CAPTURE_REPLAY_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "replay_file.h"

/* A replay, as the clock sees it. Only control uses it. */
struct replay_member {
	TAILQ_ENTRY(replay_member) next;
	const char *name;               /* Of the source. */
	const struct replay_file *file; /* NULL: not at the recorded pace. */
};

/* Written by control while no lcore polls, except start_ticks. */
struct replay_clock {
	_Atomic uint64_t start_ticks; /* TSC at time 0; 0: no lcore has polled since the start. */
	uint64_t run_ticks;           /* Running time up to the last stop. */
	uint64_t origin_ns;           /* Recorded time at time 0. */
	uint64_t span_ns;             /* Length of a loop. */
};
extern struct replay_clock replay_clock;

/* Add or remove a replay, between open and close. Control. */
void replay_clock_join(struct replay_member *member);
void replay_clock_leave(struct replay_member *member);

/* A replay starts or stops. Control; no lcore polls. */
void replay_clock_start(void);
void replay_clock_stop(void);

/* Length of a loop of @file alone: it ends one mean packet interval after its last packet. */
uint64_t replay_clock_span(const struct replay_file *file);

/* Running time in ticks. Hot. Threads: lcores. */
static inline uint64_t replay_clock_ticks(void)
{
	uint64_t start = atomic_load_explicit(&replay_clock.start_ticks, memory_order_relaxed);
	const uint64_t now = rte_rdtsc();

	/* The first poll starts the clock: for all lcores the same value. */
	if (unlikely(start == 0) &&
	    atomic_compare_exchange_strong_explicit(&replay_clock.start_ticks, &start,
						    now - replay_clock.run_ticks,
						    memory_order_relaxed, memory_order_relaxed))
		start = now - replay_clock.run_ticks;
	/* Another lcore's TSC may lag a little. */
	return now > start ? now - start : 0;
}

#endif /* CAPTURE_REPLAY_CLOCK_H */

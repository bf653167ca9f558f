/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Converts TSC ticks to UTC.
 *
 * Control compares the TSC with CLOCK_REALTIME, at start and then about every second, and publishes
 * a scale: lines that give UTC ns by ticks. Lcores convert ticks by it, without a system call. The
 * slope of CLOCK_REALTIME is measured over the whole time since start, so that its precision
 * increases.
 *
 * Time never goes back. A packet that was received later has no earlier rx_ns, on one lcore and
 * across lcores as far as their TSCs agree, if it is stamped within 0.4 s of its receipt. So a
 * correction does not set the clock, but makes it run faster or slower: by at most 500 ppm while it
 * is less than 10 ms off CLOCK_REALTIME, else by a twentieth of the difference a second, at most by
 * 10 %. If CLOCK_REALTIME is more than 100 ms ahead the clock steps forward. A correction takes
 * effect 50 ms after it is published, so that every lcore converts the same ticks to the same time.
 */
#ifndef FG_CLOCK_H
#define FG_CLOCK_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_cycles.h>

/** ns = ns0 + (ticks - ticks0) * ns_per_tick_q32 / 2^32. */
struct fg_clock_line {
	uint64_t ticks0;          /**< TSC. */
	uint64_t ns0;             /**< UTC, ns since 1970. */
	uint64_t ns_per_tick_q32; /**< Fixed point, 32 fractional bits. */
};

/** UTC by ticks: `after` from after.ticks0 on, `before` for all ticks before. */
struct fg_clock_scale {
	struct fg_clock_line after, before;
};
#define FG_CLOCK_WORDS (sizeof(struct fg_clock_scale) / sizeof(uint64_t))

/** Written by control, read by lcores. A sequence lock gives readers a consistent scale. */
struct fg_clock {
	_Atomic uint32_t sequence;              /**< Odd while control writes. */
	_Atomic uint64_t words[FG_CLOCK_WORDS]; /**< The scale. */

	/* Control only. */
	struct fg_clock_line realtime; /**< CLOCK_REALTIME, which the scale follows. */
	struct fg_clock_line first;    /**< Where the measurement of its slope began. */
	bool measured;                 /**< The slope was measured from there. */
	bool far;                      /**< It was logged that the clock is far off. */
	uint64_t corrected_ticks;      /**< When the scale was published. */
} __attribute__((aligned(128)));
static_assert(offsetof(struct fg_clock, realtime) <= 64, "what lcores read is one cache line");

/** Calibrate for the first time, which takes 20 ms. Threads: control, before lcores run. */
void fg_clock_init(struct fg_clock *clock);

/** Calibrate again. Threads: control, while lcores may run. */
void fg_clock_update(struct fg_clock *clock);

/** The current scale. Hot. Threads: any. */
static inline struct fg_clock_scale fg_clock_scale(const struct fg_clock *clock)
{
	struct fg_clock_scale scale;
	uint64_t words[FG_CLOCK_WORDS];
	uint32_t before, after;

	do {
		before = atomic_load_explicit(&clock->sequence, memory_order_acquire);
		for (unsigned int i = 0; i < FG_CLOCK_WORDS; i++)
			words[i] = atomic_load_explicit(&clock->words[i], memory_order_relaxed);
		/* Partner: the release fence in publish(). */
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&clock->sequence, memory_order_relaxed);
	} while (before != after || (before & 1) != 0);
	memcpy(&scale, words, sizeof(scale));
	return scale;
}

/** A line's value at @p ticks, before or after its ticks0. Hot. Threads: any. */
static inline uint64_t fg_clock_line_ns(const struct fg_clock_line *line, uint64_t ticks)
{
	const __int128 delta = (int64_t)(ticks - line->ticks0);

	return line->ns0 + (uint64_t)(int64_t)((delta * (__int128)line->ns_per_tick_q32) >> 32);
}

/** Convert @p ticks to UTC ns. Read the TSC before the scale. Hot. Threads: any. */
static inline uint64_t fg_clock_ns(const struct fg_clock_scale *scale, uint64_t ticks)
{
	const bool later = (int64_t)(ticks - scale->after.ticks0) >= 0;

	return fg_clock_line_ns(later ? &scale->after : &scale->before, ticks);
}

#endif /* FG_CLOCK_H */

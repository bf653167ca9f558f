/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The capture clock (TSC) and UTC.
 *
 * Control compares the TSC with CLOCK_REALTIME, first at start and then every
 * second or so, and publishes a line through it; workers turn ticks into UTC
 * ns along that line, without a system call. The slope comes from the whole
 * time since start, so it gets better; the offset follows CLOCK_REALTIME, also
 * where NTP or PTP steps it.
 */
#ifndef FG_CLOCK_H
#define FG_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_cycles.h>

#include <fg_meta.h>

/** ns = ns0 + (ticks - ticks0) * ns_per_tick, the factor with 32 binary places. */
struct fg_clock_line {
	uint64_t ticks0;
	uint64_t ns0;
	uint64_t ns_per_tick_q32;
};

/** Written by control, read by workers; a sequence lock keeps readers whole. */
struct fg_clock {
	_Atomic uint32_t sequence; /**< Odd while control writes. */
	_Atomic uint64_t ticks0, ns0, ns_per_tick_q32;

	struct fg_clock_line first; /**< Control only: where the slope's measurement began. */
	bool measured;              /**< Control only: the slope comes from there. */
} __attribute__((aligned(128)));

/** Calibrate for the first time. Takes 20 ms. Threads: control, before workers run. */
void fg_clock_init(struct fg_clock *clock);

/** Calibrate again. Threads: control, at any time. */
void fg_clock_update(struct fg_clock *clock);

/** The line now in force. Hot. Threads: any. */
static inline struct fg_clock_line fg_clock_line(const struct fg_clock *clock)
{
	struct fg_clock_line line;
	uint32_t before, after;

	do {
		before = atomic_load_explicit(&clock->sequence, memory_order_acquire);
		line.ticks0 = atomic_load_explicit(&clock->ticks0, memory_order_relaxed);
		line.ns0 = atomic_load_explicit(&clock->ns0, memory_order_relaxed);
		line.ns_per_tick_q32 =
			atomic_load_explicit(&clock->ns_per_tick_q32, memory_order_relaxed);
		/* Partner: the release fence in publish(). */
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&clock->sequence, memory_order_relaxed);
	} while (before != after || (before & 1) != 0);
	return line;
}

/** Ticks to UTC ns; ticks may be before or after line->ticks0. Hot. Threads: any. */
static inline uint64_t fg_clock_ns(const struct fg_clock_line *line, uint64_t ticks)
{
	const __int128 delta = (int64_t)(ticks - line->ticks0);

	return line->ns0 + (uint64_t)(int64_t)((delta * (__int128)line->ns_per_tick_q32) >> 32);
}

/**
 * Stamp a burst: compute rx_ns from rx_ticks, unless the source wrote rx_ns.
 * @return now, UTC ns: by the same line as the packets, so never before an rx_ns computed here.
 * Hot. Threads: any; the packets are the caller's.
 */
static inline uint64_t fg_clock_stamp(const struct fg_clock *clock, struct rte_mbuf **pkts,
				      uint16_t count)
{
	const struct fg_clock_line line = fg_clock_line(clock);
	const uint64_t now_ns = fg_clock_ns(&line, rte_rdtsc());

	for (uint16_t i = 0; i < count; i++) {
		struct fg_meta *meta = fg_meta(pkts[i]);

		if ((meta->flags & FG_META_TIMED) == 0)
			meta->rx_ns = fg_clock_ns(&line, meta->rx_ticks);
	}
	return now_ns;
}

#endif /* FG_CLOCK_H */

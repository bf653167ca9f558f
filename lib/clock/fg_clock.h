/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Converts TSC ticks to UTC.
 *
 * Control compares the TSC with CLOCK_REALTIME, at start and then about every second, and publishes
 * a scale: a linear function of ticks. Workers convert ticks to UTC ns by it, without a system
 * call. The slope is measured over the whole time since start, so that its precision increases. The
 * offset follows CLOCK_REALTIME, also when NTP or PTP steps it.
 */
#ifndef FG_CLOCK_H
#define FG_CLOCK_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_cycles.h>

#include <fg_meta.h>

/** ns = ns0 + (ticks - ticks0) * ns_per_tick_q32 / 2^32. */
struct fg_clock_scale {
	uint64_t ticks0;          /**< TSC. */
	uint64_t ns0;             /**< UTC, ns since 1970. */
	uint64_t ns_per_tick_q32; /**< Fixed point, 32 fractional bits. */
};

/** Written by control, read by workers. A sequence lock gives readers a consistent scale. */
struct fg_clock {
	_Atomic uint32_t sequence; /**< Odd while control writes. */
	_Atomic uint64_t ticks0, ns0, ns_per_tick_q32;

	struct fg_clock_scale first; /**< Control only: start of the slope's measurement. */
	bool measured;               /**< Control only: the slope was measured from there. */
} __attribute__((aligned(128)));
static_assert(offsetof(struct fg_clock, first) <= 64, "what workers read is one cache line");

/** Calibrate for the first time, which takes 20 ms. Threads: control, before workers run. */
void fg_clock_init(struct fg_clock *clock);

/** Calibrate again. Threads: control, while workers may run. */
void fg_clock_update(struct fg_clock *clock);

/** The current scale. Hot. Threads: any. */
static inline struct fg_clock_scale fg_clock_scale(const struct fg_clock *clock)
{
	struct fg_clock_scale scale;
	uint32_t before, after;

	do {
		before = atomic_load_explicit(&clock->sequence, memory_order_acquire);
		scale.ticks0 = atomic_load_explicit(&clock->ticks0, memory_order_relaxed);
		scale.ns0 = atomic_load_explicit(&clock->ns0, memory_order_relaxed);
		scale.ns_per_tick_q32 =
			atomic_load_explicit(&clock->ns_per_tick_q32, memory_order_relaxed);
		/* Partner: the release fence in publish(). */
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&clock->sequence, memory_order_relaxed);
	} while (before != after || (before & 1) != 0);
	return scale;
}

/** Convert @p ticks, before or after scale->ticks0, to UTC ns. Hot. Threads: any. */
static inline uint64_t fg_clock_ns(const struct fg_clock_scale *scale, uint64_t ticks)
{
	const __int128 delta = (int64_t)(ticks - scale->ticks0);

	return scale->ns0 + (uint64_t)(int64_t)((delta * (__int128)scale->ns_per_tick_q32) >> 32);
}

/**
 * Stamp a burst: set rx_ns from rx_ticks, unless the source has set it.
 * @return the current time, UTC ns, computed from the same scale as the packets' times, so that it
 * is never before an rx_ns computed here. Hot. Threads: any; the caller owns the packets.
 */
static inline uint64_t fg_clock_stamp(const struct fg_clock *clock, struct rte_mbuf **pkts,
				      uint16_t count)
{
	const struct fg_clock_scale scale = fg_clock_scale(clock);
	const uint64_t now_ns = fg_clock_ns(&scale, rte_rdtsc());

	for (uint16_t i = 0; i < count; i++) {
		struct fg_meta *meta = fg_meta(pkts[i]);

		if ((meta->flags & FG_META_TIMED) == 0)
			meta->rx_ns = fg_clock_ns(&scale, meta->rx_ticks);
	}
	return now_ns;
}

#endif /* FG_CLOCK_H */

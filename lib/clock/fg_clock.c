/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <time.h>

#include <fg_clock.h>

#define NS_IN_S UINT64_C(1000000000)

/*
 * If CLOCK_REALTIME differs from the scale by more than this, it was stepped and did not drift: the
 * slope is kept, and its measurement starts again.
 */
#define STEP_NS INT64_C(1000000)

/* Error limit of a slope before it was measured for long: EAL rounds the TSC's frequency to 10 MHz.
 */
#define UNMEASURED_PERCENT 1

#define FIRST_MEASUREMENT_NS 20000000

/* Both clocks at one instant. */
struct reading {
	uint64_t ticks;
	uint64_t ns;
	uint64_t window_ticks; /* Time that the reading took: its uncertainty. */
};

/* Read both clocks: of several tries, the shortest. */
static struct reading read_both(void)
{
	struct reading best = {.window_ticks = UINT64_MAX};

	for (int i = 0; i < 16; i++) {
		struct timespec now;
		const uint64_t before = rte_rdtsc_precise();
		uint64_t after;

		clock_gettime(CLOCK_REALTIME, &now);
		after = rte_rdtsc_precise();
		if (after - before < best.window_ticks) {
			best.window_ticks = after - before;
			best.ticks = before + (after - before) / 2;
			best.ns = (uint64_t)now.tv_sec * NS_IN_S + (uint64_t)now.tv_nsec;
		}
	}
	return best;
}

static void publish(struct fg_clock *clock, const struct fg_clock_scale *scale)
{
	const uint32_t sequence = atomic_load_explicit(&clock->sequence, memory_order_relaxed);

	atomic_store_explicit(&clock->sequence, sequence + 1, memory_order_relaxed);
	/* Partner: the acquire fence in fg_clock_scale(). */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&clock->ticks0, scale->ticks0, memory_order_relaxed);
	atomic_store_explicit(&clock->ns0, scale->ns0, memory_order_relaxed);
	atomic_store_explicit(&clock->ns_per_tick_q32, scale->ns_per_tick_q32,
			      memory_order_relaxed);
	atomic_store_explicit(&clock->sequence, sequence + 2, memory_order_release);
}

static uint64_t ns_per_tick_q32(uint64_t ns, uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ns << 32) / ticks);
}

void fg_clock_init(struct fg_clock *clock)
{
	const uint64_t nominal = ns_per_tick_q32(NS_IN_S, rte_get_tsc_hz());
	const struct reading begin = read_both();
	struct reading end;
	uint64_t measured;

	nanosleep(&(struct timespec){.tv_nsec = FIRST_MEASUREMENT_NS}, NULL);
	end = read_both();
	measured = ns_per_tick_q32(end.ns - begin.ns, end.ticks - begin.ticks);
	/* CLOCK_REALTIME may have been stepped meanwhile. */
	if (llabs((int64_t)(measured - nominal)) > (int64_t)(nominal / 100 * UNMEASURED_PERCENT))
		measured = nominal;
	clock->first = (struct fg_clock_scale){end.ticks, end.ns, measured};
	clock->measured = false;
	publish(clock, &clock->first);
}

/* Does CLOCK_REALTIME differ from the scale by more than drift explains? */
static bool was_stepped(const struct fg_clock *clock, const struct fg_clock_scale *scale,
			const struct reading *now)
{
	const uint64_t expected_ns = fg_clock_ns(scale, now->ticks);
	const int64_t elapsed_ns = (int64_t)(expected_ns - scale->ns0);
	const int64_t drift_ns = clock->measured ? 0 : elapsed_ns / 100 * UNMEASURED_PERCENT;

	return llabs((int64_t)(now->ns - expected_ns)) > STEP_NS + drift_ns;
}

void fg_clock_update(struct fg_clock *clock)
{
	const struct reading now = read_both();
	const struct fg_clock_scale before = fg_clock_scale(clock);
	const uint64_t ticks = now.ticks - clock->first.ticks0;
	struct fg_clock_scale scale = {now.ticks, now.ns, before.ns_per_tick_q32};

	if (was_stepped(clock, &before, &now)) {
		clock->first = scale;
		clock->measured = false;
	} else if (ticks > rte_get_tsc_hz() / 10) {
		scale.ns_per_tick_q32 = ns_per_tick_q32(now.ns - clock->first.ns0, ticks);
		clock->measured = true;
	}
	publish(clock, &scale);
}

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_common.h>

#include <fg_log.h>

#include "clock.h"

#define NS_IN_S UINT64_C(1000000000)

/*
 * If CLOCK_REALTIME differs from its line by more than this, it was stepped and did not drift: the
 * slope is kept, and its measurement starts again.
 */
#define STEP_NS INT64_C(1000000)

/* Error limit of a slope before it was measured for long: EAL rounds the TSC's frequency to 10 MHz.
 */
#define UNMEASURED_PERCENT 1

#define FIRST_MEASUREMENT_NS 20000000

/* Read both clocks: of several tries, the shortest. */
static struct clock_reading read_both(void)
{
	struct clock_reading best = {.window_ticks = UINT64_MAX};

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
	uint64_t words[FG_CLOCK_WORDS];

	memcpy(words, scale, sizeof(words));
	atomic_store_explicit(&clock->sequence, sequence + 1, memory_order_relaxed);
	/* Partner: the acquire fence in fg_clock_scale(). */
	atomic_thread_fence(memory_order_release);
	for (unsigned int i = 0; i < FG_CLOCK_WORDS; i++)
		atomic_store_explicit(&clock->words[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&clock->sequence, sequence + 2, memory_order_release);
}

static uint64_t ns_per_tick_q32(uint64_t ns, uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ns << 32) / ticks);
}

void fg_clock_init(struct fg_clock *clock)
{
	const uint64_t nominal = ns_per_tick_q32(NS_IN_S, rte_get_tsc_hz());
	const struct clock_reading begin = read_both();
	struct clock_reading end;
	uint64_t measured;

	nanosleep(&(struct timespec){.tv_nsec = FIRST_MEASUREMENT_NS}, NULL);
	end = read_both();
	measured = ns_per_tick_q32(end.ns - begin.ns, end.ticks - begin.ticks);
	/* CLOCK_REALTIME may have been stepped meanwhile. */
	if (llabs((int64_t)(measured - nominal)) > (int64_t)(nominal / 100 * UNMEASURED_PERCENT))
		measured = nominal;
	clock_begin(clock, &end, measured);
}

void clock_begin(struct fg_clock *clock, const struct clock_reading *now, uint64_t ns_per_tick_q32)
{
	const struct fg_clock_line line = {now->ticks, now->ns, ns_per_tick_q32};

	clock->first = line;
	clock->realtime = line;
	clock->measured = false;
	clock->far = false;
	clock->corrected_ticks = now->ticks;
	publish(clock, &(struct fg_clock_scale){line, line});
}

/* Does CLOCK_REALTIME differ from its line by more than drift explains? */
static bool was_stepped(const struct fg_clock *clock, const struct clock_reading *now)
{
	const uint64_t expected_ns = fg_clock_line_ns(&clock->realtime, now->ticks);
	const int64_t elapsed_ns = (int64_t)(expected_ns - clock->realtime.ns0);
	const int64_t drift_ns = clock->measured ? 0 : elapsed_ns / 100 * UNMEASURED_PERCENT;

	return llabs((int64_t)(now->ns - expected_ns)) > STEP_NS + drift_ns;
}

/* Let the line of CLOCK_REALTIME go through this reading. */
static void follow(struct fg_clock *clock, const struct clock_reading *now)
{
	const uint64_t ticks = now->ticks - clock->first.ticks0;
	struct fg_clock_line line = {now->ticks, now->ns, clock->realtime.ns_per_tick_q32};

	if (was_stepped(clock, now)) {
		clock->first = line;
		clock->measured = false;
	} else if (ticks > rte_get_tsc_hz() / 10) {
		line.ns_per_tick_q32 = ns_per_tick_q32(now->ns - clock->first.ns0, ticks);
		clock->measured = true;
	}
	clock->realtime = line;
}

/* The rate at which a clock that is @behind_ns behind shall run faster, in ppb; negative: slower.
 */
static int64_t correction_ppb(int64_t behind_ns)
{
	const int64_t distance_ns = llabs(behind_ns);
	const int64_t far_ppb = RTE_MIN(distance_ns / CLOCK_FAR_S, CLOCK_SLEW_MAX_PPB);
	const int64_t ppb = RTE_MIN(distance_ns / CLOCK_NEAR_S, RTE_MAX(far_ppb, CLOCK_SLEW_PPB));

	return behind_ns < 0 ? -ppb : ppb;
}

static void log_distance(struct fg_clock *clock, int64_t behind_ns)
{
	const bool far = llabs(behind_ns) > CLOCK_STEP_NS;

	if (far && !clock->far && behind_ns > 0)
		fg_log(NOTICE, "the system's clock was set %.3f s forward: so are packet times",
		       (double)behind_ns / NS_IN_S);
	else if (far && !clock->far)
		fg_log(WARNING,
		       "the system's clock was set back by %.3f s: packet times run slower until "
		       "they agree with it",
		       -(double)behind_ns / NS_IN_S);
	clock->far = far && behind_ns < 0;
}

void clock_correct(struct fg_clock *clock, const struct clock_reading *now)
{
	const uint64_t at = now->ticks + rte_get_tsc_hz() * CLOCK_AHEAD_MS / 1000;
	struct fg_clock_scale scale = fg_clock_scale(clock);
	uint64_t slope;
	int64_t behind_ns;

	follow(clock, now);
	if (now->ticks - clock->corrected_ticks < rte_get_tsc_hz() * CLOCK_PERIOD_MS / 1000)
		return;
	clock->corrected_ticks = now->ticks;
	scale.before = scale.after;
	slope = clock->realtime.ns_per_tick_q32;
	scale.after = (struct fg_clock_line){at, fg_clock_line_ns(&scale.before, at), slope};
	behind_ns = (int64_t)(fg_clock_line_ns(&clock->realtime, at) - scale.after.ns0);
	log_distance(clock, behind_ns);
	if (behind_ns > CLOCK_STEP_NS)
		scale.after.ns0 += (uint64_t)behind_ns;
	else
		scale.after.ns_per_tick_q32 +=
			(uint64_t)((__int128)slope * correction_ppb(behind_ns) / (int64_t)NS_IN_S);
	publish(clock, &scale);
}

void fg_clock_update(struct fg_clock *clock)
{
	struct clock_reading now;

	/* Publish long before the correction takes effect, even if this thread had to wait. */
	do
		now = read_both();
	while (rte_rdtsc() - now.ticks > rte_get_tsc_hz() * CLOCK_AHEAD_MS / 2000);
	clock_correct(clock, &now);
}

/* SPDX-License-Identifier: MIT */
/* Ticks to UTC: held against exact arithmetic, and against clock_gettime(). */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>

#include <fg_clock.h>

#define NS_IN_S 1000000000ull
#define DAY_NS  (86400ull * NS_IN_S)
#define UTC_NS  (1700000000ull * NS_IN_S)
/* Far more than both clocks drift apart in a test, far less than a wrong conversion gives. */
#define BOUND_NS 50000000ull

static uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_IN_S + (uint64_t)now.tv_nsec;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Does the line give a time between two readings of the system's clock? */
static bool matches_now(const struct fg_clock_scale *scale)
{
	const uint64_t before = realtime_ns();
	const uint64_t ns = fg_clock_ns(scale, rte_rdtsc());
	const uint64_t after = realtime_ns();

	return ns + BOUND_NS > before && ns < after + BOUND_NS;
}

static struct fg_clock_scale one_line(uint64_t ticks0, uint64_t ns0, uint64_t ns_per_tick_q32)
{
	const struct fg_clock_line line = {ticks0, ns0, ns_per_tick_q32};

	return (struct fg_clock_scale){line, line};
}

static void lines_are_exact(void **state)
{
	/* One and a half nanoseconds per tick: every second tick is a whole number. */
	const struct fg_clock_scale scale = one_line(5000, UTC_NS, 3ull << 31);
	const struct fg_clock_scale third = one_line(0, UTC_NS, (1ull << 32) / 3);

	(void)state;
	assert_true(fg_clock_ns(&scale, 5000) == UTC_NS);
	assert_true(fg_clock_ns(&scale, 5002) == UTC_NS + 3);
	assert_true(fg_clock_ns(&scale, 5001) == UTC_NS + 1);
	assert_true(fg_clock_ns(&scale, 4998) == UTC_NS - 3);
	/* Rounded down on both sides, so that no step at ticks0 is longer or shorter. */
	assert_true(fg_clock_ns(&scale, 4999) == UTC_NS - 2);
	assert_true(fg_clock_ns(&scale, 0) == UTC_NS - 7500);
	assert_true(fg_clock_ns(&third, 3) == UTC_NS); /* the factor is a little below a third */
	assert_true(fg_clock_ns(&third, 3000001) == UTC_NS + 1000000);
}

/* Weeks of ticks, forwards and backwards, and a counter that passes its end. */
static void far_ticks_do_not_overflow(void **state)
{
	const uint64_t hz = 4000000000ull; /* a quarter of a nanosecond per tick */
	const uint64_t start = 1ull << 60;
	const struct fg_clock_scale scale = one_line(start, UTC_NS, 1ull << 30);
	const struct fg_clock_scale slow =
		one_line(start, UTC_NS, 1000ull << 32); /* a microsecond each */
	const struct fg_clock_scale last = one_line(UINT64_MAX - 3, UTC_NS, 1ull << 30);

	(void)state;
	for (uint64_t days = 1; days <= 4096; days *= 2) {
		const uint64_t ticks = days * 86400ull * hz;

		if (ticks < 1ull << 62)
			assert_true(fg_clock_ns(&scale, start + ticks) == UTC_NS + days * DAY_NS);
		if (ticks <= start)
			assert_true(fg_clock_ns(&scale, start - ticks) == UTC_NS - days * DAY_NS);
		assert_true(fg_clock_ns(&slow, start + days * DAY_NS / 1000) ==
			    UTC_NS + days * DAY_NS);
	}
	assert_true(fg_clock_ns(&last, 4) == UTC_NS + 2);
	assert_true(fg_clock_ns(&last, UINT64_MAX - 7) == UTC_NS - 1);
}

static void time_never_runs_back_along_a_line(void **state)
{
	struct fg_clock clock = {0};
	struct fg_clock_scale scale;
	uint64_t last;

	(void)state;
	fg_clock_init(&clock);
	scale = fg_clock_scale(&clock);
	last = fg_clock_ns(&scale, scale.after.ticks0 - 200000);
	for (uint64_t ticks = scale.after.ticks0 - 200000; ticks != scale.after.ticks0 + 200000;
	     ticks++) {
		const uint64_t ns = fg_clock_ns(&scale, ticks);

		if (ns < last || ns > last + 1000)
			fail_msg("a step of %lld ns", (long long)(ns - last));
		last = ns;
	}
	for (uint64_t ticks = scale.after.ticks0, step = 1; step < 1ull << 50; step *= 3) {
		ticks += step;
		assert_true(fg_clock_ns(&scale, ticks) >= last ||
			    ticks < scale.after.ticks0 + 200000);
	}
	last = 0;
	for (unsigned int i = 0; i < 100000; i++) {
		const uint64_t ns = fg_clock_ns(&scale, rte_rdtsc());

		assert_true(ns >= last);
		last = ns;
	}
}

/* Read both clocks: of many tries, the shortest. */
static void read_instant(uint64_t *ticks, uint64_t *ns)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < 200; i++) {
		const uint64_t before = rte_rdtsc();
		const uint64_t now = realtime_ns();
		const uint64_t took = rte_rdtsc() - before;

		if (took < least) {
			least = took;
			*ticks = before + took / 2;
			*ns = now;
		}
	}
}

static uint64_t begin_ticks, begin_ns; /* when the program began */

/* The slope of CLOCK_REALTIME equals that of the two clocks since the program started. */
static bool slope_is_right(const struct fg_clock *clock)
{
	uint64_t ticks, ns;
	double ratio;

	read_instant(&ticks, &ns);
	ratio = (double)clock->realtime.ns_per_tick_q32 / 0x1p32 * (double)(ticks - begin_ticks) /
		(double)(ns - begin_ns);
	return ratio > 0.9998 && ratio < 1.0002;
}

static void follows_the_system_clock(void **state)
{
	struct fg_clock clock = {0};
	struct fg_clock_scale scale;

	(void)state;
	fg_clock_init(&clock);
	scale = fg_clock_scale(&clock);
	assert_true(matches_now(&scale));
	for (unsigned int i = 0; i < 16; i++) {
		sleep_ms(40);
		assert_true(matches_now(&scale));
		fg_clock_update(&clock);
		scale = fg_clock_scale(&clock);
		assert_true(matches_now(&scale));
	}
	/* A measurement of 640 ms was long enough to replace the first guess. */
	assert_true(slope_is_right(&clock));
	assert_true(clock.first.ticks0 < scale.after.ticks0);
	scale = one_line(clock.first.ticks0, clock.first.ns0, clock.first.ns_per_tick_q32);
	assert_true(matches_now(&scale));
}

/* EAL rounds the TSC's frequency: a guess that is 2 ms off at the first update was not a step. */
static void wrong_guess_is_corrected(void **state)
{
	struct fg_clock clock = {0};

	(void)state;
	fg_clock_init(&clock);
	clock.first.ns_per_tick_q32 = clock.first.ns_per_tick_q32 / 1000 * 1005;
	clock.realtime.ns_per_tick_q32 = clock.first.ns_per_tick_q32;
	sleep_ms(400);
	assert_false(slope_is_right(&clock));
	fg_clock_update(&clock);
	assert_true(slope_is_right(&clock));
}

/* A step so small that it was taken for drift is corrected later. */
static void small_step_is_found_out(void **state)
{
	struct fg_clock clock = {0};

	(void)state;
	fg_clock_init(&clock);
	clock.first.ns0 -= 2000000;
	clock.realtime.ns0 = clock.first.ns0;
	for (unsigned int i = 0; i < 3; i++) {
		sleep_ms(350);
		fg_clock_update(&clock);
	}
	assert_true(slope_is_right(&clock));
}

#define UPDATES_MAX 500000u
#define READERS     2u
#define SAMPLES     1000u /* different lines: then a reader has seen enough */

struct reader {
	const struct fg_clock *clock;
	atomic_bool *stop;
	pthread_t thread;
	struct fg_clock_scale samples[SAMPLES];
	_Atomic uint32_t n_samples;
	uint64_t wrong, reads;
};

/* Reads until the flag to stop is set, and stores each line that differs from the one before. */
static void *read_lines(void *arg)
{
	struct reader *r = arg;

	while (!atomic_load_explicit(r->stop, memory_order_relaxed)) {
		const struct fg_clock_scale scale = fg_clock_scale(r->clock);
		const uint32_t n = atomic_load_explicit(&r->n_samples, memory_order_relaxed);

		if (!matches_now(&scale))
			r->wrong++;
		if (n > 0 && scale.after.ticks0 < r->samples[n - 1].after.ticks0)
			r->wrong++;
		if (n < SAMPLES &&
		    (n == 0 || memcmp(&scale, &r->samples[n - 1], sizeof(scale)) != 0)) {
			r->samples[n] = scale;
			atomic_store_explicit(&r->n_samples, n + 1, memory_order_relaxed);
		}
		r->reads++;
	}
	return NULL;
}

static bool all_saw_enough(const struct reader *readers)
{
	for (unsigned int i = 0; i < READERS; i++)
		if (atomic_load_explicit(&readers[i].n_samples, memory_order_relaxed) < SAMPLES)
			return false;
	return true;
}

/* Every line that a reader saw was published with these three numbers. */
static uint32_t lines_not_published(const struct reader *r, const struct fg_clock_scale *published,
				    uint32_t count)
{
	uint32_t at = 0, missing = 0;

	for (uint32_t i = 0; i < r->n_samples; i++) {
		while (at < count && published[at].after.ticks0 < r->samples[i].after.ticks0)
			at++;
		if (at == count || memcmp(&published[at], &r->samples[i], sizeof(*published)) != 0)
			missing++;
	}
	return missing;
}

static void readers_see_whole_lines(void **state)
{
	struct fg_clock clock = {0};
	struct fg_clock_scale *published = calloc(UPDATES_MAX, sizeof(*published));
	struct reader *readers = calloc(READERS, sizeof(*readers));
	atomic_bool stop = false;
	uint32_t count = 1;

	(void)state;
	assert_non_null(published);
	assert_non_null(readers);
	fg_clock_init(&clock);
	sleep_ms(110); /* from now on, slopes are measured, and differ */
	published[0] = fg_clock_scale(&clock);
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i].clock = &clock;
		readers[i].stop = &stop;
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_lines, &readers[i]),
				 0);
	}
	for (; count < UPDATES_MAX && !all_saw_enough(readers); count++) {
		clock.corrected_ticks = 0; /* Publish each. */
		fg_clock_update(&clock);
		published[count] = fg_clock_scale(&clock);
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		print_message("reader %u: %llu reads, %u of %u lines\n", i,
			      (unsigned long long)readers[i].reads, readers[i].n_samples, count);
		assert_int_equal(readers[i].wrong, 0);
		assert_int_equal(lines_not_published(&readers[i], published, count), 0);
		assert_true(readers[i].n_samples > 0);
	}
	free(readers);
	free(published);
}

/* Whatever updates come between, now is never before the receipt of a packet. */
static void now_is_never_before_a_receipt(void **state)
{
	struct fg_clock clock = {0};

	(void)state;
	fg_clock_init(&clock);
	for (unsigned int i = 0; i < 20000; i++) {
		const uint64_t rx_ticks = rte_rdtsc();
		struct fg_clock_scale scale = fg_clock_scale(&clock);
		const uint64_t rx_ns = fg_clock_ns(&scale, rx_ticks);
		uint64_t now;

		if (i % 16 == 0)
			fg_clock_update(&clock);
		now = rte_rdtsc();
		scale = fg_clock_scale(&clock);
		assert_true(fg_clock_ns(&scale, now) >= rx_ns);
	}
}

int main(void)
{
	static char *eal_args[] = {"test_stamp",     "--no-huge",   "-m", "64", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",  NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_exact),
		cmocka_unit_test(far_ticks_do_not_overflow),
		cmocka_unit_test(time_never_runs_back_along_a_line),
		cmocka_unit_test(follows_the_system_clock),
		cmocka_unit_test(wrong_guess_is_corrected),
		cmocka_unit_test(small_step_is_found_out),
		cmocka_unit_test(readers_see_whole_lines),
		cmocka_unit_test(now_is_never_before_a_receipt),
	};
	cpu_set_t cpus;
	int failed;

	/* EAL binds this thread to a CPU, which the tests' threads would inherit. */
	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 ||
	    rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0 ||
	    sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		return 1;
	read_instant(&begin_ticks, &begin_ns);
	failed = cmocka_run_group_tests_name("stamp", tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}

/* SPDX-License-Identifier: MIT */
/* The clock while CLOCK_REALTIME is set and drifts: on a machine of the test, and on this one. */
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
#include <time.h>

#include <rte_common.h>
#include <rte_eal.h>

#include <fg_clock.h>

#include "clock.h"

#define NS_IN_S 1000000000ull
#define UTC_NS  (1700000000ull * NS_IN_S)

/*
 * A machine of the test: its TSC, and its CLOCK_REALTIME, which is set and drifts as the test
 * says. Here time passes as fast as the test lets it.
 */
struct machine {
	struct fg_clock clock;
	uint64_t ticks;
	double ns; /* CLOCK_REALTIME since UTC_NS. */
	double drift_ppm;
	double rate; /* At which the clock may run faster or slower, of 1. */
};

static void pass(struct machine *m, double seconds)
{
	const uint64_t ticks = (uint64_t)(seconds * (double)rte_get_tsc_hz());

	m->ticks += ticks;
	m->ns += (double)ticks / (double)rte_get_tsc_hz() * 1e9 * (1 + m->drift_ppm * 1e-6);
}

static struct clock_reading reading(const struct machine *m)
{
	return (struct clock_reading){.ticks = m->ticks, .ns = UTC_NS + (uint64_t)(int64_t)m->ns};
}

static void boot(struct machine *m)
{
	const double slope = 1e9 / (double)rte_get_tsc_hz();
	struct clock_reading now;

	*m = (struct machine){.ticks = 1ull << 40};
	now = reading(m);
	clock_begin(&m->clock, &now, (uint64_t)(slope * 0x1p32));
}

static void update(struct machine *m)
{
	const struct clock_reading now = reading(m);

	clock_correct(&m->clock, &now);
}

static uint64_t clock_at(const struct machine *m, uint64_t ticks)
{
	const struct fg_clock_scale scale = fg_clock_scale(&m->clock);

	return fg_clock_ns(&scale, ticks);
}

/* By how many ns the clock is ahead of CLOCK_REALTIME. */
static double ahead_ns(const struct machine *m)
{
	return (double)(int64_t)(clock_at(m, m->ticks) - UTC_NS) - m->ns;
}

static double uniform(double from, double to)
{
	return from + (to - from) * (double)random() / (double)RAND_MAX;
}

/* Set CLOCK_REALTIME, now and then far, or change how fast it runs. */
static void disturb(struct machine *m)
{
	static const double steps_ns[] = {1e3, 5e4, 9e5, 3e6, 2e7, 9e7, 5e8, 5e9, 3.6e12};
	const long what = random() % 6;

	if (what == 0)
		m->ns += steps_ns[(size_t)random() % RTE_DIM(steps_ns)] *
			 (random() % 2 == 0 ? 1 : -1);
	if (what == 1)
		m->drift_ppm = uniform(-100, 100);
}

/* The same ticks are the same time, before and after an update, when they can still be stamped. */
static void check_update(struct machine *m)
{
	const struct fg_clock_scale before = fg_clock_scale(&m->clock);
	const double hz = (double)rte_get_tsc_hz();
	struct fg_clock_scale after;

	update(m);
	after = fg_clock_scale(&m->clock);
	for (unsigned int i = 0; i < 200; i++) {
		const uint64_t ticks = m->ticks + (uint64_t)(int64_t)(uniform(-0.4, 0.045) * hz);

		assert_true(fg_clock_ns(&before, ticks) == fg_clock_ns(&after, ticks));
	}
}

/*
 * Time passes to the next update. It never goes back, nor faster or slower than it may; how far
 * off the clock is at the beginning decides. @return the time at the end.
 */
static uint64_t check_second(struct machine *m, uint64_t last_ns)
{
	const double off_ms = ahead_ns(m) * 1e-6;
	/* Until a slope is measured for long, a small step is taken for drift: up to 1 %. */
	const double allowed = (off_ms > -10 && off_ms < 10 ? 0.0005 : 0.1) + 0.011;
	/* The correction before this one lasts 50 ms longer. */
	const double rate = RTE_MAX(allowed, m->rate);
	const double step = uniform(0.7, 1.3) / 1000;

	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t now_ns;
		double grown;

		pass(m, step);
		now_ns = clock_at(m, m->ticks);
		assert_true(now_ns >= last_ns);
		grown = (double)(now_ns - last_ns);
		assert_true(grown >= step * 1e9 * (1 - rate) - 2);
		/* A step: forward, and no further than CLOCK_REALTIME. */
		if (grown > step * 1e9 * (1 + rate) + 2)
			assert_true(off_ms < -100 && ahead_ns(m) < 1e6);
		last_ns = now_ns;
	}
	m->rate = allowed;
	return last_ns;
}

static void time_never_goes_back_whatever_is_set(void **state)
{
	(void)state;
	srandom(20261201);
	for (unsigned int run = 0; run < 20; run++) {
		struct machine m;
		uint64_t last_ns;

		boot(&m);
		last_ns = clock_at(&m, m.ticks);
		for (unsigned int i = 0; i < 60; i++) {
			last_ns = check_second(&m, last_ns);
			disturb(&m);
			check_update(&m);
		}
	}
}

/* CLOCK_REALTIME is set by @set_ns; the clock agrees with it again within @seconds. */
static void check_step(double set_ns, unsigned int seconds)
{
	struct machine m;

	boot(&m);
	for (unsigned int i = 0; i < 5; i++) {
		update(&m);
		pass(&m, 1);
	}
	m.ns += set_ns;
	assert_true(ahead_ns(&m) > -set_ns - 1e3 && ahead_ns(&m) < -set_ns + 1e3);
	for (unsigned int i = 0; i < seconds; i++) {
		update(&m);
		pass(&m, 1);
	}
	if (ahead_ns(&m) < -1e3 || ahead_ns(&m) > 1e3)
		fail_msg("set by %g ns: off by %g", set_ns, ahead_ns(&m));
}

static void follows_a_step(void **state)
{
	(void)state;
	check_step(5e3, 15); /* halved every two seconds */
	check_step(-5e3, 15);
	check_step(5e6, 30); /* 10 s at 500 ppm */
	check_step(-5e6, 30);
	check_step(5e7, 80); /* by a twentieth each second, 32 s, then 20 s at 500 ppm */
	check_step(-5e7, 80);
	check_step(1e9, 1); /* forward: at once */
	check_step(3.6e12, 1);
	check_step(-1e9, 140);
	check_step(-3.7e10, 500); /* 350 s at 10 % */
}

/* 5 ms off, in either direction: 0.5 ms a second, from 50 ms after the update on. */
static void slews_at_500_ppm(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		struct machine m;

		boot(&m);
		for (unsigned int i = 0; i < 5; i++) {
			update(&m);
			pass(&m, 1);
		}
		m.ns += sign * 5e6;
		for (unsigned int i = 1; i < 8; i++) {
			double off_ns;

			update(&m);
			pass(&m, 1);
			off_ns = -sign * ahead_ns(&m);
			assert_true(off_ns > 5e6 - i * 5e5 + 25e3 - 1e3);
			assert_true(off_ns < 5e6 - i * 5e5 + 25e3 + 1e3);
		}
	}
}

/* Two corrections in quick succession would need three lines: the second waits. */
static void corrections_keep_their_distance(void **state)
{
	struct machine m;
	struct fg_clock_scale first, second;

	(void)state;
	boot(&m);
	pass(&m, 1);
	update(&m);
	first = fg_clock_scale(&m.clock);
	m.ns += 1e6;
	for (unsigned int i = 0; i < 4; i++) {
		pass(&m, 0.1);
		update(&m);
		second = fg_clock_scale(&m.clock);
		assert_memory_equal(&first, &second, sizeof(first));
	}
	pass(&m, 0.11);
	update(&m);
	second = fg_clock_scale(&m.clock);
	assert_memory_not_equal(&first, &second, sizeof(first));
	assert_memory_equal(&first.after, &second.before, sizeof(first.after));
}

struct lcore {
	const struct fg_clock *clock;
	_Atomic uint64_t *latest; /* The latest time that any thread has seen. */
	const atomic_bool *stop;
	pthread_t thread;
	uint64_t wrong, reads;
};

static void *run_lcore(void *arg)
{
	struct lcore *l = arg;

	while (!atomic_load_explicit(l->stop, memory_order_relaxed)) {
		uint64_t seen = atomic_load(l->latest);
		const uint64_t ticks = rte_rdtsc_precise();
		const struct fg_clock_scale scale = fg_clock_scale(l->clock);
		const uint64_t ns = fg_clock_ns(&scale, ticks);

		l->wrong += ns < seen;
		l->reads++;
		while (seen < ns && !atomic_compare_exchange_weak(l->latest, &seen, ns))
			;
	}
	return NULL;
}

static struct clock_reading read_now(void)
{
	struct clock_reading now = {.ticks = rte_rdtsc_precise()};
	struct timespec realtime;

	clock_gettime(CLOCK_REALTIME, &realtime);
	now.ns = (uint64_t)realtime.tv_sec * NS_IN_S + (uint64_t)realtime.tv_nsec;
	return now;
}

/* CLOCK_REALTIME is set back and forth while lcores compare their times. */
static void lcores_never_see_time_go_back(void **state)
{
	static const int64_t set_ns[] = {5000000,     -8000000,  90000000,
					 -2000000000, 300000000, -50000};
	struct fg_clock clock = {0};
	struct lcore lcores[2] = {0};
	_Atomic uint64_t latest = 0;
	atomic_bool stop = false;
	int64_t offset_ns = 0;

	(void)state;
	fg_clock_init(&clock);
	for (size_t i = 0; i < RTE_DIM(lcores); i++) {
		lcores[i] = (struct lcore){.clock = &clock, .latest = &latest, .stop = &stop};
		assert_int_equal(pthread_create(&lcores[i].thread, NULL, run_lcore, &lcores[i]), 0);
	}
	for (size_t i = 0; i < RTE_DIM(set_ns); i++) {
		struct clock_reading now;

		nanosleep(&(struct timespec){.tv_nsec = 520000000}, NULL);
		offset_ns += set_ns[i];
		now = read_now();
		now.ns += (uint64_t)offset_ns;
		clock_correct(&clock, &now);
	}
	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < RTE_DIM(lcores); i++) {
		assert_int_equal(pthread_join(lcores[i].thread, NULL), 0);
		assert_int_equal(lcores[i].wrong, 0);
		assert_true(lcores[i].reads > 1000);
	}
}

int main(void)
{
	static char *eal_args[] = {"test_clock",     "--no-huge",   "-m", "64", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",  NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_never_goes_back_whatever_is_set),
		cmocka_unit_test(follows_a_step),
		cmocka_unit_test(slews_at_500_ppm),
		cmocka_unit_test(corrections_keep_their_distance),
		cmocka_unit_test(lcores_never_see_time_go_back),
	};
	cpu_set_t cpus;
	int failed;

	/* EAL binds this thread to a CPU, which the tests' threads would inherit. */
	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 ||
	    rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0 ||
	    sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}

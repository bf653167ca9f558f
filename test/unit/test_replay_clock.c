/* SPDX-License-Identifier: MIT */
/*
 * Several replays at their recorded pace stay in step. Expected times are those of the files: no
 * packet comes before its time, and a packet of one file comes after all earlier ones of the other.
 */
#include <time.h>

#include <rte_cycles.h>

#include <fg_burst.h>

#include "replay_rig.h"

#define MS 1000000ull

/* Write a file whose packets have these times, in ms after FIRST_S, and contain their number. */
static const char *write_times(const char *name, const uint32_t *at_ms, uint32_t count)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
	const char *path = in_folder(name);
	pcap_dumper_t *dumper = pcap_dump_open(dead, path);

	assert_non_null(dumper);
	for (uint32_t i = 0; i < count; i++) {
		struct pcap_pkthdr header = {.caplen = 4, .len = 4};

		header.ts.tv_sec = FIRST_S + at_ms[i] / 1000;
		header.ts.tv_usec = at_ms[i] % 1000 * 1000;
		pcap_dump((u_char *)dumper, &header, (const u_char *)&i);
	}
	pcap_dump_close(dumper);
	pcap_close(dead);
	return path;
}

static void open_at(struct rig *rig, const char *path, const char *rate, const char *loops)
{
	assert_int_equal(
		rig_open(rig, "replay", 1, 64,
			 (const char *[]){"path", path, "rate", rate, "loops", loops, NULL}),
		0);
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static double ns_since(uint64_t ticks)
{
	return (double)(rte_rdtsc_precise() - ticks) / (double)rte_get_tsc_hz() * 1e9;
}

/* What came from a file. */
struct seen {
	struct rig *rig;
	uint32_t count;
	uint64_t last_ns; /* rx_ns of the newest packet, since FIRST_S. */
};

/* Poll. No packet comes before its time, but for the clocks' error. */
static void poll_one(struct seen *seen, uint64_t began, double stood_ns)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	const uint16_t n = pull(seen->rig, pkts);

	for (uint16_t i = 0; i < n; i++) {
		const uint64_t ns = fg_meta(pkts[i])->rx_ns - FIRST_S * 1000000000ull;

		assert_true(ns_since(began) - stood_ns >= (double)ns - 1e4);
		assert_true(ns >= seen->last_ns);
		seen->last_ns = ns;
		seen->count++;
	}
	rte_pktmbuf_free_bulk(pkts, n);
}

/* Times of file A, and of file B, which begins 4 ms later and has more packets. */
static const uint32_t a_ms[] = {0, 1, 2, 10, 20, 29};
static const uint32_t b_ms[] = {4, 5, 6, 7, 8, 9, 10, 20, 28};
/* Both loop together: from the first of A to the last, and the longer mean interval, 5.8 ms. */
#define LOOP_NS 34800000ull

static uint32_t n_until(const uint32_t *at_ms, uint32_t n, uint64_t ns)
{
	uint32_t count = (uint32_t)(ns / LOOP_NS) * n;

	for (uint32_t i = 0; i < n; i++)
		count += at_ms[i] * MS <= ns % LOOP_NS;
	return count;
}

static void two_files_stay_in_step(void **state)
{
	struct rig a, b;
	struct seen from_a = {.rig = &a}, from_b = {.rig = &b};
	uint64_t began;

	(void)state;
	open_at(&a, write_times("a.pcap", a_ms, RTE_DIM(a_ms)), "recorded", "3");
	open_at(&b, write_times("b.pcap", b_ms, RTE_DIM(b_ms)), "recorded", "3");
	rig_start(&b);
	sleep_ms(30); /* Another source may take long to start. */
	rig_start(&a);
	began = rte_rdtsc_precise();
	while (!ended(&a) || !ended(&b)) {
		poll_one(&from_b, began, 0);
		poll_one(&from_a, began, 0);
		/* A was polled later, so it has all that is not younger than the newest of B. */
		if (from_b.count > 0)
			assert_true(from_a.count >= n_until(a_ms, RTE_DIM(a_ms), from_b.last_ns));
	}
	assert_int_equal(from_a.count, 3 * RTE_DIM(a_ms));
	assert_int_equal(from_b.count, 3 * RTE_DIM(b_ms));
	assert_int_equal(from_a.last_ns, 2 * LOOP_NS + 29 * MS);
	assert_int_equal(from_b.last_ns, 2 * LOOP_NS + 28 * MS);
	rig_close(&b);
	rig_close(&a);
}

/* The clock begins with the first poll, whichever source it is of, and not with the start. */
static void first_poll_is_time_zero(void **state)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct rig a, b;
	uint16_t count;

	(void)state;
	open_at(&a, write_times("a.pcap", a_ms, RTE_DIM(a_ms)), "recorded", "1");
	open_at(&b, write_times("b.pcap", b_ms, RTE_DIM(b_ms)), "recorded", "1");
	rig_start(&a);
	rig_start(&b);
	sleep_ms(30);
	assert_int_equal(pull(&b, pkts), 0);
	sleep_ms(3);
	count = pull(&a, pkts);
	assert_true(count >= 3); /* 0, 1 and 2 ms; more if the sleep took longer. */
	rte_pktmbuf_free_bulk(pkts, count);
	while (!ended(&a))
		rte_pktmbuf_free_bulk(pkts, pull(&a, pkts));
	rig_close(&b);
	rig_close(&a);
}

/* While the pipeline is stopped the clock stands for all. */
static void it_stands_while_stopped(void **state)
{
	struct rig a, b;
	struct seen from_a = {.rig = &a}, from_b = {.rig = &b};
	uint64_t began, stopped;
	double stood_ns = 0;

	(void)state;
	open_at(&a, write_times("a.pcap", a_ms, RTE_DIM(a_ms)), "recorded", "1");
	open_at(&b, write_times("b.pcap", b_ms, RTE_DIM(b_ms)), "recorded", "1");
	rig_start(&a);
	rig_start(&b);
	began = rte_rdtsc_precise();
	for (unsigned int turn = 0; !ended(&a) || !ended(&b); turn++) {
		poll_one(&from_b, began, stood_ns);
		poll_one(&from_a, began, stood_ns);
		if (turn != 100 && turn != 200)
			continue;
		a.src.ops->stop(&a.src);
		sleep_ms(2);
		b.src.ops->stop(&b.src);
		stopped = rte_rdtsc_precise();
		sleep_ms(40);
		stood_ns += ns_since(stopped);
		rig_start(&a);
		rig_start(&b);
	}
	assert_int_equal(from_a.count, RTE_DIM(a_ms));
	assert_int_equal(from_b.count, RTE_DIM(b_ms));
	rig_close(&b);
	rig_close(&a);
}

/* A replay at another rate, of an earlier or later day, has no part in it. */
static void other_rates_have_no_part(void **state)
{
	static const uint32_t yesterday_ms[] = {0};
	static const uint32_t today_ms[] = {86400000, 86400001};
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct rig a, b;

	(void)state;
	open_at(&a, write_times("y.pcap", yesterday_ms, 1), "max", "1");
	open_at(&b, write_times("t.pcap", today_ms, 2), "recorded", "1");
	rig_start(&a);
	rig_start(&b);
	assert_int_equal(pull(&b, pkts), 1);
	rte_pktmbuf_free_bulk(pkts, 1);
	assert_int_equal(pull(&a, pkts), 1);
	rte_pktmbuf_free_bulk(pkts, 1);
	rig_close(&b);
	rig_close(&a);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_files_stay_in_step),
		cmocka_unit_test(first_poll_is_time_zero),
		cmocka_unit_test(it_stands_while_stopped),
		cmocka_unit_test(other_rates_have_no_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_with_eal(run_all);
}

/* SPDX-License-Identifier: MIT */
/* The replay source: order, pace, loops, and mbufs in flight. */
#include <rte_launch.h>

#include <fg_burst.h>

#include "replay_rig.h"

#define HELD_MAX   4096u
#define OTHER_CORE 1u

static void test_replay_loops(void **state)
{
	const char *path = write_file("loop.pcap", 100, PCAP_TSTAMP_PRECISION_NANO);
	/* 99 intervals, and one more until the file starts again. */
	const uint64_t span_ns = 100 * GAP_NS;
	struct rte_mbuf *pkts[FG_BURST_MAX];
	void *data[100];
	struct rig rig;
	uint32_t next = 0;

	(void)state;
	assert_int_equal(
		rig_open(&rig, "replay", 1, 64, (const char *[]){"path", path, "loops", "5", NULL}),
		0);
	rig_start(&rig);
	while (!ended(&rig)) {
		const uint16_t n = pull(&rig, pkts);

		for (uint16_t i = 0; i < n; i++, next++) {
			check_packet(pkts[i], next % 100, next / 100 * span_ns, 1);
			/* No copy: the same memory each time. */
			if (next < 100)
				data[next] = rte_pktmbuf_mtod(pkts[i], void *);
			assert_ptr_equal(rte_pktmbuf_mtod(pkts[i], void *), data[next % 100]);
		}
		rte_pktmbuf_free_bulk(pkts, n);
	}
	assert_int_equal(next, 500);
	rig_close(&rig);
}

static void test_replay_for_ever(void **state)
{
	const char *path = write_file("loop.pcap", 10, PCAP_TSTAMP_PRECISION_NANO);
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct rig rig;

	(void)state;
	assert_int_equal(
		rig_open(&rig, "replay", 1, 64, (const char *[]){"path", path, "loops", "0", NULL}),
		0);
	rig_start(&rig);
	for (uint32_t turn = 0; turn < 1000; turn++) {
		assert_int_equal(pull(&rig, pkts), 10);
		rte_pktmbuf_free_bulk(pkts, 10);
		assert_false(ended(&rig));
		if (turn % 100 == 50) {
			rig.src.ops->stop(&rig.src);
			rig_start(&rig);
		}
	}
	rig_close(&rig);
}

/* The replay stops while packets are held; none is lost or duplicated. */
static void test_replay_waits(void **state)
{
	const char *path = write_file("wait.pcap", 1000, PCAP_TSTAMP_PRECISION_NANO);
	struct rte_mbuf *held[HELD_MAX];
	struct rig rig;
	uint32_t next = 0, n_held = 0;
	uint16_t n;

	(void)state;
	assert_int_equal(rig_open(&rig, "replay", 1, 100, (const char *[]){"path", path, NULL}), 0);
	rig_start(&rig);
	while (!ended(&rig)) {
		while ((n = pull(&rig, &held[n_held])) > 0) {
			n_held += n;
			assert_true(n_held <= 100);
		}
		/* No other lcore's cache holds any here. */
		assert_true(n_held == 100 || ended(&rig));
		assert_int_equal(rig.src.ops->outstanding(&rig.src), n_held);
		for (uint32_t i = 0; i < 7 && n_held > 0; i++) {
			check_packet(held[0], next++, 0, 1);
			rte_pktmbuf_free(held[0]);
			memmove(held, held + 1, --n_held * sizeof(held[0]));
		}
	}
	for (uint32_t i = 0; i < n_held; i++) {
		check_packet(held[i], next++, 0, 1);
		rte_pktmbuf_free(held[i]);
	}
	assert_int_equal(next, 1000);
	rig_close(&rig);
}

struct handover {
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint16_t count;
};

static int free_there(void *arg)
{
	struct handover *handover = arg;

	for (uint16_t i = 0; i < handover->count; i++)
		rte_pktmbuf_free(handover->pkts[i]);
	return 0;
}

/* Mbufs freed by another lcore stay in its cache; the replay continues. */
static void test_replay_other_lcore(void **state)
{
	const char *path = write_file("other.pcap", 1000, PCAP_TSTAMP_PRECISION_NANO);
	static const uint32_t mbufs[] = {1, 2, 17, 64, 300};
	struct handover handover;
	struct rig rig;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(mbufs); i++) {
		uint32_t next = 0;

		assert_int_equal(
			rig_open(&rig, "replay", 1, mbufs[i], (const char *[]){"path", path, NULL}),
			0);
		rig_start(&rig);
		while (!ended(&rig)) {
			handover.count = pull(&rig, handover.pkts);
			assert_true(handover.count > 0);
			for (uint16_t j = 0; j < handover.count; j++)
				check_packet(handover.pkts[j], next++, 0, 1);
			assert_int_equal(rte_eal_remote_launch(free_there, &handover, OTHER_CORE),
					 0);
			assert_int_equal(rte_eal_wait_lcore(OTHER_CORE), 0);
		}
		assert_int_equal(next, 1000);
		rig_close(&rig);
	}
}

/* A clone may outlive the original mbuf, and references may be added. */
static void test_replay_clones(void **state)
{
	const char *path = write_file("clone.pcap", 300, PCAP_TSTAMP_PRECISION_NANO);
	struct rte_mempool *pool = rte_pktmbuf_pool_create("clones", 511, 0, FG_META_BYTES, 0, 0);
	struct rte_mbuf *pkts[FG_BURST_MAX], *clones[300];
	struct rig rig;
	uint32_t next = 0;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(rig_open(&rig, "replay", 1, 64, (const char *[]){"path", path, NULL}), 0);
	rig_start(&rig);
	while (!ended(&rig)) {
		const uint16_t n = pull(&rig, pkts);

		for (uint16_t i = 0; i < n; i++) {
			clones[next + i] = rte_pktmbuf_clone(pkts[i], pool);
			rte_mbuf_refcnt_update(pkts[i], 1);
			rte_pktmbuf_free(pkts[i]);
			check_packet(pkts[i], next + i, 0, 1);
		}
		rte_pktmbuf_free_bulk(pkts, n);
		next += n;
	}
	assert_int_equal(next, 300);
	for (uint32_t i = 0; i < 300; i++) {
		uint8_t data[1500];

		fill_packet(i, data);
		assert_int_equal(clones[i]->pkt_len, packet_len(i));
		assert_memory_equal(rte_pktmbuf_mtod(clones[i], void *), data, packet_len(i));
		rte_pktmbuf_free(clones[i]);
	}
	assert_int_equal(rte_mempool_avail_count(pool), 511);
	rig_close(&rig);
	rte_mempool_free(pool);
}

/* Never more than the rate allows, by the test's own clock. */
static void test_replay_rate(void **state)
{
	const char *path = write_file("rate.pcap", 1000, PCAP_TSTAMP_PRECISION_NANO);
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct rig rig;
	uint64_t start, next = 0;

	(void)state;
	assert_int_equal(rig_open(&rig, "replay", 1, 512,
				  (const char *[]){"path", path, "rate", "20000", NULL}),
			 0);
	start = rte_rdtsc_precise();
	rig_start(&rig);
	while (!ended(&rig)) {
		const uint16_t n = pull(&rig, pkts);
		const uint64_t ticks = rte_rdtsc_precise() - start;

		for (uint16_t i = 0; i < n; i++)
			check_packet(pkts[i], (uint32_t)next++, 0, 1);
		rte_pktmbuf_free_bulk(pkts, n);
		if (next > 0)
			assert_true((double)(next - 1) <=
				    (double)ticks / (double)rte_get_tsc_hz() * 20000 + 1e-6);
		if (next == 500) {
			rig.src.ops->stop(&rig.src);
			rig_start(&rig);
		}
	}
	assert_int_equal(next, 1000);
	rig_close(&rig);
}

/* No packet comes before its time. One with an earlier time than its predecessor comes at once, in
 * order. */
static void test_replay_recorded(void **state)
{
	static const uint32_t at_us[] = {0, 1000, 2000, 500, 1500, 5000, 5000, 5001};
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
	const char *path = in_folder("pace.pcap");
	pcap_dumper_t *dumper = pcap_dump_open(dead, path);
	struct rte_mbuf *m;
	struct rig rig;
	uint64_t start;
	uint32_t next = 0;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(at_us); i++) {
		struct pcap_pkthdr header = {.caplen = 4, .len = 4};

		header.ts.tv_sec = FIRST_S;
		header.ts.tv_usec = at_us[i];
		pcap_dump((u_char *)dumper, &header, (const u_char *)&i);
	}
	pcap_dump_close(dumper);
	pcap_close(dead);
	assert_int_equal(
		rig_open(&rig, "replay", 1, 64,
			 (const char *[]){"path", path, "rate", "recorded", "loops", "3", NULL}),
		0);
	start = rte_rdtsc_precise();
	rig_start(&rig);
	for (; !ended(&rig);) {
		/* 7 intervals in 5001 us: the next loop starts 5715.428 us after the last. */
		const double due = (double)(next / 8) * 5715.428 + at_us[next % 8];

		if (rig.src.ops->rx_burst(&rig.src, 0, &m, 1) == 0)
			continue;
		assert_true((double)(rte_rdtsc_precise() - start) / (double)rte_get_tsc_hz() *
				    1e6 >=
			    due - 0.01);
		assert_int_equal(*rte_pktmbuf_mtod(m, uint32_t *), next % 8);
		assert_int_equal(fg_meta(m)->rx_ns, FIRST_S * 1000000000ull +
							    at_us[next % 8] * 1000ull +
							    next / 8 * 5715428ull);
		rte_pktmbuf_free(m);
		next++;
	}
	assert_int_equal(next, 3 * RTE_DIM(at_us));
	rig_close(&rig);
}

static void test_rates(void **state)
{
	const struct fg_option *row = fg_source_kind("replay")->options;
	void *conf = calloc(1, fg_source_kind("replay")->conf_bytes);
	static const char *const good[] = {"max", "recorded", "1", "1000000000"};
	static const char *const bad[] = {"0", "slow", "-1", "1000000001", ""};

	(void)state;
	assert_string_equal(row->name, "path"); /* `replay: PATH` */
	while (strcmp(row->name, "rate") != 0)
		row++;
	for (size_t i = 0; i < RTE_DIM(good); i++) {
		struct fg_error error = {0};

		assert_int_equal(fg_option_set(row, conf, good[i], NULL, &error), 0);
	}
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		struct fg_error error = {0};

		assert_true(fg_option_set(row, conf, bad[i], NULL, &error) < 0);
	}
	free(conf);
	assert_null(fg_source_kind("nothing"));
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_replay_loops),
		cmocka_unit_test(test_replay_for_ever),
		cmocka_unit_test(test_replay_waits),
		cmocka_unit_test(test_replay_other_lcore),
		cmocka_unit_test(test_replay_clones),
		cmocka_unit_test(test_replay_rate),
		cmocka_unit_test(test_replay_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_with_eal(run_all);
}

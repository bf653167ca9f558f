/* SPDX-License-Identifier: MIT */
/* The sinks count and port: packets taken arrive, and the caller keeps those refused. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <fg_burst.h>
#include <fg_port.h>

#include "sinks.h"

static void test_count(void **state)
{
	struct subject *s = subject_new("count", 2, NULL);
	struct rte_mbuf *pkts[3], *shared;
	uint64_t bytes = 0;

	(void)state;
	subject_start(s);
	for (uint32_t i = 0; i < 3; i++) {
		pkts[i] = make_packet(0, i);
		bytes += frame_bytes(i);
	}
	shared = pkts[1];
	rte_mbuf_refcnt_update(shared, 1);
	assert_int_equal(fg_sink_put(&s->sink, 1, pkts, 3, NULL), 3);
	assert_int_equal(rte_mbuf_refcnt_read(shared), 1);
	rte_pktmbuf_free(shared);
	subject_stop(s);
	assert_int_equal(totals_of(s).packets, 3);
	assert_int_equal(totals_of(s).bytes, bytes);
	assert_int_equal(totals_of(s).dropped, 0);
	subject_close(s);
}

static void test_port_ring(void **state)
{
	const struct fg_port_rx wish = {
		.n_queues = 2, .descriptors = 512, .promiscuous = true, .pool = pool};
	struct fg_error error = {0};
	struct rte_mbuf *sent[FG_BURST_MAX], *got[FG_BURST_MAX];
	struct fg_port *rx = NULL;
	struct subject *s;
	uint16_t put;

	(void)state;
	assert_int_equal(rte_eal_hotplug_add("vdev", "net_ring_fg", ""), 0);
	assert_int_equal(fg_port_claim_rx("net_ring_fg", &wish, &rx, &error), 0);
	s = subject_new("port", 2, (const char *const[]){"device", "net_ring_fg", NULL});
	if (fg_port_start(rx, &error) != 0)
		fail_msg("%s", error.text);
	subject_start(s);

	/* A queue per lane; the same mbufs come back, a shared one too. */
	for (uint16_t lane = 0; lane < 2; lane++) {
		for (uint32_t i = 0; i < 8; i++)
			sent[i] = make_packet(lane, i);
		rte_mbuf_refcnt_update(sent[3], 1);
		assert_int_equal(fg_sink_put(&s->sink, lane, sent, 8, NULL), 8);
		assert_int_equal(rte_eth_rx_burst(rx->id, (uint16_t)(1 - lane), got, 8), 0);
		assert_int_equal(rte_eth_rx_burst(rx->id, lane, got, FG_BURST_MAX), 8);
		assert_memory_equal(sent, got, 8 * sizeof(sent[0]));
		rte_pktmbuf_free_bulk(got, 8);
		assert_int_equal(rte_mbuf_refcnt_read(sent[3]), 1);
		rte_pktmbuf_free(sent[3]);
	}

	/* Nobody receives: when the ring is full the rest stays with the caller. */
	do {
		for (uint32_t i = 0; i < FG_BURST_MAX; i++)
			sent[i] = make_packet(0, i);
		put = fg_sink_put(&s->sink, 0, sent, FG_BURST_MAX, NULL);
		rte_pktmbuf_free_bulk(sent + put, FG_BURST_MAX - put);
	} while (put == FG_BURST_MAX);
	assert_int_equal(fg_counter_read(&s->sink.lanes[0].refused), FG_BURST_MAX - put);
	assert_int_equal(totals_of(s).dropped, FG_BURST_MAX - put);
	while ((put = rte_eth_rx_burst(rx->id, 0, got, FG_BURST_MAX)) > 0)
		rte_pktmbuf_free_bulk(got, put);

	subject_stop(s);
	subject_close(s);
	fg_port_put(rx);
	assert_int_equal(rte_eal_hotplug_remove("vdev", "net_ring_fg"), 0);
}

static unsigned int blocks_back;

static void block_back(void *address, void *opaque)
{
	(void)address;
	(void)opaque;
	blocks_back++;
}

/* A packet by reference, in memory that no device can read. */
static struct rte_mbuf *make_reference(uint8_t *memory, uint16_t bytes,
				       struct rte_mbuf_ext_shared_info *shared)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	shared->free_cb = block_back;
	rte_mbuf_ext_refcnt_set(shared, 1);
	rte_pktmbuf_attach_extbuf(m, memory, RTE_BAD_IOVA, bytes, shared);
	assert_non_null(rte_pktmbuf_append(m, bytes));
	return m;
}

static void test_port_reference(void **state)
{
	const struct fg_port_rx wish = {
		.n_queues = 1, .descriptors = 512, .promiscuous = true, .pool = pool};
	static uint8_t memory[2][128];
	struct rte_mbuf_ext_shared_info shared[2];
	struct fg_error error = {0};
	struct rte_mbuf *sent[4], *got[4];
	struct fg_port *rx = NULL;
	struct subject *s;

	(void)state;
	blocks_back = 0;
	memset(memory[0], 0xa5, sizeof(memory[0]));
	memset(memory[1], 0x5a, sizeof(memory[1]));
	assert_int_equal(rte_eal_hotplug_add("vdev", "net_ring_ref", ""), 0);
	assert_int_equal(fg_port_claim_rx("net_ring_ref", &wish, &rx, &error), 0);
	s = subject_new("port", 1, (const char *const[]){"device", "net_ring_ref", NULL});
	assert_int_equal(fg_port_start(rx, &error), 0);
	subject_start(s);
	sent[0] = make_packet(0, 0);
	sent[1] = make_reference(memory[0], sizeof(memory[0]), &shared[0]);
	sent[2] = make_packet(0, 1);
	sent[3] = make_reference(memory[1], sizeof(memory[1]), &shared[1]);
	rte_mbuf_refcnt_update(sent[3], 1); /* another sink has it, too */
	assert_int_equal(fg_sink_put(&s->sink, 0, sent, 4, NULL), 4);
	assert_int_equal(blocks_back, 1);
	assert_int_equal(rte_eth_rx_burst(rx->id, 0, got, 4), 4);
	assert_ptr_equal(got[0], sent[0]);
	assert_ptr_equal(got[2], sent[2]);
	for (unsigned int i = 1; i < 4; i += 2) {
		assert_false(RTE_MBUF_HAS_EXTBUF(got[i]));
		assert_int_equal(rte_pktmbuf_pkt_len(got[i]), sizeof(memory[0]));
		assert_memory_equal(rte_pktmbuf_mtod(got[i], void *), memory[i / 2],
				    sizeof(memory[0]));
	}
	rte_pktmbuf_free_bulk(got, 4);
	rte_pktmbuf_free(sent[3]);
	assert_int_equal(blocks_back, 2);
	subject_stop(s);
	subject_close(s);
	fg_port_put(rx);
	assert_int_equal(rte_eal_hotplug_remove("vdev", "net_ring_ref"), 0);
}

static void test_port_null(void **state)
{
	struct subject *s;

	(void)state;
	assert_int_equal(rte_eal_hotplug_add("vdev", "net_null_fg", ""), 0);
	s = subject_new("port", LANES, (const char *const[]){"device", "net_null_fg", NULL});
	for (int run = 0; run < 2; run++) { /* it starts again */
		subject_start(s);
		for (uint16_t lane = 0; lane < LANES; lane++)
			put_all(s, lane, 0, 1000);
		subject_stop(s);
	}
	assert_int_equal(totals_of(s).packets, 2 * LANES * 1000);
	assert_int_equal(totals_of(s).dropped, 0);
	subject_close(s);
	assert_int_equal(rte_eal_hotplug_remove("vdev", "net_null_fg"), 0);
}

static void test_port_errors(void **state)
{
	struct fg_error error = {0};
	struct subject *s;

	(void)state;
	assert_int_equal(subject_open(&s, "port", 0, 1,
				      (const char *const[]){"device", "net_nobody", NULL}, &error),
			 -ENODEV);
	assert_non_null(strstr(error.text, "net_nobody"));

	/* More lcores than the driver has tx queues. */
	memset(&error, 0, sizeof(error));
	assert_int_equal(rte_eal_hotplug_add("vdev", "net_ring_few", ""), 0);
	assert_int_equal(subject_open(&s, "port", 0, 17,
				      (const char *const[]){"device", "net_ring_few", NULL},
				      &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, "sink disk"));
	assert_non_null(strstr(error.text, "17"));
	assert_non_null(strstr(error.text, "net_ring_few"));
	assert_int_equal(rte_eal_hotplug_remove("vdev", "net_ring_few"), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, check_pool)
	const struct CMUnitTest tests[] = {
		TEST(test_count),     TEST(test_port_ring),   TEST(test_port_reference),
		TEST(test_port_null), TEST(test_port_errors),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}

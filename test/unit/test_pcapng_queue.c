/* SPDX-License-Identifier: MIT */
/* What a pcapng sink may hold: mbufs by lane, copies of the kernel's packets, a stalled writer. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <fg_burst.h>

#include "pcapng_queue.h"
#include "sinks.h"

#define BUDGET 64u
#define NEVER  3600000u

static struct fg_sink sink;
static struct pcapng_refused evicted;

/* A queue of a sink that may hold BUDGET mbufs, and more while its sources wait. */
static void open_queue(struct pcapng_queue *q, uint16_t n_lanes, uint32_t working, uint64_t wait_ms)
{
	memset(&sink, 0, sizeof(sink));
	memset(q, 0, sizeof(*q));
	sink.name = "disk";
	sink.n_lanes = n_lanes;
	sink.hold_max = BUDGET;
	sink.hold_working = working;
	assert_int_equal(pcapng_queue_open(q, &sink, 0, wait_ms), 0);
}

/* Put packets of @segs mbufs each until one is refused; how many were taken. */
static uint32_t fill(struct pcapng_queue *q, uint16_t lane, uint32_t segs)
{
	uint32_t taken = 0;

	for (;;) {
		struct rte_mbuf *m = make_packet(lane, taken);

		for (uint32_t i = 1; i < segs; i++)
			assert_int_equal(rte_pktmbuf_chain(m, make_packet(lane, i)), 0);
		if (pcapng_queue_put(q, lane, &m, 1) == 0) {
			rte_pktmbuf_free(m);
			return taken;
		}
		taken++;
	}
}

static void empty(struct pcapng_queue *q)
{
	struct rte_mbuf *pkts[PCAPNG_BATCH_MAX];
	unsigned int n;

	for (uint16_t lane = 0; lane < q->n_lanes; lane++)
		while ((n = pcapng_queue_take(q, lane, pkts)) > 0)
			pcapng_queue_free(q, lane, pkts, n);
	assert_int_equal(pcapng_queue_held(q), 0);
	pcapng_queue_close(q);
}

static void test_budget(void **state)
{
	struct rte_mbuf *pkts[PCAPNG_BATCH_MAX];
	struct pcapng_queue q;
	unsigned int n;

	(void)state;
	open_queue(&q, 2, 0, NEVER);
	assert_int_equal(fill(&q, 0, 1), BUDGET / 2);
	assert_int_equal(fill(&q, 1, 3), BUDGET / 2 / 3); /* Mbufs count, not packets. */
	/* What the writer has taken counts until it frees it. */
	n = pcapng_queue_take(&q, 0, pkts);
	assert_in_range(n, 1, BUDGET / 4);
	assert_int_equal(fill(&q, 0, 1), 0);
	pcapng_queue_free(&q, 0, pkts, n);
	assert_int_equal(fill(&q, 0, 1), n);
	empty(&q);
}

static void test_stalled_writer(void **state)
{
	struct rte_mbuf *pkts[PCAPNG_BATCH_MAX];
	struct pcapng_queue q;
	unsigned int n;

	(void)state;
	open_queue(&q, 1, 10 * BUDGET, NEVER);
	assert_int_equal(fill(&q, 0, 1), 10 * BUDGET);
	pcapng_queue_watch(&q, &sink, &evicted);
	assert_int_equal(pcapng_queue_held(&q), 10 * BUDGET);
	empty(&q);

	open_queue(&q, 1, 10 * BUDGET, 0);
	assert_int_equal(fill(&q, 0, 1), 10 * BUDGET);
	pcapng_queue_watch(&q, &sink, &evicted);
	assert_int_equal(pcapng_queue_held(&q), BUDGET);
	assert_int_equal(fg_counter_read(&sink.evicted.packets), 9 * BUDGET);
	assert_int_equal(fill(&q, 0, 1), 0);
	/* It takes packets again: the sources wait for it again. */
	n = pcapng_queue_take(&q, 0, pkts);
	pcapng_queue_free(&q, 0, pkts, n);
	pcapng_queue_watch(&q, &sink, &evicted);
	assert_int_equal(fill(&q, 0, 1), 9 * BUDGET + n);
	empty(&q);
}

static void give_back(void *data, void *freed)
{
	(void)data;
	*(bool *)freed = true;
}

/* A packet in a kernel's ring is copied: the ring gets its place back at once. */
static void test_kernel_packet(void **state)
{
	static uint8_t ring[2048];
	bool freed = false;
	struct rte_mbuf_ext_shared_info shared = {.free_cb = give_back, .fcb_opaque = &freed};
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *got[PCAPNG_BATCH_MAX];
	struct pcapng_queue q;

	(void)state;
	open_queue(&q, 1, 0, NEVER);
	for (size_t i = 0; i < sizeof(ring); i++)
		ring[i] = frame_byte(0, 7, (uint32_t)i);
	rte_mbuf_ext_refcnt_set(&shared, 1);
	rte_pktmbuf_attach_extbuf(m, ring, RTE_BAD_IOVA, sizeof(ring), &shared);
	assert_non_null(rte_pktmbuf_append(m, 1500));
	*fg_meta(m) = (struct fg_meta){.rx_ns = TIME0_NS, .rule_id = 5, .source = 1};
	assert_int_equal(pcapng_queue_put(&q, 0, &m, 1), 1);
	assert_true(freed);
	memset(ring, 0, sizeof(ring));
	assert_int_equal(pcapng_queue_take(&q, 0, got), 1);
	assert_int_equal(rte_pktmbuf_pkt_len(got[0]), 1500);
	for (uint32_t i = 0; i < 1500; i++)
		assert_int_equal(*rte_pktmbuf_mtod_offset(got[0], uint8_t *, i),
				 frame_byte(0, 7, i));
	assert_int_equal(fg_meta(got[0])->rx_ns, TIME0_NS);
	assert_int_equal(fg_meta(got[0])->rule_id, 5);
	assert_int_equal(fg_meta(got[0])->source, 1);
	pcapng_queue_free(&q, 0, got, 1);
	empty(&q);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, check_pool)
	const struct CMUnitTest tests[] = {
		TEST(test_budget),
		TEST(test_stalled_writer),
		TEST(test_kernel_packet),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}

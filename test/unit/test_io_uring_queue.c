/* SPDX-License-Identifier: MIT */
/* A queue of the io_uring source alone: cases that the source cannot produce. */
#include <rte_eal.h>

#include <fg_burst.h>
#include <fg_pool.h>

#include "io_uring/io_uring_queue.h"
#include "veth_rig.h"

/* A small completion queue: packets come later, and none is lost. */
static void test_overflow(void **state)
{
	const struct uring_queue_conf conf = {.buffers = 256, .completions = 8};
	const struct sockaddr_ll address = {.sll_family = AF_PACKET,
					    .sll_protocol = htons(ETH_P_ALL),
					    .sll_ifindex = (int)if_nametoindex("rx0")};
	const int one = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct rte_mempool *pool = rte_pktmbuf_pool_create_by_ops(
		"overflow", 1023, 0, FG_META_BYTES, 2048, SOCKET_ID_ANY, FG_POOL_OPS);
	const uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	struct uring_queue *q = rte_zmalloc(NULL, sizeof(*q), 128);
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct fg_error error = {0};
	uint32_t serial = 0;

	(void)state;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(uring_queue_open(q, &conf, pool, &error), 0);
	assert_int_equal(uring_queue_start(q, fd, &error), 0);
	send_serials(0, 100);
	while (serial < 100 && clock_ns(CLOCK_MONOTONIC) < end_ns) {
		const uint16_t count = uring_queue_pull(q, pkts, FG_BURST_MAX);

		for (uint16_t i = 0; i < count; i++)
			assert_int_equal(udp_serial(pkts[i]), serial++);
		rte_pktmbuf_free_bulk(pkts, count);
	}
	assert_int_equal(serial, 100);
	assert_true(fg_counter_read(&q->count.overflowed) > 0);
	assert_true(fg_counter_read(&q->count.rearmed) > 0);
	assert_int_equal(fg_counter_read(&q->count.malformed), 0);
	uring_queue_close(q);
	assert_int_equal(rte_mempool_avail_count(pool), 1023);
	rte_mempool_free(pool);
	rte_free(q);
	close(fd);
}

/* Invalid headers are refused, and no byte outside the buffer is read. */
static void test_hostile(void **state)
{
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("hostile", 7, 0, FG_META_BYTES, 512, SOCKET_ID_ANY);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *const header = (uint8_t *)m->buf_addr + URING_HEADER_AT;
	struct io_uring_recvmsg_out *out = (struct io_uring_recvmsg_out *)header;
	struct cmsghdr *control = (struct cmsghdr *)(out + 1);
	struct uring_queue q = {.room_bytes = (uint32_t)(512 - URING_HEADER_AT)};
	uint32_t x = 7, handed = 0;

	(void)state;
	assert_false(uring_frame_read(&q, m, 0));
	assert_false(uring_frame_read(&q, m, URING_HEADER_BYTES + 11));
	assert_false(uring_frame_read(&q, m, q.room_bytes + 1));
	assert_false(uring_frame_read(&q, m, UINT32_MAX));
	assert_int_equal(fg_counter_read(&q.count.malformed), 4);
	for (uint32_t i = 0; i < 200000; i++) {
		const uint32_t bytes = (uint32_t)URING_HEADER_BYTES + 12 + i % 400;

		for (uint32_t at = 0; at < URING_HEADER_BYTES; at++) {
			x = x * 1664525u + 1013904223u;
			header[at] = (uint8_t)((x >> 24) % 5 == 0 ? x >> 16 : 0);
		}
		*out = (struct io_uring_recvmsg_out){
			.payloadlen = bytes - (uint32_t)URING_HEADER_BYTES, .controllen = x % 80};
		control->cmsg_len = (x >> 8) % 90;
		control->cmsg_level = (x & 1) != 0 ? SOL_PACKET : SOL_SOCKET;
		control->cmsg_type = (x & 1) != 0 ? PACKET_AUXDATA : SCM_TIMESTAMPNS;
		if (uring_frame_read(&q, m, bytes)) {
			handed++;
			assert_true(m->data_off + m->data_len <= 512);
		}
	}
	assert_true(handed > 0);
	rte_pktmbuf_free(m);
	rte_mempool_free(pool);
}

int main(int argc, char **argv)
{
	char *eal[] = {argv[0],          "--no-huge",   "-m", "512", "--no-pci",
		       "--no-telemetry", "--no-shconf", "-l", "0"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_hostile),
	};
	struct fg_error error = {0};

	(void)argc;
	if (!veth_namespace()) {
		printf("skipped: needs root, to make a network namespace\n");
		return 77;
	}
	if (uring_queue_probe(URING_DEFER, &error) != 0) {
		printf("skipped: %s\n", error.text);
		return 77;
	}
	if (rte_eal_init((int)RTE_DIM(eal), eal) < 0)
		return 1;
	veth_add();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

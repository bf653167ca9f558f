/* SPDX-License-Identifier: MIT */
/* The packet_mmap source: packets from the kernel's ring until they are freed. */
#include <linux/virtio_net.h>
#include <pthread.h>
#include <time.h>

#include "packet_rig.h"

#define HELD_MAX 20000

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Packets arrive as they were sent, in order, with time and length. */
static void check_content(const char *copy_below, uint32_t referred_from)
{
	static const uint32_t lengths[] = {60,  64,  100, 128,  255,  256,  511,  512,
					   513, 777, 999, 1024, 1500, 1514, 4000, 9014};
	uint8_t frame[FRAME_MAX];
	struct rig rig;

	start_with(&rig, 1, 256, OPTIONS("copy_below", copy_below, "blocks", "4"));
	for (uint32_t i = 0; i < 20 * RTE_DIM(lengths); i++) {
		const uint32_t length = lengths[i % RTE_DIM(lengths)];
		const uint64_t before = now_ns();
		struct rte_mbuf *m;

		make_frame(frame, length, i);
		send_bytes(frame, length);
		m = expect(&rig, frame, length);
		assert_int_equal(fg_meta(m)->flags, FG_META_TIMED);
		assert_int_equal(fg_meta(m)->wire_len, length);
		assert_true(fg_meta(m)->rx_ns >= before && fg_meta(m)->rx_ns <= now_ns());
		assert_int_equal(RTE_MBUF_HAS_EXTBUF(m) != 0, length >= referred_from);
		/* The headroom may be written to. */
		assert_true(rte_pktmbuf_headroom(m) >= 64);
		memset(rte_pktmbuf_prepend(m, 64), 0xff, 64);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(figure(&rig, "copied") + figure(&rig, "by reference"),
			 20 * RTE_DIM(lengths));
	assert_int_equal(lost_of(&rig).nic + lost_of(&rig).errors + lost_of(&rig).no_mbuf, 0);
	rig_close(&rig);
}

static void test_contents(void **state)
{
	(void)state;
	check_content("0", 0);
	check_content("512", 512);
	check_content("65535", 65535);
}

static void test_vlan(void **state)
{
	static const char *const copy_below[] = {"0", "65535"};
	uint8_t frame[FRAME_MAX];
	struct rig rig;

	(void)state;
	for (unsigned int way = 0; way < RTE_DIM(copy_below); way++) {
		start_with(&rig, 1, 256, OPTIONS("copy_below", copy_below[way], "blocks", "4"));
		for (uint32_t i = 0; i < 64; i++) {
			uint32_t length = 60 + 20 * i;

			make_frame(frame, length, i);
			if ((i & 1) != 0)
				length = add_tag(frame, length, 0x8100, (uint16_t)(0xe001 + i));
			if ((i & 2) != 0)
				length = add_tag(frame, length, 0x88a8, (uint16_t)(0x1ffe - i));
			if ((i & 4) != 0)
				length = add_tag(frame, length, 0x8100, 0);
			send_bytes(frame, length);
			rte_pktmbuf_free(expect(&rig, frame, length));
		}
		rig_close(&rig);
	}
}

/* Frames longer than any MTU arrive whole up to the limit of an mbuf. */
static void test_large(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct rig rig;

	(void)state;
	start_with(&rig, 1, 256, OPTIONS("blocks", "8", "block_bytes", "128K"));
	shell("ip link set va mtu 65535 && ip link set vb mtu 65535");
	for (uint32_t length = 10000; length <= 65531; length += 6173) {
		make_frame(frame, length, length);
		send_bytes(frame, length);
		rte_pktmbuf_free(expect(&rig, frame, length));
	}
	make_frame(frame, 65531, 1);
	send_bytes(frame, 65531);
	rte_pktmbuf_free(expect(&rig, frame, 65531));
	send_bytes(frame, 65549);
	send_frames(7, 1, 100);
	make_frame(frame, 100, 7);
	rte_pktmbuf_free(expect(&rig, frame, 100));
	assert_int_equal(figure(&rig, "too long"), 1);
	assert_int_equal(lost_of(&rig).errors, 1);
	rig_close(&rig);

	/* A copy must fit the mbuf: 2,048 bytes for this MTU. */
	shell("ip link set va mtu 1500 && ip link set vb mtu 1500");
	start_with(&rig, 1, 256, OPTIONS("blocks", "8", "copy_below", "65535"));
	shell("ip link set va mtu 9000 && ip link set vb mtu 9000");
	make_frame(frame, 2048, 1);
	send_bytes(frame, 2048);
	rte_pktmbuf_free(expect(&rig, frame, 2048));
	send_frames(1, 1, 2049);
	rte_pktmbuf_free((send_frames(1, 1, 2048), expect(&rig, frame, 2048)));
	assert_int_equal(figure(&rig, "too long"), 1);
	rig_close(&rig);
}

/* An unsegmented packet (segmentation offload) arrives whole. */
static void test_segments(void **state)
{
	const int one = 1, zero = 0;
	uint8_t bytes[sizeof(struct virtio_net_hdr) + FRAME_MAX];
	uint8_t *frame = &bytes[sizeof(struct virtio_net_hdr)];
	const uint32_t length = 42000;
	const struct virtio_net_hdr head = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					    .hdr_len = 54,
					    .gso_size = 1400,
					    .csum_start = 34,
					    .csum_offset = 16};
	struct rig rig;

	(void)state;
	start_with(&rig, 1, 256, OPTIONS("blocks", "8"));
	make_frame(frame, length, 5);
	frame[23] = 6; /* TCP, with a header of 20 bytes. */
	frame[46] = 0x50;
	memcpy(bytes, &head, sizeof(head));
	assert_int_equal(setsockopt(tx, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), 0);
	assert_int_equal(send(tx, bytes, sizeof(head) + length, 0), sizeof(head) + length);
	assert_int_equal(setsockopt(tx, SOL_PACKET, PACKET_VNET_HDR, &zero, sizeof(zero)), 0);
	rte_pktmbuf_free(expect(&rig, frame, length));
	rig_close(&rig);
}

static struct rte_mbuf *held[HELD_MAX];

/*
 * Received and lost packets are all of @sent, except those that the sender dropped since
 * count_unsent() was @unsent.
 */
static void assert_conserved(struct rig *rig, uint64_t unsent, uint64_t sent, uint64_t received)
{
	const struct fg_source_lost lost = lost_of(rig);

	assert_int_equal(sent - (count_unsent() - unsent),
			 received + lost.nic + lost.no_mbuf + lost.errors);
}

/* A consumer that holds all packets: above the limit they are copied. */
static void test_hold_copy(void **state)
{
	const uint64_t unsent = count_unsent();
	const uint32_t sent = 4000;
	uint32_t got = 0;
	struct rig rig;
	uint8_t frame[FRAME_MAX];

	(void)state;
	start_with(&rig, 1, 8192, SMALL_RING("hold", "copy", "hold_limit", "25"));
	for (uint32_t i = 0; i < sent; i += 50) {
		send_frames(i, 50, 1500);
		usleep(3000);
		for (uint16_t n = 1; n > 0; got += n)
			n = pull(&rig, &held[got]);
	}
	got += receive(&rig, &held[got], HELD_MAX - got);
	/* Two blocks of eight, with about 80 packets each. */
	assert_true(figure(&rig, "by reference") >= 2 && figure(&rig, "by reference") <= 170);
	assert_true(figure(&rig, "copied") > 50);
	assert_true(figure(&rig, "blocks held") <= 2);
	assert_int_equal(figure(&rig, "copied") + figure(&rig, "by reference"), got);
	/* The kernel reached the held blocks: it lost packets, and counted them. */
	assert_true(figure(&rig, "frozen") > 0);
	assert_conserved(&rig, unsent, sent, got);
	for (uint32_t i = 0; i < got; i++) {
		const uint32_t number = number_of(held[i]);

		make_frame(frame, 1500, number);
		assert_is(held[i], frame, 1500);
	}
	rte_pktmbuf_free_bulk(held, got);
	assert_int_equal(figure(&rig, "blocks held"), 0);
	assert_int_equal(figure(&rig, "oldest held ms"), 0);
	/* Packets flow again. */
	make_frame(frame, 1500, 1);
	send_bytes(frame, 1500);
	rte_pktmbuf_free(expect(&rig, frame, 1500));
	rig_close(&rig);
}

static void test_hold_drop(void **state)
{
	const uint64_t unsent = count_unsent();
	const uint32_t sent = 500;
	uint32_t got = 0;
	struct rig rig;

	(void)state;
	/* On a busy machine the kernel uses many blocks with few packets each: it must not reach
	 * the held ones. */
	start_with(&rig, 1, 8192,
		   OPTIONS("block_bytes", "128K", "blocks", "256", "copy_below", "256", "hold",
			   "drop", "hold_limit", "1"));
	for (uint32_t i = 0; i < sent; i += 50) {
		send_frames(i, 50, 1500);
		usleep(3000);
		for (uint16_t n = 1; n > 0; got += n)
			n = pull(&rig, &held[got]);
	}
	got += receive(&rig, &held[got], HELD_MAX - got);
	assert_int_equal(lost_of(&rig).nic, 0);
	assert_true(lost_of(&rig).no_mbuf > 0);
	assert_int_equal(figure(&rig, "dropped held"), lost_of(&rig).no_mbuf);
	assert_conserved(&rig, unsent, sent, got);
	/* Short packets are copied and still arrive. */
	send_frames(0, 10, 100);
	assert_int_equal(receive(&rig, &held[got], 10), 10);
	got += 10;
	rte_pktmbuf_free_bulk(held, got);
	send_frames(0, 10, 1500);
	assert_int_equal(receive(&rig, held, 10), 10);
	rte_pktmbuf_free_bulk(held, 10);
	rig_close(&rig);
}

/* All blocks are held: the kernel drops packets and counts them, and polls return nothing. */
static void test_freeze(void **state)
{
	const uint64_t unsent = count_unsent();
	const uint32_t sent = 3000;
	uint32_t got = 0;
	struct rig rig;

	(void)state;
	start_with(&rig, 1, 8192, SMALL_RING("hold_limit", "100"));
	for (uint32_t i = 0; i < sent; i += 100) {
		send_frames(i, 100, 1500);
		usleep(3000);
		for (uint16_t n = 1; n > 0; got += n)
			n = pull(&rig, &held[got]);
	}
	got += receive(&rig, &held[got], HELD_MAX - got);
	assert_int_equal(figure(&rig, "blocks held"), 8);
	assert_int_equal(figure(&rig, "copied"), 0);
	assert_true(lost_of(&rig).nic > 0);
	assert_true(figure(&rig, "frozen") > 0);
	assert_conserved(&rig, unsent, sent, got);
	rte_pktmbuf_free_bulk(held, got);
	assert_int_equal(figure(&rig, "blocks held"), 0);
	send_frames(0, 200, 1500);
	got += receive(&rig, held, 200);
	rte_pktmbuf_free_bulk(held, 200);
	assert_conserved(&rig, unsent, sent + 200, got);
	rig_close(&rig);
}

/* Without mbufs, packets wait in the ring. */
static void test_no_mbufs(void **state)
{
	const uint64_t unsent = count_unsent();
	const uint32_t sent = 800;
	uint32_t got, more;
	struct rig rig;

	(void)state;
	start_with(&rig, 1, 64, OPTIONS("copy_below", "1000"));
	send_frames(0, sent / 2, 100);
	send_frames(sent / 2, sent / 2, 1500);
	got = receive(&rig, held, 64);
	assert_int_equal(got, 64);
	assert_int_equal(receive(&rig, &held[got], 1), 0);
	assert_true(figure(&rig, "waits for mbufs") > 0);
	rte_pktmbuf_free_bulk(held, got);
	while ((more = receive(&rig, held, 64)) > 0) {
		for (uint32_t i = 0; i < more; i++)
			assert_int_equal(number_of(held[i]), got + i);
		rte_pktmbuf_free_bulk(held, more);
		got += more;
	}
	assert_int_equal(got, sent);
	assert_conserved(&rig, unsent, sent, got);
	rig_close(&rig);
}

/* Passes packets to another thread. */
struct mailbox {
	_Atomic uint32_t written, freed;
	struct rte_mbuf *slots[1024];
};

static void *free_all(void *context)
{
	struct mailbox *box = context;
	uint64_t sum = 0;

	for (uint32_t at = 0;;) {
		const uint32_t written = atomic_load_explicit(&box->written, memory_order_acquire);

		if (written == UINT32_MAX)
			return (void *)(uintptr_t)(sum & 1);
		if (at == written)
			sched_yield();
		for (; at < written; at++) {
			sum += number_of(box->slots[at % 1024]);
			rte_pktmbuf_free(box->slots[at % 1024]);
			atomic_store_explicit(&box->freed, at + 1, memory_order_release);
		}
	}
}

static void test_threads(void **state)
{
	static struct mailbox box;
	const uint64_t unsent = count_unsent();
	const uint32_t sent = 20000;
	uint32_t got = 0, next = 0;
	pthread_t thread;
	struct rig rig;

	(void)state;
	start_with(&rig, 1, 2048, SMALL_RING("hold_limit", "50"));
	assert_int_equal(pthread_create(&thread, NULL, free_all, &box), 0);
	for (uint32_t i = 0; i < sent; i += 50) {
		struct rte_mbuf *pkts[64];
		uint32_t n;

		send_frames(i, 50, 64 + i % 1400);
		n = pull(&rig, pkts);
		for (uint32_t k = 0; k < n; k++) {
			const uint32_t number = number_of(pkts[k]);

			assert_true(number >= next);
			next = number + 1;
			if ((k & 3) == 0) {
				rte_pktmbuf_free(pkts[k]);
				continue;
			}
			box.slots[atomic_load(&box.written) % 1024] = pkts[k];
			atomic_fetch_add_explicit(&box.written, 1, memory_order_release);
		}
		got += n;
		while (atomic_load_explicit(&box.written, memory_order_relaxed) -
			       atomic_load_explicit(&box.freed, memory_order_acquire) >
		       900)
			sched_yield();
	}
	for (uint32_t n; (n = receive(&rig, held, HELD_MAX)) > 0; got += n)
		rte_pktmbuf_free_bulk(held, n);
	while (atomic_load_explicit(&box.written, memory_order_relaxed) !=
	       atomic_load_explicit(&box.freed, memory_order_acquire))
		sched_yield();
	atomic_store(&box.written, UINT32_MAX);
	pthread_join(thread, NULL);
	assert_conserved(&rig, unsent, sent, got);
	assert_int_equal(figure(&rig, "blocks held"), 0);
	rig_close(&rig);
}

/* A packet outlives the stop, and is outstanding until it is freed. */
static void test_outstanding(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct rte_mbuf *copied, *referred;
	struct rig rig;

	(void)state;
	start_with(&rig, 1, 256, OPTIONS("blocks", "4"));
	make_frame(frame, 100, 1);
	send_bytes(frame, 100);
	copied = expect(&rig, frame, 100);
	make_frame(frame, 1500, 2);
	send_bytes(frame, 1500);
	referred = expect(&rig, frame, 1500);
	rig.src.ops->stop(&rig.src);
	assert_int_equal(rig.src.ops->outstanding(&rig.src), 2);
	usleep(20000);
	assert_true(figure(&rig, "oldest held ms") >= 20);
	assert_is(referred, frame, 1500);
	rte_pktmbuf_free(referred);
	assert_int_equal(rig.src.ops->outstanding(&rig.src), 1);
	rte_pktmbuf_free(copied);
	rig_close(&rig);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),  cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_large),     cmocka_unit_test(test_segments),
		cmocka_unit_test(test_hold_copy), cmocka_unit_test(test_hold_drop),
		cmocka_unit_test(test_freeze),    cmocka_unit_test(test_no_mbufs),
		cmocka_unit_test(test_threads),   cmocka_unit_test(test_outstanding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return packet_rig_run("test_packet_mmap", run_all);
}

/* SPDX-License-Identifier: MIT */
/* For tests of the packet_mmap source: a veth pair in a network namespace of its own. */
#ifndef PACKET_RIG_H
#define PACKET_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_eal.h>

#include <fg_burst.h>

#include "source_rig.h"

#define FRAME_MAX 65600
#define HELD_MAX  20000

static int tx = -1; /* Sends on va; the source receives on vb. */

static inline void shell(const char *command)
{
	assert_int_equal(system(command), 0);
}

static inline void open_tx(void)
{
	const struct sockaddr_ll to = {.sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)if_nametoindex("va")};
	const int buffer = 64 << 20;

	if (tx >= 0)
		close(tx);
	tx = socket(AF_PACKET, SOCK_RAW, 0);
	assert_true(tx >= 0);
	setsockopt(tx, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
	assert_int_equal(bind(tx, (const struct sockaddr *)&to, sizeof(to)), 0);
}

static inline void add_pair(void)
{
	shell("ip link add va type veth peer name vb && ip link set va up mtu 9000 && "
	      "ip link set vb up mtu 9000");
	open_tx();
}

/* A UDP datagram in a frame of @length, with contents computed from @number. */
static inline void make_frame(uint8_t *frame, uint32_t length, uint32_t number)
{
	static const uint8_t head[] = {1,    0, 94,  1, 1, 1, 2,    0, 0, 0,  0, 1, 8,  0,
				       0x45, 0, 0,   0, 0, 0, 0,    0, 9, 17, 0, 0, 10, 0,
				       0,    1, 239, 1, 1, 1, 0x10, 0, 0, 5,  0, 0, 0,  0};
	uint32_t state = number * 2654435761u + 1;

	for (uint32_t i = 0; i < length; i++) {
		state = state * 1664525u + 1013904223u;
		frame[i] = (uint8_t)(state >> 24);
	}
	memcpy(frame, head, sizeof(head));
	frame[16] = (uint8_t)((length - 14) >> 8);
	frame[17] = (uint8_t)(length - 14);
	frame[35] = (uint8_t)number; /* Source port. */
	frame[38] = (uint8_t)((length - 34) >> 8);
	frame[39] = (uint8_t)(length - 34);
	memcpy(&frame[42], &number, sizeof(number));
}

/* Insert a VLAN tag after the MAC addresses, before other tags. */
static inline uint32_t add_tag(uint8_t *frame, uint32_t length, uint16_t tpid, uint16_t tci)
{
	const uint8_t tag[] = {(uint8_t)(tpid >> 8), (uint8_t)tpid, (uint8_t)(tci >> 8),
			       (uint8_t)tci};

	memmove(&frame[16], &frame[12], length - 12);
	memcpy(&frame[12], tag, sizeof(tag));
	return length + 4;
}

static inline uint32_t number_of(const struct rte_mbuf *m)
{
	uint32_t number;

	memcpy(&number, rte_pktmbuf_mtod_offset(m, uint8_t *, 42), sizeof(number));
	return number;
}

static inline void send_bytes(const uint8_t *frame, uint32_t length)
{
	assert_int_equal(send(tx, frame, length, 0), length);
}

static inline void send_frames(uint32_t first, uint32_t count, uint32_t length)
{
	uint8_t frame[FRAME_MAX];

	for (uint32_t i = 0; i < count; i++) {
		make_frame(frame, length, first + i);
		send_bytes(frame, length);
		/* The kernel queues up to 1,000 packets on the veth: let it catch up. */
		if (i % 100 == 99)
			usleep(1000);
	}
}

/* Packets that the sender's queue dropped because the machine is busy. */
static inline uint64_t count_unsent(void)
{
	FILE *file = fopen("/proc/net/dev", "r");
	uint64_t dropped = UINT64_MAX;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *at = strstr(line, "va:");

		/* Eight fields for receiving (bytes, packets, errors, drops, ...), then the same
		 * for sending. */
		if (at != NULL &&
		    sscanf(at, "va: %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
			   &dropped) != 1)
			dropped = UINT64_MAX;
	}
	fclose(file);
	assert_true(dropped != UINT64_MAX);
	return dropped;
}

static inline int open_with(struct rig *rig, uint16_t n_queues, uint32_t mbufs,
			    const char *const *options)
{
	return rig_open(rig, "packet_mmap", n_queues, mbufs, options);
}

#define OPTIONS(...) ((const char *[]){"interface", "vb", __VA_ARGS__, NULL})
#define SMALL_RING(...)                                                                            \
	OPTIONS("block_bytes", "128K", "blocks", "8", "copy_below", "0", __VA_ARGS__)

static inline void start_with(struct rig *rig, uint16_t n_queues, uint32_t mbufs,
			      const char *const *options)
{
	assert_int_equal(open_with(rig, n_queues, mbufs, options), 0);
	rig_start(rig);
}

/* Poll all queues until @count packets came, or none for half a second. @return how many. */
static inline uint32_t receive(struct rig *rig, struct rte_mbuf **pkts, uint32_t count)
{
	uint32_t got = 0;

	for (unsigned int quiet = 0; got < count && quiet < 500; quiet++) {
		for (uint16_t queue = 0; queue < rig->src.n_queues && got < count; queue++) {
			const uint16_t n = rig->src.ops->rx_burst(
				&rig->src, queue, &pkts[got],
				(uint16_t)RTE_MIN(FG_BURST_MAX, count - got));

			got += n;
			if (n > 0)
				quiet = 0;
		}
		if (quiet > 0)
			usleep(1000);
	}
	return got;
}

static inline void assert_is(const struct rte_mbuf *m, const uint8_t *frame, uint32_t length)
{
	assert_int_equal(m->pkt_len, length);
	assert_int_equal(m->data_len, length);
	assert_int_equal(m->nb_segs, 1);
	assert_null(m->next);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, length);
	assert_true(m->data_off + m->data_len <= m->buf_len);
}

/* Receive one packet and compare it. */
static inline struct rte_mbuf *expect(struct rig *rig, const uint8_t *frame, uint32_t length)
{
	struct rte_mbuf *m;

	assert_int_equal(receive(rig, &m, 1), 1);
	assert_is(m, frame, length);
	return m;
}

static inline struct fg_source_lost lost_of(struct rig *rig)
{
	struct fg_source_lost lost;

	fg_source_count_lost(&rig->src, &lost);
	return lost;
}

static inline uint64_t figure(struct rig *rig, const char *name)
{
	struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX];
	const unsigned int count = rig->src.ops->figures(&rig->src, figures);

	for (unsigned int i = 0; i < count; i++)
		if (strcmp(figures[i].name, name) == 0)
			return figures[i].value;
	fail_msg("no figure '%s'", name);
	return 0;
}

/* Create the namespace and its veth pair, start EAL, run the tests. @return main()'s result. */
static inline int packet_rig_run(const char *name, int (*run)(void))
{
	char *eal_args[] = {strdup(name),     "--no-huge",   "-m", "512", "--no-pci",
			    "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	int failed;

	if (unshare(CLONE_NEWNET) != 0) {
		printf("skipped: no network namespace of its own: %s\n", strerror(errno));
		free(eal_args[0]);
		return 77;
	}
	if (system("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 && "
		   "ip link set lo up") != 0)
		return 1;
	add_pair();
	if (rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	failed = run();
	rte_eal_cleanup();
	close(tx);
	free(eal_args[0]);
	return failed;
}

#endif /* PACKET_RIG_H */

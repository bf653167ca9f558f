/* SPDX-License-Identifier: MIT */
/*
 * A network for tests of sources: a namespace with a veth pair, "rx0" and "tx0". Only the test
 * sends packets on it, by a packet socket.
 */
#ifndef VETH_RIG_H
#define VETH_RIG_H

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "source_rig.h"

#define VETH_MTU    9000u
#define FRAME_MAX   (VETH_MTU + 22u)
#define FRAME_BYTES 128u /* Length of udp_frame()'s frames. */

static inline void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static inline void veth_add(void)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "ip link add rx0 mtu %u type veth peer name tx0 mtu %u && "
		 "ip link set rx0 arp off up && ip link set tx0 arp off up",
		 VETH_MTU, VETH_MTU);
	run(command);
}

static inline void veth_remove(void)
{
	run("ip link del rx0");
}

/* Create a namespace without IPv6; false if this process may not. */
static inline bool veth_namespace(void)
{
	FILE *file;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
		return false;
	file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");
	if (file != NULL) {
		fputs("1", file);
		fclose(file);
	}
	return system("ip link set lo up") == 0;
}

/* A socket that sends out of tx0. */
static inline int sender_open(void)
{
	const struct sockaddr_ll address = {.sll_family = AF_PACKET,
					    .sll_ifindex = (int)if_nametoindex("tx0")};
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_not_equal(address.sll_ifindex, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void send_frame(int fd, const uint8_t *frame, size_t bytes)
{
	assert_int_equal(send(fd, frame, bytes, 0), bytes);
}

static inline void put_be16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put_be32(uint8_t *at, uint32_t value)
{
	put_be16(at, value >> 16);
	put_be16(at + 2, value & 0xffff);
}

static inline uint32_t get_be32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

/* A frame of an unknown protocol whose bytes depend on @seed; @bytes: 18 or more. */
static inline void odd_frame(uint8_t *frame, size_t bytes, uint32_t seed)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};
	uint32_t x = seed * 2654435761u + 1;

	memcpy(frame, head, sizeof(head));
	for (size_t i = sizeof(head); i < bytes; i++) {
		x = x * 1664525u + 1013904223u;
		frame[i] = (uint8_t)(x >> 24);
	}
	put_be32(frame + sizeof(head), seed);
}

/* UDP over IPv4 from port 1000 + @serial % 256 to @port; the payload begins with @serial. */
static inline void udp_frame(uint8_t frame[FRAME_BYTES], uint16_t port, uint32_t serial)
{
	uint32_t sum = 0;

	odd_frame(frame, FRAME_BYTES, serial);
	put_be16(frame + 12, ETHERTYPE_IP);
	memcpy(frame + 14, "\x45\0\0\0\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2", 20);
	put_be16(frame + 16, FRAME_BYTES - 14);
	for (unsigned int i = 14; i < 34; i += 2)
		sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(frame + 24, ~sum & 0xffff);
	put_be16(frame + 34, 1000 + serial % 256);
	put_be16(frame + 36, port);
	put_be16(frame + 38, FRAME_BYTES - 34);
	put_be16(frame + 40, 0);
	put_be32(frame + 42, serial);
}

static inline uint32_t udp_serial(struct rte_mbuf *m)
{
	assert_int_equal(m->pkt_len, FRAME_BYTES);
	return get_be32(rte_pktmbuf_mtod_offset(m, const uint8_t *, 42));
}

/* Send @count datagrams with serial numbers from @first on. */
static inline void send_serials(uint32_t first, uint32_t count)
{
	const int fd = sender_open();
	uint8_t frame[FRAME_BYTES];

	for (uint32_t i = 0; i < count; i++) {
		udp_frame(frame, 26477, first + i);
		send_frame(fd, frame, sizeof(frame));
	}
	close(fd);
}

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* How long a test waits for packets. */
#define PATIENCE_NS UINT64_C(10000000000)

#endif /* VETH_RIG_H */

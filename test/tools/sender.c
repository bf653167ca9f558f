/* SPDX-License-Identifier: MIT */
/*
 * Sends numbered UDP multicast frames out of a network interface, as fast as the kernel accepts
 * them or at a rate, and prints at its end how many the kernel accepted:
 *
 *   sender INTERFACE [-n COUNT] [-t SECONDS] [-s BYTES] [-r PER_SECOND] [-f FLOWS] [-q FIRST]
 *
 * Without -n and -t it runs until a signal comes. The payload of frame i begins with FIRST + i,
 * eight bytes, big-endian. If the interface is down or removed, the sender waits for it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH   64u
#define BYTES   9014u
#define HEADERS (sizeof(struct ether_header) + sizeof(struct iphdr) + sizeof(struct udphdr))

struct sender {
	const char *interface;
	uint64_t count; /* 0: no limit. */
	uint64_t first;
	uint64_t rate; /* Frames per second; 0: no limit. */
	double seconds;
	unsigned int bytes;
	unsigned int flows;

	uint64_t sent;
	uint64_t refused; /* Times that the kernel had no room. */
	uint64_t absent;  /* Times that the interface was down or removed. */
	int fd;
};

static atomic_bool over;
static uint8_t frames[BATCH][BYTES];

static void on_signal(int number)
{
	(void)number;
	atomic_store(&over, true);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void sleep_for(double seconds)
{
	const struct timespec time = {.tv_sec = (time_t)seconds,
				      .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

	nanosleep(&time, NULL);
}

static uint16_t checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(struct iphdr); i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void make_frame(uint8_t *frame, unsigned int bytes)
{
	static const uint8_t link[14] = {0x01, 0x00, 0x5e, 0x01, 0x02, 0x03, 0x02,
					 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00};
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(bytes - sizeof(link))),
		.ttl = 4,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(0x0a000001), /* 10.0.0.1 */
		.daddr = htonl(0xef010203), /* 239.1.2.3 */
	};
	const struct udphdr udp = {
		.source = htons(1024),
		.dest = htons(26477),
		.len = htons((uint16_t)(bytes - sizeof(link) - sizeof(ip))),
	};

	ip.check = htons(checksum((const uint8_t *)&ip));
	memcpy(frame, link, sizeof(link));
	memcpy(frame + sizeof(link), &ip, sizeof(ip));
	memcpy(frame + sizeof(link) + sizeof(ip), &udp, sizeof(udp));
}

static void number_frame(uint8_t *frame, uint64_t number, unsigned int flows)
{
	const uint16_t port = htons((uint16_t)(1024 + number % flows));

	memcpy(frame + sizeof(struct ether_header) + sizeof(struct iphdr), &port, sizeof(port));
	for (unsigned int i = 0; i < 8; i++)
		frame[HEADERS + i] = (uint8_t)(number >> (56 - 8 * i));
}

/* A socket that sends past the queueing discipline: what it takes is on the interface. */
static int open_socket(const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_ifindex = (int)if_nametoindex(interface)};
	const int one = 1, fd = address.sll_ifindex == 0 ? -1 : socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) == 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The interface is not there: is it again, perhaps another one of that name? */
static void look_again(struct sender *s)
{
	int fd;

	s->absent++;
	sleep_for(0.01);
	fd = open_socket(s->interface);
	if (fd < 0)
		return;
	close(s->fd);
	s->fd = fd;
}

/* The kernel did not take a frame. false: there is no going on. */
static bool wait_for_room(struct sender *s)
{
	switch (errno) {
	case EINTR:
		return true;
	case ENOBUFS:
	case EAGAIN:
		s->refused++;
		return true;
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
		look_again(s);
		return true;
	default:
		perror(s->interface);
		return false;
	}
}

/* How many may go now. */
static unsigned int due(const struct sender *s, double since)
{
	uint64_t left = BATCH;

	if (s->rate > 0) {
		const uint64_t allowed = (uint64_t)((now() - since) * (double)s->rate) + 1;

		left = allowed > s->sent ? allowed - s->sent : 0;
	}
	if (s->count > 0 && left > s->count - s->sent)
		left = s->count - s->sent;
	return (unsigned int)(left < BATCH ? left : BATCH);
}

static bool send_all(struct sender *s)
{
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	const double since = now();

	for (unsigned int i = 0; i < BATCH; i++) {
		make_frame(frames[i], s->bytes);
		parts[i] = (struct iovec){.iov_base = frames[i], .iov_len = s->bytes};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	while (!atomic_load(&over) && (s->count == 0 || s->sent < s->count) &&
	       (s->seconds <= 0 || now() - since < s->seconds)) {
		const unsigned int n = due(s, since);
		int taken;

		if (n == 0) {
			sleep_for(0.0005);
			continue;
		}
		for (unsigned int i = 0; i < n; i++)
			number_frame(frames[i], s->first + s->sent + i, s->flows);
		taken = sendmmsg(s->fd, messages, n, 0);
		if (taken > 0)
			s->sent += (uint64_t)taken;
		else if (!wait_for_room(s))
			return false;
	}
	s->seconds = now() - since;
	return true;
}

static bool read_options(struct sender *s, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:t:s:r:f:q:")) != -1) {
		switch (option) {
		case 'n':
			s->count = strtoull(optarg, NULL, 10);
			break;
		case 't':
			s->seconds = strtod(optarg, NULL);
			break;
		case 's':
			s->bytes = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			s->rate = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			s->flows = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'q':
			s->first = strtoull(optarg, NULL, 10);
			break;
		default:
			return false;
		}
	}
	s->interface = argv[optind];
	return optind + 1 == argc && s->flows > 0 && s->bytes >= HEADERS + 8 && s->bytes <= BYTES;
}

int main(int argc, char **argv)
{
	struct sender sender = {.bytes = 128, .flows = 1};
	bool done;

	if (!read_options(&sender, argc, argv)) {
		fputs("usage: sender INTERFACE [-n COUNT] [-t SECONDS] [-s BYTES] [-r PER_SECOND] "
		      "[-f FLOWS] [-q FIRST]\n",
		      stderr);
		return 2;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	sender.fd = open_socket(sender.interface);
	if (sender.fd < 0) {
		perror(sender.interface);
		return 1;
	}
	done = send_all(&sender);
	printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"absent\": %" PRIu64
	       ", \"seconds\": %.3f}\n",
	       sender.sent, sender.refused, sender.absent, sender.seconds);
	close(sender.fd);
	return done ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * Readers without DPDK, as common programs have them: libpcap's callback, as in tcpdump, and
 * recvmmsg() on a packet socket. `recvmmsg-cmsg` also asks for control messages (cmsg(3)): the
 * timestamp, and the VLAN tag that the kernel removed. The same filter classifies their packets,
 * in the library's buffer or their own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <fg_burst.h>
#include <fg_classify.h>
#include <fg_meta.h>

#include "capture.h"

#define WAIT_MS    10
#define BUFFER_MAX (1u << 30)
#define SNAPLEN    262144 /* tcpdump's. */
#define SLOT_BYTES 2048u
#define MESSAGES   64u
#define CMSG_BYTES                                                                                 \
	(CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct tpacket_auxdata)))
/* Bytes that the kernel charges to a socket's buffer for a packet, beside the frame. */
#define SKB_BYTES 1024u
/* Bytes of a packet in libpcap's ring beside the frame, and spare ones for blocks that are closed
 * before they are full. */
#define RING_EXTRA 160u
#define RING_SPARE (UINT64_C(64) << 18)

/* Keys gathered for a lookup, and their packets' times. */
struct batch {
	struct fg_key keys[FG_BURST_MAX] __attribute__((aligned(64)));
	uint64_t sent_ns[FG_BURST_MAX], stamp_ns[FG_BURST_MAX];
	unsigned int count;
};

struct peer {
	struct batch batch;
	struct reader *reader; /* For the callback. */
	unsigned int reading;
	pcap_t *pcap;
	int fd;
	uint64_t dropped; /* tp_drops so far: reading clears them. */
	struct mmsghdr messages[MESSAGES];
	struct iovec vectors[MESSAGES];
	uint8_t *slots;
	bool with_cmsg; /* Time stamps and VLAN tags are requested. */
	uint8_t control[MESSAGES][CMSG_BYTES] __attribute__((aligned(16)));
};

static void record_batch(struct peer *peer)
{
	struct reader *reader = peer->reader;
	struct batch *batch = &peer->batch;
	const uint64_t now_ns = realtime_ns();

	for (unsigned int i = 0; i < batch->count; i++) {
		times_record(&reader->sent, now_ns, batch->sent_ns[i]);
		if (batch->stamp_ns[i] > 0)
			times_record(&reader->stamped, now_ns, batch->stamp_ns[i]);
	}
}

static inline void finish_batch(struct peer *peer, const unsigned int reading)
{
	struct reader *reader = peer->reader;
	struct batch *batch = &peer->batch;
	uint32_t rules[FG_BURST_MAX];

	if (batch->count == 0)
		return;
	if ((reading & READING_FILTERED) != 0) {
		fg_table_lookup(reader->filter->table, batch->keys, NULL, rules, batch->count);
		for (unsigned int i = 0; i < batch->count; i++)
			reader->matched += rules[i] != FG_RULE_NONE;
	}
	if ((reading & READING_TIMED) != 0)
		record_batch(peer);
	batch->count = 0;
}

static inline void take_packet(struct peer *peer, const unsigned int reading, const uint8_t *data,
			       uint32_t length, uint32_t total, uint64_t stamp_ns)
{
	struct reader *reader = peer->reader;
	struct batch *batch = &peer->batch;

	reader->packets++;
	if (reading == 0)
		return;
	if ((reading & READING_FILTERED) != 0 &&
	    fg_parse_packet(&reader->filter->parse, data, length, total,
			    &batch->keys[batch->count]) != FG_DROP_COUNT)
		return;
	if ((reading & READING_TIMED) != 0) {
		if (length < STAMP_END)
			return;
		memcpy(&batch->sent_ns[batch->count], data + STAMP_OFFSET, sizeof(uint64_t));
		batch->stamp_ns[batch->count] = stamp_ns;
	}
	if (++batch->count == FG_BURST_MAX)
		finish_batch(peer, reading);
}

static struct peer *make_peer(struct reader *reader)
{
	struct peer *peer = aligned_alloc(64, sizeof(*peer));

	if (peer != NULL) {
		memset(peer, 0, sizeof(*peer));
		peer->fd = -1;
		peer->reader = reader;
	}
	return peer;
}

static int buffer_bytes(const struct reader *reader, uint32_t extra, uint64_t spare)
{
	const uint64_t bytes =
		(reader->ring_packets + 1000) * (reader->with->bytes + extra) + spare;

	return (int)(bytes < BUFFER_MAX ? bytes : BUFFER_MAX);
}

static int set_up_pcap(struct peer *peer, struct fg_error *error)
{
	pcap_t *pcap = peer->pcap;
	char reason[PCAP_ERRBUF_SIZE] = "";
	int rc;

	pcap_set_snaplen(pcap, SNAPLEN);
	pcap_set_promisc(pcap, 1);
	pcap_set_timeout(pcap, WAIT_MS);
	pcap_set_buffer_size(pcap, buffer_bytes(peer->reader, RING_EXTRA, RING_SPARE));
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	rc = pcap_activate(pcap);
	if (rc < 0)
		return fg_error_set(error, EIO, "%s: %s", pcap_statustostr(rc), pcap_geterr(pcap));
	if (pcap_setnonblock(pcap, 1, reason) != 0)
		return fg_error_set(error, EIO, "%s", reason);
	peer->fd = pcap_get_selectable_fd(pcap);
	return 0;
}

static int open_libpcap(struct reader *reader, struct fg_error *error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	struct peer *peer = make_peer(reader);
	int rc;

	if (peer == NULL)
		return fg_error_set(error, ENOMEM, "no memory");
	peer->pcap = pcap_create(INTERFACE_RECEIVE, reason);
	rc = peer->pcap != NULL ? set_up_pcap(peer, error) : fg_error_set(error, EIO, "%s", reason);
	if (rc != 0) {
		if (peer->pcap != NULL)
			pcap_close(peer->pcap);
		free(peer);
		return rc;
	}
	reader->state = peer;
	return 0;
}

static void on_packet_plain(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	struct peer *peer = (struct peer *)(void *)user;

	take_packet(peer, 0, data, header->caplen, header->len, 0);
}

static void on_packet_filtered(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	struct peer *peer = (struct peer *)(void *)user;

	take_packet(peer, READING_FILTERED, data, header->caplen, header->len, 0);
}

/* For both timed readings: their CPU time is not measured, so a branch does no harm. */
static void on_packet_timed(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	struct peer *peer = (struct peer *)(void *)user;
	/* Nanoseconds, as asked for. */
	const uint64_t stamp_ns =
		(uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec;

	take_packet(peer, peer->reading, data, header->caplen, header->len, stamp_ns);
}

static unsigned int poll_libpcap(struct reader *reader, unsigned int reading,
				 pcap_handler on_packet)
{
	struct peer *peer = reader->state;
	int found;

	peer->reading = reading;
	found = pcap_dispatch(peer->pcap, -1, on_packet, (u_char *)peer);
	finish_batch(peer, reading);
	return found > 0 ? (unsigned int)found : 0;
}

static unsigned int libpcap_plain(struct reader *reader)
{
	return poll_libpcap(reader, 0, on_packet_plain);
}

static unsigned int libpcap_filtered(struct reader *reader)
{
	return poll_libpcap(reader, READING_FILTERED, on_packet_filtered);
}

static unsigned int libpcap_timed(struct reader *reader)
{
	return poll_libpcap(reader, READING_TIMED, on_packet_timed);
}

static unsigned int libpcap_filtered_timed(struct reader *reader)
{
	return poll_libpcap(reader, READING_FILTERED | READING_TIMED, on_packet_timed);
}

static int libpcap_lost(struct reader *reader, uint64_t *lost, struct fg_error *error)
{
	struct peer *peer = reader->state;
	struct pcap_stat stats;

	if (pcap_stats(peer->pcap, &stats) != 0)
		return fg_error_set(error, EIO, "%s", pcap_geterr(peer->pcap));
	*lost = stats.ps_drop;
	return 0;
}

static int close_libpcap(struct reader *reader, struct fg_error *error)
{
	struct peer *peer = reader->state;

	(void)error;
	pcap_close(peer->pcap);
	free(peer);
	reader->state = NULL;
	return 0;
}

static void wait_peer(struct reader *reader)
{
	struct peer *peer = reader->state;
	struct pollfd ready = {.fd = peer->fd, .events = POLLIN};

	poll(&ready, 1, WAIT_MS);
}

const struct reader_kind reader_libpcap = {
	.open = open_libpcap,
	.poll = {libpcap_plain, libpcap_filtered, libpcap_timed, libpcap_filtered_timed},
	.wait = wait_peer,
	.lost = libpcap_lost,
	.close = close_libpcap,
};

static int set_up_socket(struct peer *peer)
{
	const struct sockaddr_ll from = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_ALL),
					 .sll_ifindex = (int)if_nametoindex(INTERFACE_RECEIVE)};
	const struct packet_mreq promiscuous = {.mr_ifindex = from.sll_ifindex,
						.mr_type = PACKET_MR_PROMISC};
	/* The kernel doubles it. */
	const int bytes = buffer_bytes(peer->reader, SKB_BYTES, 0);

	const int yes = 1;

	peer->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (peer->fd < 0 ||
	    (peer->with_cmsg &&
	     (setsockopt(peer->fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes)) != 0 ||
	      setsockopt(peer->fd, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes)) != 0)) ||
	    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
	    setsockopt(peer->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
		       sizeof(promiscuous)) != 0 ||
	    bind(peer->fd, (const struct sockaddr *)&from, sizeof(from)) != 0)
		return -errno;
	for (unsigned int i = 0; i < MESSAGES; i++) {
		peer->vectors[i] = (struct iovec){peer->slots + i * SLOT_BYTES, SLOT_BYTES};
		peer->messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &peer->vectors[i],
					.msg_iovlen = 1,
					.msg_control = peer->with_cmsg ? peer->control[i] : NULL,
					.msg_controllen = peer->with_cmsg ? CMSG_BYTES : 0};
	}
	return 0;
}

static int open_socket(struct reader *reader, bool with_cmsg, struct fg_error *error)
{
	struct peer *peer = make_peer(reader);
	int rc = -ENOMEM;

	if (peer != NULL) {
		peer->with_cmsg = with_cmsg;
		peer->slots = malloc(MESSAGES * SLOT_BYTES);
		if (peer->slots != NULL)
			rc = set_up_socket(peer);
	}
	if (rc == 0) {
		reader->state = peer;
		return 0;
	}
	if (peer != NULL) {
		if (peer->fd >= 0)
			close(peer->fd);
		free(peer->slots);
		free(peer);
	}
	return fg_error_set(error, -rc, "%s", strerror(-rc));
}

static int open_recvmmsg(struct reader *reader, struct fg_error *error)
{
	return open_socket(reader, false, error);
}

static int open_cmsg(struct reader *reader, struct fg_error *error)
{
	return open_socket(reader, true, error);
}

/* @return the kernel's timestamp, in ns; makes room for the next message's control data. */
static inline uint64_t read_stamp(struct msghdr *message)
{
	uint64_t stamp_ns = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(message); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(message, cmsg)) {
		struct timespec time;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&time, CMSG_DATA(cmsg), sizeof(time));
		stamp_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
	}
	message->msg_controllen = CMSG_BYTES;
	return stamp_ns;
}

static inline unsigned int poll_recvmmsg(struct reader *reader, const unsigned int reading)
{
	struct peer *peer = reader->state;
	const int found = recvmmsg(peer->fd, peer->messages, MESSAGES, MSG_DONTWAIT, NULL);

	for (int i = 0; i < found; i++) {
		struct mmsghdr *message = &peer->messages[i];

		take_packet(peer, reading, peer->vectors[i].iov_base, message->msg_len,
			    message->msg_len, peer->with_cmsg ? read_stamp(&message->msg_hdr) : 0);
	}
	finish_batch(peer, reading);
	return found > 0 ? (unsigned int)found : 0;
}

static unsigned int recvmmsg_plain(struct reader *reader)
{
	return poll_recvmmsg(reader, 0);
}

static unsigned int recvmmsg_filtered(struct reader *reader)
{
	return poll_recvmmsg(reader, READING_FILTERED);
}

static unsigned int recvmmsg_timed(struct reader *reader)
{
	return poll_recvmmsg(reader, READING_TIMED);
}

static unsigned int recvmmsg_filtered_timed(struct reader *reader)
{
	return poll_recvmmsg(reader, READING_FILTERED | READING_TIMED);
}

static int recvmmsg_lost(struct reader *reader, uint64_t *lost, struct fg_error *error)
{
	struct peer *peer = reader->state;
	struct tpacket_stats stats;
	socklen_t bytes = sizeof(stats);

	if (getsockopt(peer->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) != 0)
		return fg_error_set(error, errno, "no statistics: %s", strerror(errno));
	peer->dropped += stats.tp_drops;
	*lost = peer->dropped;
	return 0;
}

static int close_recvmmsg(struct reader *reader, struct fg_error *error)
{
	struct peer *peer = reader->state;

	(void)error;
	close(peer->fd);
	free(peer->slots);
	free(peer);
	reader->state = NULL;
	return 0;
}

const struct reader_kind reader_recvmmsg = {
	.open = open_recvmmsg,
	.poll = {recvmmsg_plain, recvmmsg_filtered, recvmmsg_timed, recvmmsg_filtered_timed},
	.wait = wait_peer,
	.lost = recvmmsg_lost,
	.close = close_recvmmsg,
};

const struct reader_kind reader_recvmmsg_cmsg = {
	.open = open_cmsg,
	.poll = {recvmmsg_plain, recvmmsg_filtered, recvmmsg_timed, recvmmsg_filtered_timed},
	.wait = wait_peer,
	.lost = recvmmsg_lost,
	.close = close_recvmmsg,
};

/* SPDX-License-Identifier: MIT */
/* The backends, and the settings that give each a ring of the requested size. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "capture.h"

/* The net_pcap driver leaves libpcap's default buffer; so many packets fit in any case. */
#define PCAP_BUFFER      UINT64_C(2097152)
#define PCAP_PACKETS_MAX 1024u

/* Bytes of a packet in a ring of blocks, beside the frame. */
#define EXTRA 160u

/* Blocks of libpcap's size. The kernel closes one every millisecond, full or not. */
#define BLOCK_BYTES  UINT64_C(262144)
#define BLOCKS_MAX   2047u
#define BLOCKS_SPARE 256u

/* Bytes that the kernel charges to a socket's buffer for a packet, beside the frame. */
#define SKB_BYTES    1024u
#define SOCKET_BYTES (UINT64_C(1) << 30)

/* Descriptors of net_af_xdp and af_xdp. PF_RING's ring has 4096 slots by default. */
#define XSK_RING 2048u

static void set(struct setting *setting, const char *name, uint64_t value)
{
	snprintf(setting->name, sizeof(setting->name), "%s", name);
	snprintf(setting->value, sizeof(setting->value), "%" PRIu64, value);
}

/* Each of these functions leaves settings[0] alone: it is the interface. */
static unsigned int mmap_ring(const struct reader *reader, struct setting *settings,
			      char *arguments, size_t bytes)
{
	const uint64_t ring = reader->ring_packets * (reader->with->bytes + EXTRA);
	const uint64_t blocks = ring / BLOCK_BYTES + 1 + BLOCKS_SPARE;

	(void)arguments, (void)bytes;
	set(&settings[1], "block_bytes", BLOCK_BYTES);
	set(&settings[2], "blocks", RTE_MIN(blocks, BLOCKS_MAX));
	return 3;
}

static unsigned int mmap_copy(const struct reader *reader, struct setting *settings,
			      char *arguments, size_t bytes)
{
	const unsigned int count = mmap_ring(reader, settings, arguments, bytes);

	set(&settings[count], "copy_below", UINT16_MAX);
	return count + 1;
}

static unsigned int mmap_reference(const struct reader *reader, struct setting *settings,
				   char *arguments, size_t bytes)
{
	const unsigned int count = mmap_ring(reader, settings, arguments, bytes);

	set(&settings[count], "copy_below", 0);
	return count + 1;
}

static uint64_t mmap_holds(uint32_t frame_bytes)
{
	return (BLOCKS_MAX - BLOCKS_SPARE) * BLOCK_BYTES / (frame_bytes + EXTRA);
}

static unsigned int uring_socket(const struct reader *reader, struct setting *settings,
				 char *arguments, size_t bytes)
{
	const uint64_t socket_bytes =
		(reader->ring_packets + 1000) * (reader->with->bytes + SKB_BYTES);

	(void)arguments, (void)bytes;
	set(&settings[1], "socket_bytes", RTE_MIN(socket_bytes, SOCKET_BYTES));
	return 2;
}

static unsigned int uring_thread(const struct reader *reader, struct setting *settings,
				 char *arguments, size_t bytes)
{
	const unsigned int count = uring_socket(reader, settings, arguments, bytes);

	snprintf(settings[count].name, sizeof(settings[count].name), "mode");
	snprintf(settings[count].value, sizeof(settings[count].value), "sqpoll");
	return count + 1;
}

static unsigned int af_packet(const struct reader *reader, struct setting *settings,
			      char *arguments, size_t bytes)
{
	/* Blocks of 64 KiB with 32 frames each. */
	snprintf(arguments, bytes, "iface=%s,blocksz=65536,framesz=2048,framecnt=%" PRIu64,
		 INTERFACE_RECEIVE, RTE_ALIGN_CEIL(reader->ring_packets + 32, UINT64_C(32)));
	(void)settings;
	return 0;
}

static unsigned int pcap_device(const struct reader *reader, struct setting *settings,
				char *arguments, size_t bytes)
{
	(void)reader, (void)settings;
	snprintf(arguments, bytes, "rx_iface=%s", INTERFACE_RECEIVE);
	return 0;
}

/* Eight blocks of 256 KiB, some of which the kernel closes before they are full. */
static uint64_t pcap_holds(uint32_t frame_bytes)
{
	return RTE_MIN(PCAP_BUFFER / 4 / (frame_bytes + EXTRA), PCAP_PACKETS_MAX);
}

static unsigned int af_xdp_device(const struct reader *reader, struct setting *settings,
				  char *arguments, size_t bytes)
{
	(void)reader, (void)settings;
	snprintf(arguments, bytes, "iface=%s", INTERFACE_RECEIVE);
	return 0;
}

static uint64_t xsk_holds(uint32_t frame_bytes)
{
	(void)frame_bytes;
	return XSK_RING / 2;
}

const struct backend capture_backends[] = {
	{.name = "libpcap", .reader = &reader_libpcap},
	{.name = "recvmmsg", .reader = &reader_recvmmsg},
	{.name = "recvmmsg-cmsg", .reader = &reader_recvmmsg_cmsg},
	{.name = "feedgate:packet_mmap",
	 .reader = &reader_source,
	 .kind = "packet_mmap",
	 .settings = mmap_ring,
	 .holds = mmap_holds},
	{.name = "feedgate:packet_mmap-copy",
	 .reader = &reader_source,
	 .kind = "packet_mmap",
	 .settings = mmap_copy,
	 .holds = mmap_holds},
	{.name = "feedgate:packet_mmap-reference",
	 .reader = &reader_source,
	 .kind = "packet_mmap",
	 .settings = mmap_reference,
	 .holds = mmap_holds},
	{.name = "feedgate:io_uring",
	 .reader = &reader_source,
	 .kind = "io_uring",
	 .settings = uring_socket},
	{.name = "feedgate:io_uring-sqpoll",
	 .reader = &reader_source,
	 .kind = "io_uring",
	 .settings = uring_thread},
	{.name = "feedgate:pf_ring",
	 .reader = &reader_source,
	 .kind = "pf_ring",
	 .holds = xsk_holds},
	{.name = "feedgate:af_xdp", .reader = &reader_source, .kind = "af_xdp", .holds = xsk_holds},
	{.name = "feedgate:ethdev-net_af_packet",
	 .reader = &reader_source,
	 .kind = "ethdev",
	 .driver = "net_af_packet",
	 .settings = af_packet,
	 .silent = true},
	{.name = "feedgate:ethdev-net_pcap",
	 .reader = &reader_source,
	 .kind = "ethdev",
	 .driver = "net_pcap",
	 .settings = pcap_device,
	 .holds = pcap_holds},
	{.name = "feedgate:ethdev-net_af_xdp",
	 .reader = &reader_source,
	 .kind = "ethdev",
	 .driver = "net_af_xdp",
	 .settings = af_xdp_device,
	 .holds = xsk_holds},
};
const unsigned int capture_n_backends = RTE_DIM(capture_backends);

static_assert(RTE_DIM(capture_backends) <= CAPTURE_BACKENDS_MAX,
	      "CAPTURE_BACKENDS_MAX is too small");

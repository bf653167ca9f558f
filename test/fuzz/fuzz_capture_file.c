/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a capture file. What must hold:
 *   - no byte outside of what was read is used: each packet is compared and copied
 *   - it ends, and is refused in one line that begins with the name of the file, or is read whole
 *   - a packet has no more bytes than fit, and than the file has
 *   - what libpcap reads of Ethernet frames, too, is the same: number, bytes, lengths and times
 */
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_common.h>

#include <fg_capture_file.h>

#define SECOND_NS        UINT64_C(1000000000)
#define ETHERNET_BYTES   14u
#define RECORD_BYTES_MIN 16u
#define DECOMPRESSED_MAX (UINT64_C(1) << 22)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[32];
static int fd;

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fd = memfd_create("capture", 0);
	check(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return 0;
}

/* libpcap's reader of the same file, if it can be compared. */
static pcap_t *open_peer(const uint8_t *data, size_t size)
{
	char reason[PCAP_ERRBUF_SIZE];
	FILE *file;
	pcap_t *pcap;

	if (size == 0)
		return NULL;
	file = fmemopen((void *)(uintptr_t)data, size, "rb");
	check(file != NULL);
	pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, reason);
	if (pcap == NULL) {
		fclose(file);
		return NULL;
	}
	if (pcap_datalink(pcap) == DLT_EN10MB)
		return pcap;
	pcap_close(pcap);
	return NULL;
}

/* Both must have the same packet; libpcap cuts it to the snapshot length. @return false: it has
 * none. */
static bool compare(pcap_t *pcap, const struct fg_capture_packet *packet)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	uint32_t most;
	uint64_t ns;

	/* It refuses what is read here, such as interfaces that differ. */
	if (pcap_next_ex(pcap, &header, &data) != 1)
		return false;
	most = header->caplen;
	check(most <= packet->length);
	check(most == packet->length || most == (uint32_t)pcap_snapshot(pcap));
	check(memcmp(data, packet->data, most) == 0);
	check(packet->wire_len == RTE_MAX(header->len, packet->length));
	/* libpcap's time has signed parts, and it rounds fine ones in its own way. */
	ns = (uint64_t)header->ts.tv_sec * SECOND_NS + (uint64_t)header->ts.tv_usec;
	check(header->ts.tv_sec <= 0 || header->ts.tv_sec > INT32_MAX || header->ts.tv_usec < 0 ||
	      ns - packet->ns + 1 <= 2);
	return true;
}

static void check_packet(const struct fg_capture_packet *packet)
{
	uint8_t *copy = malloc(packet->length);

	check(packet->length <= FG_CAPTURE_FRAME_MAX && packet->length <= packet->wire_len);
	check(packet->ns <= INT64_MAX);
	check(copy != NULL || packet->length == 0);
	if (packet->length > 0)
		memcpy(copy, packet->data, packet->length);
	free(copy);
}

static void check_error(const struct fg_error *error)
{
	check(strncmp(error->text, path, strlen(path)) == 0 && error->text[strlen(path)] == ':');
	check(strchr(error->text, '\n') == NULL);
}

/* @return whether the file may be compressed: then its contents may be longer than it is. */
static bool is_plain(const uint8_t *data, size_t size)
{
	static const uint32_t magics[] = {0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1,
					  0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a};
	uint32_t magic = 0;

	if (size >= sizeof(magic))
		memcpy(&magic, data, sizeof(magic));
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (magic == magics[i])
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const bool plain = is_plain(data, size);
	pcap_t *peer = plain ? open_peer(data, size) : NULL;
	bool same = peer != NULL;
	uint64_t count = 0, bytes = 0;
	struct fg_capture_file *file;
	struct fg_capture_packet packet;
	struct fg_error error = {0};
	int rc;

	check(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	rc = fg_capture_file_open(path, &file, &error);
	if (rc == 0) {
		while ((rc = fg_capture_file_next(file, &packet, &error)) == 1) {
			check_packet(&packet);
			same = same && compare(peer, &packet);
			count++;
			bytes += packet.length;
			check(!plain || (count * RECORD_BYTES_MIN <= size &&
					 bytes <= size + count * ETHERNET_BYTES));
			if (bytes > DECOMPRESSED_MAX) { /* Enough. */
				rc = 0;
				break;
			}
		}
		fg_capture_file_close(file);
	}
	if (peer != NULL)
		pcap_close(peer);
	check((rc == 0) == (error.text[0] == '\0'));
	if (rc != 0)
		check_error(&error);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "replay_file.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>

#include "replay_stream.h"

#define MIB         (1024u * 1024u)
#define CHUNK_ALIGN (2u * MIB)
/* Less than the alignment, so that rte_malloc's header fits between two chunks. */
#define CHUNK_BYTES (CHUNK_ALIGN - 4096u)

/* State while a file is read. */
struct reader {
	struct replay_file *file;
	const char *path;
	struct replay_stream *stream;
	pcap_t *pcap;
};

/* -ENOMEM, with an estimate for the whole file from the part that was read. */
static int no_memory(const struct reader *reader, struct fg_error *error)
{
	uint64_t mib = 2u * (reader->file->n_chunks + 1) + reader->file->n_blocks + 1;
	uint64_t done, total;

	replay_stream_progress(reader->stream, &done, &total);
	if (done > 0)
		mib += mib * (total - done) / done;
	return fg_error_set(error, ENOMEM,
			    "replay %s: needs %" PRIu64
			    " MiB of DPDK memory; give EAL more with -m or "
			    "hugepages",
			    reader->path, mib);
}

/* Append @item to an array that grows by doubling. Frees @item on failure; NULL is a failure. */
static int append(void ***items, size_t *count, void *item)
{
	if (item == NULL)
		return -ENOMEM;
	if ((*count & (*count - 1)) == 0) {
		void **grown = realloc(*items, (*count > 0 ? 2 * *count : 1) * sizeof(**items));

		if (grown == NULL) {
			rte_free(item);
			return -ENOMEM;
		}
		*items = grown;
	}
	(*items)[(*count)++] = item;
	return 0;
}

/* Reserve @bytes of contiguous memory, aligned to a cache line. NULL without memory. */
static void *take_room(struct replay_file *file, uint32_t bytes)
{
	const size_t room = RTE_ALIGN_CEIL((size_t)bytes, RTE_CACHE_LINE_SIZE);
	void *data;

	if (file->n_chunks == 0 || file->chunk_used + room > CHUNK_BYTES) {
		if (append(&file->chunks, &file->n_chunks,
			   rte_malloc(NULL, CHUNK_BYTES, CHUNK_ALIGN)) != 0)
			return NULL;
		file->chunk_used = 0;
	}
	data = (char *)file->chunks[file->n_chunks - 1] + file->chunk_used;
	file->chunk_used += room;
	return data;
}

/* IOVA of @data, which lies in the last chunk. */
static rte_iova_t to_iova(const struct replay_file *file, const void *data)
{
	const char *chunk = file->chunks[file->n_chunks - 1];
	const rte_iova_t start = rte_malloc_virt2iova(chunk);

	return start == RTE_BAD_IOVA ? start : start + (rte_iova_t)((const char *)data - chunk);
}

static struct replay_packet *take_packet(struct replay_file *file)
{
	const size_t bytes = REPLAY_BLOCK * sizeof(struct replay_packet);
	struct replay_packet *block;

	if ((file->count & (REPLAY_BLOCK - 1)) == 0 &&
	    append(&file->blocks, &file->n_blocks, rte_malloc(NULL, bytes, RTE_CACHE_LINE_SIZE)) !=
		    0)
		return NULL;
	block = file->blocks[file->n_blocks - 1];
	return &block[file->count & (REPLAY_BLOCK - 1)];
}

/*
 * Convert to UTC ns. libpcap sign-extends a pcap file's 32-bit seconds, which are unsigned. The
 * result is limited to half the range, so that adding the time of loops does not wrap.
 */
static uint64_t to_ns(const struct timeval *time)
{
	const uint64_t max = INT64_MAX;
	const uint64_t s = time->tv_sec < 0 ? (uint32_t)time->tv_sec : (uint64_t)time->tv_sec;
	const uint64_t ns = time->tv_usec < 0 ? 0 : (uint64_t)time->tv_usec;

	if (s >= max / 1000000000u || ns > max - s * 1000000000u)
		return max;
	return s * 1000000000u + ns;
}

static int add(struct reader *reader, const struct pcap_pkthdr *header, const uint8_t *data,
	       struct fg_error *error)
{
	struct replay_file *file = reader->file;
	struct replay_packet *packet;

	if (header->caplen > UINT16_MAX)
		return fg_error_set(error, EINVAL,
				    "replay %s: packet %" PRIu64 " has %u bytes, at most 65535 fit",
				    reader->path, file->count + 1, header->caplen);
	packet = take_packet(file);
	if (packet == NULL)
		return no_memory(reader, error);
	packet->data = take_room(file, header->caplen);
	if (packet->data == NULL)
		return no_memory(reader, error);
	memcpy(packet->data, data, header->caplen);
	packet->iova = to_iova(file, packet->data);
	packet->ns = to_ns(&header->ts);
	packet->wire_len = RTE_MAX(header->len, header->caplen);
	packet->len = (uint16_t)header->caplen;
	if (file->count == 0 || packet->ns < file->min_ns)
		file->min_ns = packet->ns;
	if (file->count == 0 || packet->ns > file->max_ns)
		file->max_ns = packet->ns;
	file->count++;
	return 0;
}

static int read_packets(struct reader *reader, struct fg_error *error)
{
	struct pcap_pkthdr *header;
	const char *fault;
	const u_char *data;
	int rc;

	while ((rc = pcap_next_ex(reader->pcap, &header, &data)) == 1) {
		rc = add(reader, header, data, error);
		if (rc != 0)
			return rc;
	}
	if (rc == PCAP_ERROR_BREAK) /* End of the file. */
		return 0;
	fault = replay_stream_fault(reader->stream);
	return fg_error_set(error, EINVAL, "replay %s: packet %" PRIu64 ": %s", reader->path,
			    reader->file->count + 1,
			    fault != NULL ? fault : pcap_geterr(reader->pcap));
}

static int check_link_type(const struct reader *reader, struct fg_error *error)
{
	const int type = pcap_datalink(reader->pcap);
	const char *name = pcap_datalink_val_to_name(type);

	if (type == DLT_EN10MB)
		return 0;
	return fg_error_set(error, EINVAL, "replay %s: link type is %s (%d), expected Ethernet",
			    reader->path, name != NULL ? name : "unknown", type);
}

static int open_pcap(struct reader *reader, struct fg_error *error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	FILE *file = replay_stream_take(reader->stream);
	const char *fault;

	reader->pcap =
		pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, reason);
	if (reader->pcap != NULL)
		return 0;
	fclose(file);
	fault = replay_stream_fault(reader->stream);
	return fg_error_set(error, EINVAL, "replay %s: %s", reader->path,
			    fault != NULL ? fault : reason);
}

int replay_file_load(struct replay_file *file, const char *path, struct fg_error *error)
{
	struct reader reader = {.file = file, .path = path};
	int rc = replay_stream_open(path, &reader.stream, error);

	if (rc != 0)
		return rc;
	rc = open_pcap(&reader, error);
	if (rc == 0) {
		rc = check_link_type(&reader, error);
		if (rc == 0)
			rc = read_packets(&reader, error);
		pcap_close(reader.pcap);
	}
	replay_stream_close(reader.stream);
	if (rc != 0)
		replay_file_free(file);
	return rc;
}

void replay_file_free(struct replay_file *file)
{
	for (size_t i = 0; i < file->n_blocks; i++)
		rte_free(file->blocks[i]);
	for (size_t i = 0; i < file->n_chunks; i++)
		rte_free(file->chunks[i]);
	free(file->blocks);
	free(file->chunks);
	memset(file, 0, sizeof(*file));
}

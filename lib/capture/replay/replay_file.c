/* SPDX-License-Identifier: MIT */
#include "replay_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>

#include <fg_capture_file.h>

#define MIB         (1024u * 1024u)
#define CHUNK_ALIGN (2u * MIB)
/* Less than the alignment, so that rte_malloc's header fits between two chunks. */
#define CHUNK_BYTES (CHUNK_ALIGN - 4096u)

/* State while a file is read. */
struct reader {
	struct replay_file *file;
	const char *path;
	struct fg_capture_file *capture;
};

/* -ENOMEM, with an estimate for the whole file from the part that was read. */
static int no_memory(const struct reader *reader, struct fg_error *error)
{
	uint64_t mib = 2u * (reader->file->n_chunks + 1) + reader->file->n_blocks + 1;
	uint64_t done, total;

	fg_capture_file_progress(reader->capture, &done, &total);
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

static_assert(FG_CAPTURE_FRAME_MAX <= UINT16_MAX, "fits struct replay_packet");

static int add(struct reader *reader, const struct fg_capture_packet *from, struct fg_error *error)
{
	struct replay_file *file = reader->file;
	struct replay_packet *packet = take_packet(file);

	if (packet == NULL)
		return no_memory(reader, error);
	packet->data = take_room(file, from->length);
	if (packet->data == NULL)
		return no_memory(reader, error);
	memcpy(packet->data, from->data, from->length);
	packet->iova = to_iova(file, packet->data);
	packet->ns = from->ns;
	packet->wire_len = from->wire_len;
	packet->len = (uint16_t)from->length;
	if (file->count == 0 || packet->ns < file->min_ns)
		file->min_ns = packet->ns;
	if (file->count == 0 || packet->ns > file->max_ns)
		file->max_ns = packet->ns;
	file->count++;
	return 0;
}

static int read_packets(struct reader *reader, struct fg_error *error)
{
	struct fg_capture_packet packet;
	struct fg_error reason = {0};
	int rc;

	while ((rc = fg_capture_file_next(reader->capture, &packet, &reason)) == 1) {
		rc = add(reader, &packet, error);
		if (rc != 0)
			return rc;
	}
	return rc == 0 ? 0 : fg_error_set(error, -rc, "replay %s", reason.text);
}

int replay_file_load(struct replay_file *file, const char *path, struct fg_error *error)
{
	struct reader reader = {.file = file, .path = path};
	struct fg_error reason = {0};
	int rc = fg_capture_file_open(path, &reader.capture, &reason);

	if (rc != 0)
		return fg_error_set(error, -rc, "replay %s", reason.text);
	rc = read_packets(&reader, error);
	fg_capture_file_close(reader.capture);
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

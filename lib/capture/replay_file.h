/* SPDX-License-Identifier: MIT */
/*
 * A capture file in DPDK memory.
 *
 * Packets lie in chunks that never cross a 2 MiB boundary, so each is in one
 * piece for a NIC too, whatever the page size; what is known of them lies in
 * blocks beside, in file order.
 */
#ifndef CAPTURE_REPLAY_FILE_H
#define CAPTURE_REPLAY_FILE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>

#include <fg_error.h>

#define REPLAY_BLOCK_SHIFT 15u
#define REPLAY_BLOCK       (1u << REPLAY_BLOCK_SHIFT) /* Packets in a block: 1 MiB. */

struct replay_packet {
	void *data;
	rte_iova_t iova;
	uint64_t ns; /* As recorded, UTC. */
	uint32_t wire_len;
	uint16_t len; /* Bytes at data. */
};
static_assert(sizeof(struct replay_packet) == 32, "two to a cache line");

struct replay_file {
	uint64_t count;
	uint64_t min_ns, max_ns; /* Over all packets. */
	void **blocks;           /* Each of REPLAY_BLOCK struct replay_packet. */
	size_t n_blocks;
	void **chunks;
	size_t n_chunks;
	size_t chunk_used; /* Bytes of the last chunk. */
};

/*
 * Load a pcap or pcapng file of Ethernet frames, compressed or not. @file is zeroed by the caller.
 * 0 or -errno with error set; then nothing is left to free.
 */
int replay_file_load(struct replay_file *file, const char *path, struct fg_error *error);

/* Free the memory and forget it. */
void replay_file_free(struct replay_file *file);

/* @i < file->count. */
static inline const struct replay_packet *replay_file_packet(const struct replay_file *file,
							     uint64_t i)
{
	const struct replay_packet *block = file->blocks[i >> REPLAY_BLOCK_SHIFT];

	return &block[i & (REPLAY_BLOCK - 1)];
}

#endif /* CAPTURE_REPLAY_FILE_H */

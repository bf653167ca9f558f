/* SPDX-License-Identifier: MIT */
/*
 * A capture file in DPDK memory.
 *
 * Packet data lies in chunks that never cross a 2 MiB boundary: each packet is contiguous in IOVA
 * space with any page size, so that a NIC can send it. Descriptions of the packets (struct
 * replay_packet) lie in separate blocks, in file order.
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
	uint64_t ns; /* Recorded time, UTC ns. */
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
 * Load a pcap or pcapng file, as fg_capture_file.h reads it. The caller has zeroed @file.
 * 0, or -errno with @error set and nothing left to free. Control.
 */
int replay_file_load(struct replay_file *file, const char *path, struct fg_error *error);

/* Free the memory and zero @file. Control. */
void replay_file_free(struct replay_file *file);

/* Packet number @i, below file->count. Hot. */
static inline const struct replay_packet *replay_file_packet(const struct replay_file *file,
							     uint64_t i)
{
	const struct replay_packet *block = file->blocks[i >> REPLAY_BLOCK_SHIFT];

	return &block[i & (REPLAY_BLOCK - 1)];
}

#endif /* CAPTURE_REPLAY_FILE_H */

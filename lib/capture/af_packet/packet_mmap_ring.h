/* SPDX-License-Identifier: MIT */
/*
 * A TPACKET_V3 receive ring: kernel memory mapped into this process, divided into blocks. The
 * kernel hands a block over when it is full or after a timeout.
 *
 * A block's status names its owner: the kernel (TP_STATUS_KERNEL) while it fills the block, then
 * this process (TP_STATUS_USER) until it gives the block back. The kernel fills the blocks in
 * order. If the next block is not given back yet, the kernel drops packets ("the ring is frozen")
 * until that block is.
 *
 * A packet is passed on by reference, as an mbuf with an external buffer in the block, or copied
 * to the mbuf's own buffer. Each block has one reference count, for its reader and its packets
 * passed by reference. The thread that decrements it to 0 gives the block back to the kernel.
 */
#ifndef CAPTURE_PACKET_MMAP_RING_H
#define CAPTURE_PACKET_MMAP_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include <fg_error.h>
#include <fg_stats.h>

struct tpacket_block_desc;
struct ring;

/* A block. Threads that free packets write its reference count. */
struct ring_block {
	struct rte_mbuf_ext_shared_info shared;
	struct tpacket_block_desc *desc;
	struct ring *ring;
	_Atomic uint64_t opened_ticks; /* When the reader opened it. */
} __attribute__((aligned(64)));

struct ring_conf {
	uint32_t block_bytes; /* A power of two, at most RING_BLOCK_MAX. */
	uint32_t n_blocks;
	uint32_t timeout_ms; /* After which the kernel hands over a block that is not full. */
	uint32_t copy_below; /* Copy shorter packets; RING_COPY_ALL: all. */
	uint32_t held_max;   /* Blocks that packets passed by reference may hold. */
	bool drop_held; /* Above held_max: drop packets of copy_below bytes and more, else copy. */
};

#define RING_BLOCK_MAX (2u << 20) /* A 16-bit count covers the packets of such a block. */
#define RING_COPY_ALL  65535u

/* Packets by result; written by the lcore that polls. */
struct ring_counters {
	struct fg_counter copied;
	struct fg_counter referred;     /* Passed by reference. */
	struct fg_counter dropped_held; /* Dropped: too many blocks were held. */
	struct fg_counter truncated;    /* Dropped: longer than a block, cut by the kernel. */
	struct fg_counter too_long;     /* Dropped: too long for an mbuf, or to be copied. */
	struct fg_counter broken;       /* Dropped: invalid data in the ring. */
	struct fg_counter waits;        /* Bursts (not packets) that found no mbuf. */
};

struct ring {
	/* Set by ring_open(), then read-only. */
	struct ring_conf conf;
	struct rte_mempool *pool;
	uint32_t room; /* Length of the longest packet that can be copied. */
	uint8_t *memory;
	size_t bytes;
	struct ring_block *blocks;

	/* Only the reader uses this. */
	struct {
		uint32_t index;             /* Of the open block, or the next one. */
		uint32_t remaining;         /* Packets not read yet; 0: no block is open. */
		uint8_t *next;              /* Header of the first of them. */
		const uint8_t *end;         /* Of the block. */
		uint32_t copy_below;        /* For this block. */
		bool refer;                 /* Pass longer packets by reference; false: ... */
		struct fg_counter *refused; /* ... drop them, and count them here. */
		uint32_t unused;            /* References to this block that no packet has taken. */
	} at __attribute__((aligned(128)));
	struct ring_counters count; /* Read by control. */
	struct fg_counter opened;   /* Blocks that the reader has opened. */

	/* Blocks given back, by any thread; equal to opened when no block is held. */
	_Atomic uint64_t returned __attribute__((aligned(128)));
};

/*
 * Create the ring of packet socket @fd and map it.
 * @pool: mbufs with FG_META_BYTES of private data and buffers for packets of @room bytes.
 * 0, or -errno with @error set and nothing to close. Control.
 */
int ring_open(struct ring *ring, int fd, const struct ring_conf *conf, struct rte_mempool *pool,
	      uint32_t room, struct fg_error *error);

/* As fg_source_ops.rx_burst. Hot. */
uint16_t ring_rx(struct ring *ring, struct rte_mbuf **pkts, uint16_t max);

/* Number of blocks that are being read or have packets in flight. Control. */
uint64_t ring_held(const struct ring *ring);

/* When the oldest of them was opened, in TSC ticks; 0 if there is none. Control. */
uint64_t ring_oldest(const struct ring *ring);

/* Unmap the ring. Control; no lcore polls, no packet is in flight. */
void ring_close(struct ring *ring);

#endif /* CAPTURE_PACKET_MMAP_RING_H */

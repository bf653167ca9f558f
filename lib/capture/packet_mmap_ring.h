/* SPDX-License-Identifier: MIT */
/*
 * A TPACKET_V3 receive ring: memory of the kernel's, mapped here, in blocks
 * that hold as many packets as came within a time or as fit.
 *
 * Whose a block is, its status says: the kernel's (TP_STATUS_KERNEL) while it fills
 * it, ours (TP_STATUS_USER) until all of its packets are done with. The kernel fills
 * blocks in order and goes round: when it comes to one that is not its own, the ring
 * is frozen and packets are dropped until that very block is given back.
 *
 * A packet is handed over by reference, as an mbuf with an external buffer in the
 * block, or is copied to the mbuf's own room. Each block has one reference count,
 * for its reader and its packets by reference; whoever brings it to 0 gives the block back.
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

/* A block's count: written by whoever frees packets. */
struct ring_block {
	struct rte_mbuf_ext_shared_info shared;
	struct tpacket_block_desc *desc;
	struct ring *ring;
	_Atomic uint64_t opened_ticks; /* When the reader came to it. */
} __attribute__((aligned(64)));

struct ring_conf {
	uint32_t block_bytes; /* A power of two, at most RING_BLOCK_MAX. */
	uint32_t n_blocks;
	uint32_t timeout_ms; /* A block that has packets is handed over after so long. */
	uint32_t copy_below; /* Shorter packets are copied; RING_COPY_ALL: all are. */
	uint32_t held_max;   /* Blocks that packets by reference may hold. */
	bool drop_held;      /* Beyond that, drop what is not to be copied; otherwise copy all. */
};

#define RING_BLOCK_MAX (2u << 20) /* With more, a 16-bit count might not do. */
#define RING_COPY_ALL  65535u

/* What came of packets, written by the lcore that polls. */
struct ring_counters {
	struct fg_counter copied;
	struct fg_counter referred;     /* Handed over by reference. */
	struct fg_counter dropped_held; /* Too many blocks were held already. */
	struct fg_counter truncated;    /* The kernel had cut it: longer than a block. */
	struct fg_counter too_long;     /* Longer than an mbuf can be, or be a copy. */
	struct fg_counter broken;       /* What the kernel said made no sense. */
	struct fg_counter waits;        /* Bursts for which there was no mbuf. */
};

struct ring {
	/* Set when it is opened. */
	struct ring_conf conf;
	struct rte_mempool *pool;
	uint32_t room; /* Longest packet that can be copied. */
	uint8_t *memory;
	size_t bytes;
	struct ring_block *blocks;

	/* The reader's own. */
	struct {
		uint32_t index;      /* Of the block that is being read, or comes next. */
		uint32_t left;       /* Packets in it that are still to be read; 0: none is open. */
		uint8_t *next;       /* Header of the first of these. */
		const uint8_t *end;  /* Of the block. */
		uint32_t copy_below; /* In this block. */
		bool refer;          /* Others go by reference; false: ... */
		struct fg_counter *refused; /* ... they are dropped, and counted here. */
		uint32_t unused;            /* References of this block that no packet has taken. */
	} at __attribute__((aligned(128)));
	struct ring_counters count; /* Read by control. */
	struct fg_counter opened;   /* Blocks that the reader came to. */

	/* Written by whoever gives a block back, as many as opened when none is held. */
	_Atomic uint64_t returned __attribute__((aligned(128)));
};

/*
 * Make the ring of a packet socket and map it.
 * @param pool  Of mbufs with FG_META_BYTES; packets up to @room are copied whole.
 * 0, or -errno with error set and nothing to close.
 */
int ring_open(struct ring *ring, int fd, const struct ring_conf *conf, struct rte_mempool *pool,
	      uint32_t room, struct fg_error *error);

/* As fg_source_ops.rx_burst. Hot. */
uint16_t ring_rx(struct ring *ring, struct rte_mbuf **pkts, uint16_t max);

/* Blocks that are being read or whose packets are in flight. Control. */
uint64_t ring_held(const struct ring *ring);

/* Since when the oldest of these is; ticks, 0 if there is none. Control. */
uint64_t ring_oldest(const struct ring *ring);

/* Nobody polls, and no packet is in flight. */
void ring_close(struct ring *ring);

#endif /* CAPTURE_PACKET_MMAP_RING_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Passes packets from one rx lcore to the workers: a single-producer single-consumer ring for each
 * worker. Packets for one worker keep their order.
 *
 * A full ring never blocks the rx lcore: packets that do not fit come back to the caller, which
 * counts and frees them.
 */
#ifndef FG_HANDOFF_H
#define FG_HANDOFF_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ring.h>

#include <fg_error.h>
#include <fg_meta.h>

#define FG_WORKERS_MAX 32u

/** How many packets a worker has taken from its ring; written by that worker. */
struct fg_handoff_taken {
	_Atomic uint64_t packets;
} __attribute__((aligned(128)));

/** The rings of one rx lcore. */
struct fg_handoff {
	/** Read-only after creation. */
	uint16_t n_workers;
	struct rte_ring *rings[FG_WORKERS_MAX];

	/** Packets put into each ring; written by the rx lcore, read by control. */
	_Atomic uint64_t put[FG_WORKERS_MAX] __attribute__((aligned(128)));
	struct fg_handoff_taken taken[FG_WORKERS_MAX];
};
static_assert(offsetof(struct fg_handoff, put) % 128 == 0 &&
		      offsetof(struct fg_handoff, taken) % 128 == 0 &&
		      sizeof(struct fg_handoff_taken) == 128,
	      "lcores that write do not share a cache line");

/**
 * Create the rings of rx lcore number @p rx.
 * @param slots       Packets that a ring holds; a power of two.
 * @param socket_ids  NUMA node of each ring: [n_workers].
 * @param out         Set on success; the caller frees it with fg_handoff_free().
 * @return 0, or with @p error set: -EINVAL (not a power of two, too many workers); -ENOMEM; -EEXIST
 *         (this rx lcore has rings already).
 * Threads: control.
 */
int fg_handoff_create(unsigned int rx, uint16_t n_workers, uint32_t slots, const int *socket_ids,
		      struct fg_handoff **out, struct fg_error *error);

/** Free the rings, which must be empty. NULL is allowed. Threads: control; no lcore uses them. */
void fg_handoff_free(struct fg_handoff *handoff);

/**
 * Put packets into the rings of their workers, in order per worker.
 *
 * @param pkts     @p count packets, owned by the caller. Those that do not fit are moved to its
 *                 beginning, in order per worker.
 * @param workers  Worker of each packet: 0..n_workers-1.
 * @param count    1..FG_BURST_MAX.
 * @return how many did not fit: 0..count. The caller still owns these; the workers own the others.
 * Hot. Never blocks. Threads: the one rx lcore.
 */
uint16_t fg_handoff_put(struct fg_handoff *handoff, struct rte_mbuf **pkts, const uint8_t *workers,
			uint16_t count);

/**
 * Take up to @p max packets of @p worker. Hot. Never blocks. Threads: that worker.
 * @return packets stored in @p pkts, 0..max; the caller owns them.
 */
static inline uint16_t fg_handoff_get(struct fg_handoff *handoff, uint16_t worker,
				      struct rte_mbuf **pkts, uint16_t max)
{
	const unsigned int count =
		rte_ring_sc_dequeue_burst(handoff->rings[worker], (void **)pkts, max, NULL);
	_Atomic uint64_t *taken = &handoff->taken[worker].packets;

	if (count > 0) /* One writer: no atomic addition is needed. */
		atomic_store_explicit(taken,
				      atomic_load_explicit(taken, memory_order_relaxed) + count,
				      memory_order_release);
	return (uint16_t)count;
}

/** Packets in the ring of @p worker now. Threads: any. */
static inline uint32_t fg_handoff_occupancy(const struct fg_handoff *handoff, uint16_t worker)
{
	return rte_ring_count(handoff->rings[worker]);
}

/**
 * A mark after the last packet put into the ring of @p worker, for fg_handoff_passed(). Packets
 * that the rx lcore is just putting may come after the mark. Threads: any.
 */
static inline uint64_t fg_handoff_mark(const struct fg_handoff *handoff, uint16_t worker)
{
	return atomic_load_explicit(&handoff->put[worker], memory_order_acquire);
}

/** Has @p worker taken all packets before @p mark? Threads: any. */
static inline bool fg_handoff_passed(const struct fg_handoff *handoff, uint16_t worker,
				     uint64_t mark)
{
	return atomic_load_explicit(&handoff->taken[worker].packets, memory_order_acquire) >= mark;
}

#endif /* FG_HANDOFF_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Passes packets from one rx lcore to the lcores that process them, its consumers: workers, or
 * other rx lcores that own feeds. Each consumer has a single-producer single-consumer ring. Packets
 * for one consumer keep their order.
 *
 * A full ring never blocks the rx lcore: packets that do not fit come back to the caller, which
 * counts and frees them.
 */
#ifndef FG_HANDOFF_H
#define FG_HANDOFF_H

#include <assert.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ring.h>

#include <fg_error.h>
#include <fg_meta.h>

#define FG_CONSUMERS_MAX 64u

/** How many packets a consumer has taken from its ring; written by that consumer. */
struct fg_handoff_taken {
	_Atomic uint64_t packets;
} __attribute__((aligned(128)));

/** The rings of one rx lcore. */
struct fg_handoff {
	/** Read-only after creation. */
	uint16_t n_consumers;
	struct rte_ring *rings[FG_CONSUMERS_MAX]; /**< NULL: none goes there. */

	/** Packets put into each ring; written by the rx lcore, read by control. */
	_Atomic uint64_t put[FG_CONSUMERS_MAX] __attribute__((aligned(128)));
	struct fg_handoff_taken taken[FG_CONSUMERS_MAX];
};
static_assert(offsetof(struct fg_handoff, put) % 128 == 0 &&
		      offsetof(struct fg_handoff, taken) % 128 == 0 &&
		      sizeof(struct fg_handoff_taken) == 128,
	      "lcores that write do not share a cache line");

#define FG_HANDOFF_NO_RING INT_MIN /**< fg_handoff_conf.socket_ids[i]: no packet goes there. */

struct fg_handoff_conf {
	unsigned int rx;       /**< Number of the rx lcore, for the names of its rings. */
	int socket_id;         /**< Its NUMA node. */
	uint16_t n_consumers;  /**< At most FG_CONSUMERS_MAX. */
	uint32_t slots;        /**< Packets that a ring holds; a power of two. */
	const int *socket_ids; /**< [n_consumers]: NUMA node of each ring, or FG_HANDOFF_NO_RING. */
};

/**
 * Create the rings of an rx lcore.
 * @param out  Set on success; the caller frees it with fg_handoff_free().
 * @return 0, or with @p error set: -EINVAL (not a power of two, too many consumers); -ENOMEM;
 *         -EEXIST (this rx lcore has rings already).
 * Threads: control.
 */
int fg_handoff_create(const struct fg_handoff_conf *conf, struct fg_handoff **out,
		      struct fg_error *error);

/** Free the rings, which must be empty. NULL is allowed. Threads: control; no lcore uses them. */
void fg_handoff_free(struct fg_handoff *handoff);

/**
 * Put packets into the rings of their consumers, in order per consumer.
 *
 * @param pkts       @p count packets, owned by the caller. Those that do not fit are moved to its
 *                   beginning, in order per consumer.
 * @param consumers  Consumer of each packet: 0..n_consumers-1, one with a ring.
 * @param count      1..FG_BURST_MAX.
 * @return how many did not fit: 0..count. The caller still owns these; the consumers own the
 *         others. Hot. Never blocks. Threads: the one rx lcore.
 */
uint16_t fg_handoff_put(struct fg_handoff *handoff, struct rte_mbuf **pkts,
			const uint8_t *consumers, uint16_t count);

/**
 * Take up to @p max packets of @p consumer, which has a ring. Hot. Never blocks. Threads: that
 * consumer.
 * @return packets stored in @p pkts, 0..max; the caller owns them.
 */
static inline uint16_t fg_handoff_get(struct fg_handoff *handoff, uint16_t consumer,
				      struct rte_mbuf **pkts, uint16_t max)
{
	const unsigned int count =
		rte_ring_sc_dequeue_burst(handoff->rings[consumer], (void **)pkts, max, NULL);
	_Atomic uint64_t *taken = &handoff->taken[consumer].packets;

	if (count > 0) /* One writer: no atomic addition is needed. */
		atomic_store_explicit(taken,
				      atomic_load_explicit(taken, memory_order_relaxed) + count,
				      memory_order_release);
	return (uint16_t)count;
}

/** Packets in the ring of @p consumer now; 0 without one. Threads: any. */
static inline uint32_t fg_handoff_occupancy(const struct fg_handoff *handoff, uint16_t consumer)
{
	return handoff->rings[consumer] != NULL ? rte_ring_count(handoff->rings[consumer]) : 0;
}

/**
 * A mark after the last packet put into the ring of @p consumer, for fg_handoff_passed(). Packets
 * that the rx lcore is just putting may come after the mark. Threads: any.
 */
static inline uint64_t fg_handoff_mark(const struct fg_handoff *handoff, uint16_t consumer)
{
	return atomic_load_explicit(&handoff->put[consumer], memory_order_acquire);
}

/** Has @p consumer taken all packets before @p mark? Threads: any. */
static inline bool fg_handoff_passed(const struct fg_handoff *handoff, uint16_t consumer,
				     uint64_t mark)
{
	return atomic_load_explicit(&handoff->taken[consumer].packets, memory_order_acquire) >=
	       mark;
}

#endif /* FG_HANDOFF_H */

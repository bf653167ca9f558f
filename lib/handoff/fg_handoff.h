/* SPDX-License-Identifier: MIT */
/**
 * @file
 * From one rx lcore to the workers: one single-producer single-consumer ring
 * for each of them.
 *
 * A full ring never holds the rx lcore up: what finds no room comes back to
 * the caller, who counts and frees it.
 */
#ifndef FG_HANDOFF_H
#define FG_HANDOFF_H

#include <stdint.h>

#include <rte_ring.h>

#include <fg_error.h>
#include <fg_meta.h>

#define FG_WORKERS_MAX 32u

/** The rings of one rx lcore; read-only after creation. */
struct fg_handoff {
	uint16_t n_workers;
	struct rte_ring *rings[FG_WORKERS_MAX];
};

/**
 * Make the rings of rx lcore number @p rx.
 * @param slots       Packets a ring holds; a power of two.
 * @param socket_ids  NUMA node for each ring: [n_workers].
 * @return 0; -EINVAL (no power of two, too many workers); -ENOMEM; -EEXIST (made already).
 * Threads: control.
 */
int fg_handoff_create(unsigned int rx, uint16_t n_workers, uint32_t slots, const int *socket_ids,
		      struct fg_handoff **out, struct fg_error *error);

/** Free the rings, which must be empty. NULL is allowed. Threads: control. */
void fg_handoff_free(struct fg_handoff *handoff);

/**
 * Put packets into the rings of their workers, in order per worker.
 *
 * @param pkts     @p count packets owned by the caller; those that found no
 *                 room come back at its beginning, in order per worker.
 * @param workers  For each packet, its worker: 0..n_workers-1.
 * @param count    1..FG_BURST_MAX.
 * @return how many came back: 0..count. They are still the caller's; the rest
 *         is the workers'.
 * Hot. Never blocks. Threads: the one rx lcore.
 */
uint16_t fg_handoff_put(struct fg_handoff *handoff, struct rte_mbuf **pkts, const uint8_t *workers,
			uint16_t count);

/**
 * Take up to @p max packets for @p worker. Hot. Threads: that worker.
 * @return packets in @p pkts, owned by the caller.
 */
static inline uint16_t fg_handoff_get(struct fg_handoff *handoff, uint16_t worker,
				      struct rte_mbuf **pkts, uint16_t max)
{
	return (uint16_t)rte_ring_sc_dequeue_burst(handoff->rings[worker], (void **)pkts, max,
						   NULL);
}

/** Packets waiting for @p worker now. Threads: any. */
static inline uint32_t fg_handoff_occupancy(const struct fg_handoff *handoff, uint16_t worker)
{
	return rte_ring_count(handoff->rings[worker]);
}

/** Where the last packet handed to @p worker stands; see fg_handoff_passed(). Threads: any. */
static inline uint32_t fg_handoff_mark(const struct fg_handoff *handoff, uint16_t worker)
{
	return __atomic_load_n(&handoff->rings[worker]->prod.tail, __ATOMIC_ACQUIRE);
}

/** Has @p worker taken all that had been handed over at @p mark? Threads: any. */
static inline bool fg_handoff_passed(const struct fg_handoff *handoff, uint16_t worker,
				     uint32_t mark)
{
	return (int32_t)(__atomic_load_n(&handoff->rings[worker]->cons.tail, __ATOMIC_ACQUIRE) -
			 mark) >= 0;
}

#endif /* FG_HANDOFF_H */

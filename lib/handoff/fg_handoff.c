/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include <fg_burst.h>
#include <fg_handoff.h>

int fg_handoff_create(unsigned int rx, uint16_t n_workers, uint32_t slots, const int *socket_ids,
		      struct fg_handoff **out, struct fg_error *error)
{
	struct fg_handoff *handoff;
	char name[RTE_RING_NAMESIZE];

	if (n_workers > FG_WORKERS_MAX)
		return fg_error_set(error, EINVAL, "%u workers: at most %u", n_workers,
				    FG_WORKERS_MAX);
	/* RING_F_EXACT_SZ doubles the slots. rte_ring counts them in 31 bits and does not check. */
	if (slots == 0 || (slots & (slots - 1)) != 0 || slots > RTE_RING_SZ_MASK / 2)
		return fg_error_set(error, EINVAL, "ring_slots: %u is not a power of two up to %u",
				    slots, 1u << 29);
	handoff = rte_zmalloc(NULL, sizeof(*handoff), 128);
	if (handoff == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for the rings of lcore %u", rx);
	for (; handoff->n_workers < n_workers; handoff->n_workers++) {
		const uint16_t worker = handoff->n_workers;

		snprintf(name, sizeof(name), "fg_%u_%u", rx, worker);
		handoff->rings[worker] =
			rte_ring_create(name, slots, socket_ids[worker],
					RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
		if (handoff->rings[worker] == NULL) {
			const int code = rte_errno;

			fg_handoff_free(handoff);
			return fg_error_set(error, code,
					    "cannot create a ring of %u slots: %s (give EAL more "
					    "memory with -m or hugepages)",
					    slots, strerror(code));
		}
	}
	*out = handoff;
	return 0;
}

void fg_handoff_free(struct fg_handoff *handoff)
{
	if (handoff == NULL)
		return;
	for (uint16_t worker = 0; worker < handoff->n_workers; worker++)
		rte_ring_free(handoff->rings[worker]);
	rte_free(handoff);
}

/* Put packets into the ring of @worker. @return how many fitted. */
static inline unsigned int put_batch(struct fg_handoff *handoff, uint8_t worker,
				     struct rte_mbuf *const *batch, unsigned int count)
{
	const unsigned int taken = rte_ring_sp_enqueue_burst(handoff->rings[worker],
							     (void *const *)batch, count, NULL);
	_Atomic uint64_t *put = &handoff->put[worker];

	/* One writer: no atomic addition is needed. */
	atomic_store_explicit(put, atomic_load_explicit(put, memory_order_relaxed) + taken,
			      memory_order_release);
	return taken;
}

/* The packets of a burst that fg_handoff_put() has not put yet, and those that did not fit. */
struct put_state {
	uint64_t remaining; /* A bit for each packet. */
	uint16_t n_refused;
	struct rte_mbuf *refused[FG_BURST_MAX];
};

/* Put all remaining packets for @worker. */
static void put_worker(struct fg_handoff *handoff, struct rte_mbuf *const *pkts,
		       const uint8_t *workers, uint8_t worker, struct put_state *state)
{
	struct rte_mbuf *batch[FG_BURST_MAX];
	unsigned int n = 0, taken;

	for (uint64_t rest = state->remaining; rest != 0; rest &= rest - 1) {
		const int i = __builtin_ctzll(rest);

		if (workers[i] == worker) {
			batch[n++] = pkts[i];
			state->remaining &= ~(UINT64_C(1) << i);
		}
	}
	taken = put_batch(handoff, worker, batch, n);
	memcpy(&state->refused[state->n_refused], batch + taken, sizeof(batch[0]) * (n - taken));
	state->n_refused = (uint16_t)(state->n_refused + n - taken);
}

uint16_t fg_handoff_put(struct fg_handoff *handoff, struct rte_mbuf **pkts, const uint8_t *workers,
			uint16_t count)
{
	struct put_state state;

	if (handoff->n_workers == 1) {
		const unsigned int taken = put_batch(handoff, 0, pkts, count);

		memmove(pkts, pkts + taken, sizeof(pkts[0]) * (count - taken));
		return (uint16_t)(count - taken);
	}
	state.remaining = UINT64_MAX >> (64 - count);
	state.n_refused = 0;
	while (state.remaining != 0)
		put_worker(handoff, pkts, workers, workers[__builtin_ctzll(state.remaining)],
			   &state);
	memcpy(pkts, state.refused, sizeof(pkts[0]) * state.n_refused);
	return state.n_refused;
}

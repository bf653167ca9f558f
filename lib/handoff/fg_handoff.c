/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include <fg_handoff.h>

int fg_handoff_create(unsigned int rx, uint16_t n_workers, uint32_t slots, const int *socket_ids,
		      struct fg_handoff **out, struct fg_error *error)
{
	struct fg_handoff *handoff;
	char name[RTE_RING_NAMESIZE];

	if (n_workers > FG_WORKERS_MAX)
		return fg_error_set(error, EINVAL, "%u workers: at most %u", n_workers,
				    FG_WORKERS_MAX);
	/* An exact ring takes twice the slots, which rte_ring counts in 31 bits, unchecked. */
	if (slots == 0 || (slots & (slots - 1)) != 0 || slots > RTE_RING_SZ_MASK / 2)
		return fg_error_set(error, EINVAL, "ring_slots: %u is not a power of two up to %u",
				    slots, 1u << 29);
	handoff = rte_zmalloc(NULL, sizeof(*handoff), RTE_CACHE_LINE_SIZE);
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
					    "cannot make a ring of %u slots: %s (give EAL more "
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

/* Put the packets that go to @p worker; clear their bits in @p left. @return refused, in @p back.
 */
static uint16_t put_lot(struct rte_ring *ring, struct rte_mbuf *const *pkts, const uint8_t *workers,
			uint8_t worker, uint64_t *left, struct rte_mbuf **back)
{
	struct rte_mbuf *lot[FG_BURST_MAX];
	unsigned int n = 0, taken;

	for (uint64_t rest = *left; rest != 0; rest &= rest - 1) {
		const int i = __builtin_ctzll(rest);

		if (workers[i] == worker) {
			lot[n++] = pkts[i];
			*left &= ~(UINT64_C(1) << i);
		}
	}
	taken = rte_ring_sp_enqueue_burst(ring, (void *const *)lot, n, NULL);
	memcpy(back, lot + taken, sizeof(lot[0]) * (n - taken));
	return (uint16_t)(n - taken);
}

uint16_t fg_handoff_put(struct fg_handoff *handoff, struct rte_mbuf **pkts, const uint8_t *workers,
			uint16_t count)
{
	struct rte_mbuf *back[FG_BURST_MAX];
	uint64_t left = UINT64_MAX >> (64 - count);
	uint16_t refused = 0;

	if (handoff->n_workers == 1) {
		const unsigned int taken = rte_ring_sp_enqueue_burst(
			handoff->rings[0], (void *const *)pkts, count, NULL);

		refused = (uint16_t)(count - taken);
		memmove(pkts, pkts + taken, sizeof(pkts[0]) * refused);
		return refused;
	}
	while (left != 0) {
		const uint8_t worker = workers[__builtin_ctzll(left)];

		refused = (uint16_t)(refused + put_lot(handoff->rings[worker], pkts, workers,
						       worker, &left, back + refused));
	}
	memcpy(pkts, back, sizeof(pkts[0]) * refused);
	return refused;
}

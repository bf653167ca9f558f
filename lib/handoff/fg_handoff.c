/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include <fg_burst.h>
#include <fg_handoff.h>

static int make_ring(struct fg_handoff *handoff, const struct fg_handoff_conf *conf,
		     uint16_t consumer, struct fg_error *error)
{
	char name[RTE_RING_NAMESIZE];

	if (conf->socket_ids[consumer] == FG_HANDOFF_NO_RING)
		return 0;
	snprintf(name, sizeof(name), "fg_%u_%u", conf->rx, consumer);
	handoff->rings[consumer] = rte_ring_create(name, conf->slots, conf->socket_ids[consumer],
						   RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
	if (handoff->rings[consumer] != NULL)
		return 0;
	return fg_error_set(error, rte_errno,
			    "cannot create a ring of %u slots: %s (give EAL more memory with -m or "
			    "hugepages)",
			    conf->slots, strerror(rte_errno));
}

int fg_handoff_create(const struct fg_handoff_conf *conf, struct fg_handoff **out,
		      struct fg_error *error)
{
	const uint32_t slots = conf->slots;
	struct fg_handoff *handoff;

	if (conf->n_consumers > FG_CONSUMERS_MAX)
		return fg_error_set(error, EINVAL, "rings to %u lcores: at most %u",
				    conf->n_consumers, FG_CONSUMERS_MAX);
	/* RING_F_EXACT_SZ doubles the slots. rte_ring counts them in 31 bits and does not check. */
	if (slots == 0 || (slots & (slots - 1)) != 0 || slots > RTE_RING_SZ_MASK / 2)
		return fg_error_set(error, EINVAL, "ring_slots: %u is not a power of two up to %u",
				    slots, 1u << 29);
	handoff = rte_zmalloc_socket(NULL, sizeof(*handoff), 128, conf->socket_id);
	if (handoff == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for the rings of lcore %u",
				    conf->rx);
	for (; handoff->n_consumers < conf->n_consumers; handoff->n_consumers++) {
		const int rc = make_ring(handoff, conf, handoff->n_consumers, error);

		if (rc != 0) {
			fg_handoff_free(handoff);
			return rc;
		}
	}
	*out = handoff;
	return 0;
}

void fg_handoff_free(struct fg_handoff *handoff)
{
	if (handoff == NULL)
		return;
	for (uint16_t consumer = 0; consumer < handoff->n_consumers; consumer++)
		rte_ring_free(handoff->rings[consumer]);
	rte_free(handoff);
}

/* Put packets into the ring of @consumer. @return how many fitted. */
static inline unsigned int put_batch(struct fg_handoff *handoff, uint8_t consumer,
				     struct rte_mbuf *const *batch, unsigned int count)
{
	const unsigned int taken = rte_ring_sp_enqueue_burst(handoff->rings[consumer],
							     (void *const *)batch, count, NULL);
	_Atomic uint64_t *put = &handoff->put[consumer];

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

/* Put all remaining packets for @consumer. */
static void put_consumer(struct fg_handoff *handoff, struct rte_mbuf *const *pkts,
			 const uint8_t *consumers, uint8_t consumer, struct put_state *state)
{
	struct rte_mbuf *batch[FG_BURST_MAX];
	unsigned int n = 0, taken;

	for (uint64_t rest = state->remaining; rest != 0; rest &= rest - 1) {
		const int i = __builtin_ctzll(rest);

		if (consumers[i] == consumer) {
			batch[n++] = pkts[i];
			state->remaining &= ~(UINT64_C(1) << i);
		}
	}
	taken = put_batch(handoff, consumer, batch, n);
	memcpy(&state->refused[state->n_refused], batch + taken, sizeof(batch[0]) * (n - taken));
	state->n_refused = (uint16_t)(state->n_refused + n - taken);
}

uint16_t fg_handoff_put(struct fg_handoff *handoff, struct rte_mbuf **pkts,
			const uint8_t *consumers, uint16_t count)
{
	struct put_state state;

	if (handoff->n_consumers == 1) {
		const unsigned int taken = put_batch(handoff, 0, pkts, count);

		memmove(pkts, pkts + taken, sizeof(pkts[0]) * (count - taken));
		return (uint16_t)(count - taken);
	}
	state.remaining = UINT64_MAX >> (64 - count);
	state.n_refused = 0;
	while (state.remaining != 0)
		put_consumer(handoff, pkts, consumers, consumers[__builtin_ctzll(state.remaining)],
			     &state);
	memcpy(pkts, state.refused, sizeof(pkts[0]) * state.n_refused);
	return state.n_refused;
}

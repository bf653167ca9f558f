/* SPDX-License-Identifier: MIT */
#include "pcapng_queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_errno.h>

#include <fg_log.h>
#include <fg_meta.h>
#include <fg_pool.h>

#define EVICT 32u /* Packets dropped at once. */

static void set_limits(struct pcapng_queue *q, const struct fg_sink *sink, uint32_t slots)
{
	const uint32_t most = slots != 0 ? slots : PCAPNG_SLOTS_MAX;

	q->stalled_max = slots != 0 ? slots : PCAPNG_SLOTS_PLAIN;
	if (sink->hold_max != 0)
		q->stalled_max = RTE_MIN(RTE_MAX(sink->hold_max / sink->n_lanes, 1u), most);
	/* While the writer stalls, nobody gets at what it has taken. */
	q->batch = RTE_MIN(RTE_MAX(q->stalled_max / 2, 1u), PCAPNG_BATCH_MAX);
	q->working_max = q->stalled_max;
	if (sink->hold_working > sink->hold_max)
		q->working_max = RTE_MIN(sink->hold_working, most);
}

int pcapng_queue_open(struct pcapng_queue *q, const struct fg_sink *sink, uint32_t slots,
		      uint64_t wait_ms)
{
	char name[RTE_RING_NAMESIZE];

	set_limits(q, sink, slots);
	if (slots > q->working_max)
		fg_log(WARNING,
		       "sink %s: slots: %u is more than it may hold: %u packets per lcore (option "
		       "sink_budget of pipeline, mbufs of the sources)",
		       sink->name, slots, q->working_max);
	q->wait_ticks = wait_ms * (rte_get_tsc_hz() / 1000);
	pcapng_queue_restart(q);
	q->lanes = aligned_alloc(_Alignof(struct pcapng_lane), sink->n_lanes * sizeof(*q->lanes));
	if (q->lanes == NULL)
		return -ENOMEM;
	memset(q->lanes, 0, sink->n_lanes * sizeof(*q->lanes));
	for (uint16_t lane = 0; lane < sink->n_lanes; lane++) {
		snprintf(name, sizeof(name), "fg_pcapng_%u_%u", sink->index, lane);
		/* Control takes packets, too, when the writer stalls. */
		q->lanes[lane].ring =
			rte_ring_create(name, q->working_max, SOCKET_ID_ANY,
					RING_F_SP_ENQ | RING_F_MC_RTS_DEQ | RING_F_EXACT_SZ);
		if (q->lanes[lane].ring == NULL)
			return -rte_errno;
		q->n_lanes++;
	}
	return 0;
}

void pcapng_queue_close(struct pcapng_queue *q)
{
	for (uint16_t lane = 0; lane < q->n_lanes; lane++)
		rte_ring_free(q->lanes[lane].ring);
	q->n_lanes = 0;
	free(q->lanes);
	q->lanes = NULL;
}

/* Copy a packet with its metadata, and free it. NULL: not enough mbufs; the packet stays. */
static __rte_noinline struct rte_mbuf *move_packet(struct rte_mbuf *m, uint64_t room)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);

	if (copy == NULL)
		return NULL;
	if (copy->nb_segs > room) {
		rte_pktmbuf_free(copy);
		return NULL;
	}
	memcpy(fg_meta(copy), fg_meta(m), sizeof(struct fg_meta));
	rte_pktmbuf_free(m);
	return copy;
}

static uint64_t held_by(const struct pcapng_lane *lane)
{
	/* Read first, so that the difference is never negative. */
	const uint64_t freed = atomic_load_explicit(&lane->freed, memory_order_acquire);

	return fg_counter_read(&lane->put) - freed;
}

uint16_t pcapng_queue_put(struct pcapng_queue *q, uint16_t number, struct rte_mbuf **pkts,
			  uint16_t count)
{
	struct pcapng_lane *lane = &q->lanes[number];
	const uint64_t limit = atomic_load_explicit(&q->limit, memory_order_relaxed);
	const uint64_t held = held_by(lane);
	const uint64_t room = held < limit ? limit - held : 0;
	uint64_t mbufs = 0;
	uint16_t n;

	for (n = 0; n < count && mbufs + pkts[n]->nb_segs <= room; n++) {
		if (unlikely(fg_packet_in_kernel(pkts[n]))) {
			struct rte_mbuf *copy = move_packet(pkts[n], room - mbufs);

			if (copy == NULL)
				break;
			pkts[n] = copy;
		}
		mbufs += pkts[n]->nb_segs;
	}
	fg_counter_add(&lane->put, mbufs);
	/* The ring has room: it has as many slots as the lane may hold mbufs. */
	return (uint16_t)rte_ring_sp_enqueue_burst(lane->ring, (void *const *)pkts, n, NULL);
}

/*
 * Packets of one lane leave. Count them first: the lane may receive into their mbufs at once, and
 * must not find its limit reached then.
 */
static void free_packets(struct pcapng_lane *lane, struct rte_mbuf **pkts, unsigned int count)
{
	uint64_t mbufs = 0;

	for (unsigned int i = 0; i < count; i++)
		mbufs += pkts[i]->nb_segs;
	atomic_fetch_add_explicit(&lane->freed, mbufs, memory_order_release);
	rte_pktmbuf_free_bulk(pkts, count);
}

unsigned int pcapng_queue_take(struct pcapng_queue *q, uint16_t lane,
			       struct rte_mbuf *pkts[PCAPNG_BATCH_MAX])
{
	return rte_ring_mc_rts_dequeue_burst(q->lanes[lane].ring, (void **)pkts, q->batch, NULL);
}

static void count_round(struct pcapng_queue *q)
{
	const uint64_t rounds = atomic_load_explicit(&q->rounds, memory_order_relaxed);

	atomic_store_explicit(&q->rounds, rounds + 1, memory_order_relaxed);
}

void pcapng_queue_pass(struct pcapng_queue *q, uint16_t lane, const struct rte_mbuf *pkt)
{
	atomic_fetch_add_explicit(&q->lanes[lane].freed, pkt->nb_segs, memory_order_release);
	count_round(q);
}

void pcapng_queue_free(struct pcapng_queue *q, uint16_t lane, struct rte_mbuf **pkts,
		       unsigned int count)
{
	if (count == 0)
		return;
	free_packets(&q->lanes[lane], pkts, count);
	count_round(q);
}

uint32_t pcapng_queue_held(const struct pcapng_queue *q)
{
	uint64_t held = 0;

	for (uint16_t lane = 0; lane < q->n_lanes; lane++)
		held += held_by(&q->lanes[lane]);
	return (uint32_t)held;
}

void pcapng_queue_restart(struct pcapng_queue *q)
{
	q->stalled = false;
	q->seen = atomic_load_explicit(&q->rounds, memory_order_relaxed);
	q->since_ticks = rte_rdtsc();
	atomic_store_explicit(&q->limit, q->working_max, memory_order_relaxed);
}

static void count_evicted(struct fg_sink *sink, struct pcapng_refused *evicted, struct rte_mbuf *m)
{
	const uint32_t bytes = rte_pktmbuf_pkt_len(m);

	fg_flow_counter_add(&sink->evicted, 1, bytes);
	fg_counter_add(&evicted->by_source[fg_meta(m)->source], 1);
	if (fg_meta_give_up(fg_meta(m)))
		fg_flow_counter_add(&sink->evicted_undelivered, 1, bytes);
}

/* Drop the oldest packets of a lane, down to the limit. */
static void evict(struct pcapng_lane *lane, struct fg_sink *sink, struct pcapng_refused *evicted,
		  uint32_t limit)
{
	struct rte_mbuf *pkts[EVICT];
	unsigned int n = EVICT;

	while (n > 0 && held_by(lane) > limit) {
		const uint64_t excess = held_by(lane) - limit;

		n = rte_ring_mc_rts_dequeue_burst(lane->ring, (void **)pkts,
						  (unsigned int)RTE_MIN(excess, EVICT), NULL);
		for (unsigned int i = 0; i < n; i++)
			count_evicted(sink, evicted, pkts[i]);
		free_packets(lane, pkts, n);
	}
}

void pcapng_queue_watch(struct pcapng_queue *q, struct fg_sink *sink,
			struct pcapng_refused *evicted)
{
	const uint64_t rounds = atomic_load_explicit(&q->rounds, memory_order_relaxed);
	const uint64_t now = rte_rdtsc();

	if (rounds != q->seen || pcapng_queue_held(q) == 0) {
		if (q->stalled)
			fg_log(NOTICE, "sink %s: takes packets again", sink->name);
		pcapng_queue_restart(q);
		return;
	}
	if (!q->stalled && now - q->since_ticks >= q->wait_ticks) {
		q->stalled = true;
		atomic_store_explicit(&q->limit, q->stalled_max, memory_order_relaxed);
		fg_log(WARNING,
		       "sink %s: stalled: it drops what is beyond %u waiting packets per lcore",
		       sink->name, q->stalled_max);
	}
	for (uint16_t lane = 0; q->stalled && lane < q->n_lanes; lane++)
		evict(&q->lanes[lane], sink, evicted, q->stalled_max);
}

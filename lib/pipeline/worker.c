/* SPDX-License-Identifier: MIT */
/*
 * Deliver: feed, dispatch. On workers, or on rx lcores that run to completion; and the rings that
 * bring packets to such an lcore.
 */
#include <rte_pause.h>
#include <rte_prefetch.h>

#include <fg_burst.h>

#include "pipeline.h"

/* What dispatch needs of packets for several sinks after these have taken them. */
struct batch {
	uint64_t sinks[FG_BURST_MAX];
	uint32_t rule_id[FG_BURST_MAX];
	uint32_t bytes[FG_BURST_MAX];
	uint64_t refused; /* bit i: no sink of packet i delivers it, and the last refused it */
};

/* Fill the batch. A packet gets one reference for each of its sinks. */
static inline void batch_fill(struct rte_mbuf **pkts, uint16_t count, struct batch *batch)
{
	batch->refused = 0;
	for (uint16_t i = 0; i < count; i++) {
		struct fg_meta *meta = fg_meta(pkts[i]);
		const int n_sinks = __builtin_popcountll(meta->sinks);

		batch->sinks[i] = meta->sinks;
		batch->rule_id[i] = meta->rule_id;
		batch->bytes[i] = rte_pktmbuf_pkt_len(pkts[i]);
		if (n_sinks > 1) {
			meta->n_takers = (uint8_t)n_sinks;
			rte_pktmbuf_refcnt_update(pkts[i], (int16_t)(n_sinks - 1));
		}
	}
}

/* Give sink number @p s its packets. Those that it refuses lose the reference. */
static inline void give(struct lcore *lcore, unsigned int s, struct rte_mbuf **pkts, uint16_t count,
			struct batch *batch)
{
	struct rte_mbuf *selected[FG_BURST_MAX];
	uint8_t index[FG_BURST_MAX];
	uint16_t n = 0, taken;

	for (uint16_t i = 0; i < count; i++) {
		selected[n] = pkts[i];
		index[n] = (uint8_t)i;
		n = (uint16_t)(n + (batch->sinks[i] >> s & 1));
	}
	taken = fg_sink_put(lcore->pipeline->sinks[s], lcore->lane, selected, n, NULL);
	for (uint16_t i = taken; i < n; i++)
		if (fg_meta_give_up(fg_meta(selected[i])))
			batch->refused |= UINT64_C(1) << index[i];
	if (taken < n)
		rte_pktmbuf_free_bulk(selected + taken, (unsigned int)(n - taken));
}

static inline void batch_count(struct fg_lcore_stats *stats, const struct batch *batch,
			       uint16_t count)
{
	uint64_t packets = 0, bytes = 0;

	for (uint16_t i = 0; i < count; i++)
		if ((batch->refused >> i & 1) == 0) {
			packets++;
			bytes += batch->bytes[i];
		} else
			fg_counter_add(&stats->rules[batch->rule_id[i]].dropped, 1);
	fg_flow_counter_add(&stats->delivered, packets, bytes);
	if (packets < count)
		fg_counter_add(&stats->dropped[FG_DROP_sink_full], count - packets);
}

/* The packets of a burst go to different sinks, or to several. */
static __rte_noinline void give_selected(struct lcore *lcore, struct rte_mbuf **pkts,
					 uint16_t count, uint64_t any)
{
	struct batch batch;

	batch_fill(pkts, count, &batch);
	for (uint64_t sinks = any; sinks != 0; sinks &= sinks - 1)
		give(lcore, (unsigned int)__builtin_ctzll(sinks), pkts, count, &batch);
	batch_count(lcore->stats, &batch, count);
}

/* All packets of a burst go to one sink. */
static inline void give_all(struct lcore *lcore, unsigned int s, struct rte_mbuf **pkts,
			    uint16_t count)
{
	struct fg_lcore_stats *stats = lcore->stats;
	uint64_t bytes;
	const uint16_t taken =
		fg_sink_put(lcore->pipeline->sinks[s], lcore->lane, pkts, count, &bytes);

	fg_flow_counter_add(&stats->delivered, taken, bytes);
	if (likely(taken == count))
		return;
	for (uint16_t i = taken; i < count; i++)
		fg_counter_add(&stats->rules[fg_meta(pkts[i])->rule_id].dropped, 1);
	fg_counter_add(&stats->dropped[FG_DROP_sink_full], (uint64_t)(count - taken));
	rte_pktmbuf_free_bulk(pkts + taken, (unsigned int)(count - taken));
}

void dispatch(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count)
{
	uint64_t any = 0, all = UINT64_MAX;

	for (uint16_t i = 0; i < count; i++) {
		any |= fg_meta(pkts[i])->sinks;
		all &= fg_meta(pkts[i])->sinks;
	}
	if (likely(any == all && (any & (any - 1)) == 0))
		give_all(lcore, (unsigned int)__builtin_ctzll(any), pkts, count);
	else
		give_selected(lcore, pkts, count, any);
}

void deliver(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count)
{
	if (lcore->n_owned > 0)
		feeds_burst(lcore, pkts, count, clock_ns(lcore, rte_rdtsc()));
	else
		dispatch(lcore, pkts, count);
}

uint32_t take_rings(struct lcore *lcore)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint32_t found = 0;

	for (uint16_t i = 0; i < lcore->n_inlets; i++) {
		const uint16_t n =
			fg_handoff_get(lcore->inlets[i], lcore->lane, pkts, FG_BURST_MAX);

		/* The lcore that received them has them in its cache. */
		for (uint16_t k = 0; k < n; k++) {
			rte_prefetch0(pkts[k]);
			rte_prefetch0(fg_meta(pkts[k]));
		}
		if (n > 0)
			deliver(lcore, pkts, n);
		found += n;
	}
	return found;
}

void end_turn(struct lcore *lcore, uint32_t found)
{
	uint64_t now;

	if (lcore->n_owned > 0)
		feeds_tick(lcore);
	now = rte_rdtsc();
	fg_counter_add(found > 0 ? &lcore->stats->busy_ticks : &lcore->stats->idle_ticks,
		       now - lcore->turn_began);
	lcore->turn_began = now;
	if (found == 0)
		rte_pause();
	rte_rcu_qsbr_quiescent(lcore->pipeline->qsbr, lcore->index);
}

void finish_rings(struct lcore *lcore)
{
	uint32_t found;
	bool last;

	do {
		/* Read before the rings: once it is 0, nothing more arrives in them. */
		last = atomic_load_explicit(&lcore->pipeline->n_polling, memory_order_acquire) == 0;
		found = take_rings(lcore);
		end_turn(lcore, found);
	} while (found > 0 || !last);
	feeds_flush(lcore);
}

int worker_main(void *arg)
{
	struct lcore *lcore = arg;

	lcore->turn_began = rte_rdtsc();
	rte_rcu_qsbr_thread_online(lcore->pipeline->qsbr, lcore->index);
	finish_rings(lcore);
	rte_rcu_qsbr_thread_offline(lcore->pipeline->qsbr, lcore->index);
	return 0;
}

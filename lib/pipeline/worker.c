/* SPDX-License-Identifier: MIT */
/* Deliver: stamp, feed, dispatch. On worker lcores, or on rx lcores that run to completion. */
#include <rte_pause.h>

#include <fg_burst.h>

#include "pipeline.h"

/* What dispatch needs of a burst after the sinks have taken its packets. */
struct batch {
	uint64_t sinks[FG_BURST_MAX];
	uint32_t rule_id[FG_BURST_MAX];
	uint32_t bytes[FG_BURST_MAX];
	uint64_t any;   /* union of the sinks */
	uint64_t taken; /* bit i: packet i was taken by a sink */
};

/* Fill the batch. A packet gets one reference for each of its sinks. */
static inline void batch_fill(struct rte_mbuf **pkts, uint16_t count, struct batch *batch)
{
	batch->any = 0;
	batch->taken = 0;
	for (uint16_t i = 0; i < count; i++) {
		const struct fg_meta *meta = fg_meta(pkts[i]);
		const int n_sinks = __builtin_popcountll(meta->sinks);

		batch->sinks[i] = meta->sinks;
		batch->rule_id[i] = meta->rule_id;
		batch->bytes[i] = rte_pktmbuf_pkt_len(pkts[i]);
		batch->any |= meta->sinks;
		if (n_sinks > 1)
			rte_pktmbuf_refcnt_update(pkts[i], (int16_t)(n_sinks - 1));
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
	taken = fg_sink_put(lcore->pipeline->sinks[s], lcore->lane, selected, n);
	for (uint16_t i = 0; i < taken; i++)
		batch->taken |= UINT64_C(1) << index[i];
	if (taken < n)
		rte_pktmbuf_free_bulk(selected + taken, (unsigned int)(n - taken));
}

static inline void batch_count(struct fg_lcore_stats *stats, const struct batch *batch,
			       uint16_t count)
{
	uint64_t packets = 0, bytes = 0;

	for (uint16_t i = 0; i < count; i++)
		if ((batch->taken >> i & 1) != 0) {
			packets++;
			bytes += batch->bytes[i];
		} else
			fg_counter_add(&stats->rules[batch->rule_id[i]].dropped, 1);
	fg_flow_counter_add(&stats->delivered, packets, bytes);
	if (packets < count)
		fg_counter_add(&stats->dropped[FG_DROP_sink_full], count - packets);
}

void dispatch(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count)
{
	struct batch batch;

	batch_fill(pkts, count, &batch);
	for (uint64_t sinks = batch.any; sinks != 0; sinks &= sinks - 1)
		give(lcore, (unsigned int)__builtin_ctzll(sinks), pkts, count, &batch);
	batch_count(lcore->stats, &batch, count);
}

void deliver(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count)
{
	const uint64_t now_ns = fg_clock_stamp(&lcore->pipeline->clock, pkts, count);

	if (lcore->n_owned > 0)
		feeds_burst(lcore, pkts, count, now_ns);
	else
		dispatch(lcore, pkts, count);
}

static uint16_t worker_turn(struct lcore *lcore)
{
	struct fg_pipeline *pipeline = lcore->pipeline;
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint16_t found = 0;

	for (uint16_t rx = 0; rx < pipeline->n_rx; rx++) {
		const uint16_t n =
			fg_handoff_get(pipeline->rx[rx].handoff, lcore->lane, pkts, FG_BURST_MAX);

		if (n > 0)
			deliver(lcore, pkts, n);
		found = (uint16_t)(found + n);
	}
	return found;
}

int worker_main(void *arg)
{
	struct lcore *lcore = arg;
	struct fg_pipeline *pipeline = lcore->pipeline;

	rte_rcu_qsbr_thread_online(pipeline->qsbr, lcore->index);
	for (;;) {
		/* Read before the rings: once it is set, nothing more arrives in them. */
		const bool last =
			atomic_load_explicit(&pipeline->stop_workers, memory_order_acquire);
		const uint16_t found = worker_turn(lcore);

		fg_counter_add(found > 0 ? &lcore->stats->bursts : &lcore->stats->empty, 1);
		if (lcore->n_owned > 0)
			feeds_tick(lcore);
		if (found == 0 && last)
			break;
		if (found == 0)
			rte_pause();
		rte_rcu_qsbr_quiescent(pipeline->qsbr, lcore->index);
	}
	feeds_flush(lcore);
	rte_rcu_qsbr_thread_offline(pipeline->qsbr, lcore->index);
	return 0;
}

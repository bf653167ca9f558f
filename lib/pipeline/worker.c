/* SPDX-License-Identifier: MIT */
/* The deliverer: stamp, feed, dispatch. A worker lcore, or an rx lcore that has no workers. */
#include <rte_pause.h>

#include "pipeline.h"

/* What must be known of a burst after its packets have changed hands. */
struct lot {
	uint64_t sinks[FG_BURST_MAX];
	uint32_t rule_id[FG_BURST_MAX];
	uint32_t bytes[FG_BURST_MAX];
	uint64_t any;   /* union of the sinks */
	uint64_t taken; /* bit i: packet i was taken by a sink */
};

/* Remember the burst; a packet gets one reference for each of its sinks. */
static inline void remember(struct rte_mbuf **pkts, uint16_t count, struct lot *lot)
{
	lot->any = 0;
	lot->taken = 0;
	for (uint16_t i = 0; i < count; i++) {
		const struct fg_meta *meta = fg_meta(pkts[i]);
		const int n_sinks = __builtin_popcountll(meta->sinks);

		lot->sinks[i] = meta->sinks;
		lot->rule_id[i] = meta->rule_id;
		lot->bytes[i] = rte_pktmbuf_pkt_len(pkts[i]);
		lot->any |= meta->sinks;
		if (n_sinks > 1)
			rte_pktmbuf_refcnt_update(pkts[i], (int16_t)(n_sinks - 1));
	}
}

/* Give sink number @p s its part of the burst; what it refuses loses that reference. */
static inline void give(struct lcore *lcore, unsigned int s, struct rte_mbuf **pkts, uint16_t count,
			struct lot *lot)
{
	struct rte_mbuf *mine[FG_BURST_MAX];
	uint8_t index[FG_BURST_MAX];
	uint16_t n = 0, taken;

	for (uint16_t i = 0; i < count; i++) {
		mine[n] = pkts[i];
		index[n] = (uint8_t)i;
		n = (uint16_t)(n + (lot->sinks[i] >> s & 1));
	}
	taken = fg_sink_put(lcore->pipeline->sinks[s], lcore->lane, mine, n);
	for (uint16_t i = 0; i < taken; i++)
		lot->taken |= UINT64_C(1) << index[i];
	if (taken < n)
		rte_pktmbuf_free_bulk(mine + taken, (unsigned int)(n - taken));
}

static inline void count_lot(struct fg_lcore_stats *stats, const struct lot *lot, uint16_t count)
{
	uint64_t packets = 0, bytes = 0;

	for (uint16_t i = 0; i < count; i++)
		if ((lot->taken >> i & 1) != 0) {
			packets++;
			bytes += lot->bytes[i];
		} else
			fg_counter_add(&stats->rules[lot->rule_id[i]].dropped, 1);
	fg_flow_counter_add(&stats->delivered, packets, bytes);
	if (packets < count)
		fg_counter_add(&stats->dropped[FG_DROP_sink_full], count - packets);
}

void dispatch(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count)
{
	struct lot lot;

	remember(pkts, count, &lot);
	for (uint64_t sinks = lot.any; sinks != 0; sinks &= sinks - 1)
		give(lcore, (unsigned int)__builtin_ctzll(sinks), pkts, count, &lot);
	count_lot(lcore->stats, &lot, count);
}

void deliver(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count)
{
	fg_clock_stamp(&lcore->pipeline->clock, pkts, count);
	if (lcore->n_mine > 0)
		feeds_burst(lcore, pkts, count, fg_meta(pkts[0])->out_ns);
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
		/* Asked before looking: after that, nothing more can arrive in the rings. */
		const bool last =
			atomic_load_explicit(&pipeline->stop_workers, memory_order_acquire);
		const uint16_t found = worker_turn(lcore);

		fg_counter_add(found > 0 ? &lcore->stats->bursts : &lcore->stats->empty, 1);
		if (lcore->n_mine > 0)
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

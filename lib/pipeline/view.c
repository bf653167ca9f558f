/* SPDX-License-Identifier: MIT */
/* Counters of a pipeline for the control thread: sums, lcores, accounting. */
#include <errno.h>
#include <inttypes.h>

#include <rte_lcore.h>

#include "pipeline.h"

static const struct lcore *lcore_at(const struct fg_pipeline *p, uint32_t i)
{
	return i < (uint32_t)p->n_rx + p->n_workers ? p->lcores[i] : NULL;
}

void fg_pipeline_totals(const struct fg_pipeline *p, struct fg_totals *totals)
{
	uint64_t packets = 0, bytes = 0, evicted = 0, evicted_bytes = 0;
	const struct lcore *lcore;

	/* Before the lcores' counters: a packet that is not written yet counts as delivered. */
	for (uint32_t i = 0; i < p->n_sinks; i++) {
		packets += fg_counter_read(&p->sinks[i]->undelivered.packets);
		bytes += fg_counter_read(&p->sinks[i]->undelivered.bytes);
		evicted += fg_counter_read(&p->sinks[i]->evicted_undelivered.packets);
		evicted_bytes += fg_counter_read(&p->sinks[i]->evicted_undelivered.bytes);
	}
	*totals = (struct fg_totals){0};
	for (uint32_t i = 0; (lcore = lcore_at(p, i)) != NULL; i++)
		fg_totals_add(totals, lcore->stats);
	packets = RTE_MIN(packets, totals->delivered_packets);
	evicted = RTE_MIN(evicted, totals->delivered_packets - packets);
	totals->dropped[FG_DROP_write_error] += packets;
	totals->dropped[FG_DROP_sink_full] += evicted;
	totals->delivered_packets -= packets + evicted;
	totals->delivered_bytes -= RTE_MIN(bytes + evicted_bytes, totals->delivered_bytes);
}

void fg_pipeline_rule(const struct fg_pipeline *p, uint32_t rule_id, struct fg_rule_totals *totals)
{
	const struct lcore *lcore;

	*totals = (struct fg_rule_totals){0};
	for (uint32_t i = 0; (lcore = lcore_at(p, i)) != NULL; i++) {
		const struct fg_rule_counter *counter = &lcore->stats->rules[rule_id];
		const struct fg_rule_feed_counter *feed = &lcore->stats->rule_feeds[rule_id];

		totals->packets += fg_counter_read(&counter->hits.packets);
		totals->bytes += fg_counter_read(&counter->hits.bytes);
		totals->duplicates += fg_counter_read(&feed->duplicates);
		totals->unmatched += fg_counter_read(&feed->unmatched);
		totals->dropped += fg_counter_read(&counter->dropped);
		totals->last_ticks = RTE_MAX(totals->last_ticks, fg_counter_read(&counter->last));
	}
}

uint64_t fg_pipeline_slices_out(const struct fg_pipeline *p)
{
	return p->slices != NULL ? rte_mempool_in_use_count(p->slices) : 0;
}

int fg_pipeline_check_accounting(const struct fg_pipeline *p, struct fg_error *error)
{
	struct fg_totals totals;
	uint64_t from_sources = 0, accounted;

	fg_pipeline_totals(p, &totals);
	accounted = totals.delivered_packets + fg_totals_dropped(&totals);
	for (uint32_t s = 0; s < p->n_sources; s++)
		from_sources += fg_source_received(p->sources[s]);
	if (totals.received_packets == accounted && totals.received_packets == from_sources)
		return 0;
	return fg_error_set(error, EBADMSG,
			    "accounting is unbalanced: packets from sources %" PRIu64
			    ", received %" PRIu64 ", delivered %" PRIu64 ", dropped %" PRIu64,
			    from_sources, totals.received_packets, totals.delivered_packets,
			    fg_totals_dropped(&totals));
}

bool fg_pipeline_lcore(const struct fg_pipeline *p, uint32_t i, struct fg_lcore_view *view)
{
	const struct lcore *lcore = lcore_at(p, i);

	if (lcore == NULL)
		return false;
	*view = (struct fg_lcore_view){
		.lcore_id = lcore->lcore_id,
		.socket_id = (int)rte_lcore_to_socket_id(lcore->lcore_id),
		.worker = i >= p->n_rx,
		.stats = lcore->stats,
		.n_queues = lcore->n_queues,
	};
	for (uint16_t q = 0; q < lcore->n_queues; q++) {
		view->queues[q].source = lcore->queues[q].source;
		view->queues[q].queue = lcore->queues[q].queue;
	}
	for (uint16_t k = 0; k < lcore->n_inlets; k++)
		view->ring_occupancy += fg_handoff_occupancy(lcore->inlets[k], lcore->lane);
	return true;
}

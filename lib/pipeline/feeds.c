/* SPDX-License-Identifier: MIT */
/* The feed stage of an lcore, between stamp and dispatch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_pool.h>

#include "pipeline.h"

#define SCRATCH_BYTES (UINT16_MAX + 1u)

static struct rte_mbuf *no_packets[1];

static inline void count_for_rule(struct fg_lcore_stats *stats, uint32_t rule_id, uint8_t reason)
{
	struct fg_rule_feed_counter *counter = &stats->rule_feeds[rule_id];

	fg_counter_add(reason == FG_DROP_duplicate || reason == FG_DROP_stale ? &counter->duplicates
									      : &counter->unmatched,
		       1);
}

static inline void count_and_free(struct lcore *lcore, struct fg_feed_out *out)
{
	struct fg_lcore_stats *stats = lcore->stats;

	for (uint16_t i = 0; i < out->n_drop; i++) {
		fg_counter_add(&stats->dropped[out->reason[i]], 1);
		count_for_rule(stats, fg_meta(out->drop[i])->rule_id, out->reason[i]);
	}
	rte_pktmbuf_free_bulk(out->drop, out->n_drop);
}

void feeds_burst(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count, uint64_t now_ns)
{
	struct rte_mbuf *pass[FG_BURST_MAX];
	struct fg_feed_out out = {.pass = pass, .room = FG_BURST_MAX};

	do {
		const uint16_t taken = fg_feed_burst(&lcore->stage, pkts, count, now_ns, &out);

		pkts += taken;
		count = (uint16_t)(count - taken);
		count_and_free(lcore, &out);
		if (out.n_pass > 0)
			dispatch(lcore, pass, out.n_pass);
	} while (count > 0 || fg_feed_pending(&lcore->stage));
}

static uint64_t clock_ns(const struct lcore *lcore, uint64_t ticks)
{
	const struct fg_clock_scale line = fg_clock_scale(&lcore->pipeline->clock);

	return fg_clock_ns(&line, ticks);
}

void feeds_tick(struct lcore *lcore)
{
	const uint64_t ticks = rte_rdtsc();
	uint64_t now_ns;

	if (likely(ticks < lcore->next_tick))
		return;
	lcore->next_tick = ticks + lcore->pipeline->tick_ticks;
	now_ns = clock_ns(lcore, ticks);
	for (uint32_t i = 0; i < lcore->n_owned; i++) {
		fg_feed_tick(&lcore->stage, lcore->owned[i], now_ns);
		if (fg_feed_pending(&lcore->stage))
			feeds_burst(lcore, no_packets, 0, now_ns);
	}
}

void feeds_flush(struct lcore *lcore)
{
	for (uint32_t i = 0; i < lcore->n_owned; i++) {
		const uint64_t now_ns = clock_ns(lcore, rte_rdtsc());

		fg_feed_flush(&lcore->stage, lcore->owned[i], now_ns);
		if (fg_feed_pending(&lcore->stage))
			feeds_burst(lcore, no_packets, 0, now_ns);
	}
}

bool feeds_hold(const struct fg_pipeline *p)
{
	for (uint32_t i = 0; i < p->n_feeds; i++)
		if (p->feeds[i] != NULL && fg_feed_holds(p->feeds[i]))
			return true;
	return false;
}

/* The lcore that owns feed number @p feed. */
static struct lcore *lcore_of(struct fg_pipeline *p, uint32_t feed)
{
	return p->n_workers > 0 ? &p->workers[feed % p->n_workers] : &p->rx[0];
}

int feeds_socket(const struct fg_pipeline *p, uint8_t worker)
{
	return (int)rte_lcore_to_socket_id(p->n_workers > 0 ? p->workers[worker].lcore_id
							    : p->rx[0].lcore_id);
}

static int make_slices(struct fg_pipeline *p, const struct fg_pipeline_conf *conf,
		       struct fg_error *error)
{
	if (conf->slice_mbufs == 0)
		return 0;
	p->slices = rte_pktmbuf_pool_create_by_ops("fg_slices", (unsigned int)conf->slice_mbufs, 0,
						   FG_META_BYTES, RTE_MBUF_DEFAULT_BUF_SIZE,
						   SOCKET_ID_ANY, FG_POOL_OPS);
	if (p->slices != NULL)
		return 0;
	return fg_error_set(error, rte_errno,
			    "pipeline: slice_mbufs: no DPDK memory for a pool of %lu mbufs: %s",
			    (unsigned long)conf->slice_mbufs, rte_strerror(rte_errno));
}

/* Set up the feed stage of an lcore, with the feeds it owns. */
static int attach(struct fg_pipeline *p, struct lcore *lcore, struct fg_error *error)
{
	lcore->owned = calloc(p->n_feeds, sizeof(*lcore->owned));
	lcore->stage.scratch = malloc(SCRATCH_BYTES);
	if (lcore->owned == NULL || lcore->stage.scratch == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the feeds of lcore %u",
				    lcore->lcore_id);
	lcore->stage.feeds = p->feeds;
	lcore->stage.n_feeds = p->n_feeds;
	lcore->stage.slices = p->slices;
	for (uint32_t i = 0; i < p->n_feeds; i++)
		if (p->feeds[i] != NULL && lcore_of(p, i) == lcore)
			lcore->owned[lcore->n_owned++] = p->feeds[i];
	return 0;
}

int feeds_create(struct fg_pipeline *p, const struct fg_pipeline_setup *setup,
		 struct fg_error *error)
{
	const struct fg_pipeline_endpoints *endpoints = &setup->endpoints;
	uint32_t n = 0;
	int rc;

	for (uint32_t i = 0; i < endpoints->n_feeds; i++)
		n += endpoints->feeds[i] != NULL;
	if (n == 0)
		return 0;
	if (p->n_workers == 0 && p->n_rx > 1)
		return fg_error_set(
			error, EINVAL,
			"one lcore must own a feed with a protocol, and %u rx lcores run to "
			"completion: expected workers: 1 or more, or one rx lcore",
			p->n_rx);
	p->feeds = calloc(endpoints->n_feeds, sizeof(struct fg_feed *));
	if (p->feeds == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u feeds", n);
	memcpy(p->feeds, endpoints->feeds, endpoints->n_feeds * sizeof(struct fg_feed *));
	p->n_feeds = endpoints->n_feeds;
	p->tick_ticks = rte_get_tsc_hz() * TICK_US / 1000000;
	rc = make_slices(p, &setup->conf, error);
	for (uint16_t i = 0; i < p->n_workers && rc == 0; i++)
		rc = attach(p, &p->workers[i], error);
	return rc == 0 && p->n_workers == 0 ? attach(p, &p->rx[0], error) : rc;
}

static void detach(struct lcore *lcore)
{
	free(lcore->owned);
	free(lcore->stage.scratch);
}

void feeds_free(struct fg_pipeline *p)
{
	for (uint16_t i = 0; p->rx != NULL && i < p->n_rx; i++)
		detach(&p->rx[i]);
	for (uint16_t i = 0; p->workers != NULL && i < p->n_workers; i++)
		detach(&p->workers[i]);
	rte_mempool_free(p->slices);
	free(p->feeds);
}

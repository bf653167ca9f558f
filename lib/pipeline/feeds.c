/* SPDX-License-Identifier: MIT */
/* The feed stage of an lcore, between stamp and dispatch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_pool.h>

#include "pipeline.h"

#define SCRATCH_BYTES (UINT16_MAX + 1u)
#define SLOW_TICKS    50u /* feeds that hold no packets tick every so many ticks: each millisecond */

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

static inline void tick(struct lcore *lcore, struct fg_feed *feed, uint64_t now_ns)
{
	fg_feed_tick(&lcore->stage, feed, now_ns);
	if (fg_feed_pending(&lcore->stage))
		feeds_burst(lcore, no_packets, 0, now_ns);
}

void feeds_tick(struct lcore *lcore)
{
	const uint64_t ticks = rte_rdtsc();
	uint64_t now_ns;

	if (likely(ticks < lcore->next_tick))
		return;
	lcore->next_tick = ticks + lcore->pipeline->tick_ticks;
	now_ns = clock_ns(lcore, ticks);
	for (uint32_t i = 0; i < lcore->n_holding; i++)
		tick(lcore, lcore->owned[i], now_ns);
	/* The others have timeouts of milliseconds: a few at a time, so that each has its turn. */
	for (uint32_t n = (lcore->n_owned - lcore->n_holding + SLOW_TICKS - 1) / SLOW_TICKS; n > 0;
	     n--) {
		if (lcore->next_slow >= lcore->n_owned)
			lcore->next_slow = lcore->n_holding;
		tick(lcore, lcore->owned[lcore->next_slow++], now_ns);
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

bool feeds_hold(const struct fg_pipeline *p, uint32_t rules_version)
{
	for (uint32_t i = 0; i < p->n_feeds; i++)
		if (p->feeds[i] != NULL && fg_feed_held(p->feeds[i], rules_version) > 0)
			return true;
	return false;
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

static bool owns(const struct fg_pipeline *p, const struct lcore *lcore, uint32_t feed)
{
	return p->feeds[feed] != NULL && lane_lcore(p, p->owners[feed]) == lcore;
}

static bool holds(const struct fg_feed *feed)
{
	return fg_feed_conf(feed)->reorder == FG_FEED_REORDER_HOLD;
}

/* Set up the feed stage of an lcore, with the feeds it owns. */
static int attach(struct fg_pipeline *p, struct lcore *lcore, struct fg_error *error)
{
	const int socket = (int)rte_lcore_to_socket_id(lcore->lcore_id);

	lcore->owned = rte_calloc_socket(NULL, p->n_feeds, sizeof(*lcore->owned), 0, socket);
	lcore->stage.scratch = rte_malloc_socket(NULL, SCRATCH_BYTES, 0, socket);
	if (lcore->owned == NULL || lcore->stage.scratch == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for the feeds of lcore %u",
				    lcore->lcore_id);
	lcore->stage.feeds = p->feeds;
	lcore->stage.n_feeds = p->n_feeds;
	lcore->stage.slices = p->slices;
	for (uint32_t i = 0; i < p->n_feeds; i++)
		if (owns(p, lcore, i) && holds(p->feeds[i]))
			lcore->owned[lcore->n_owned++] = p->feeds[i];
	lcore->n_holding = lcore->n_owned;
	for (uint32_t i = 0; i < p->n_feeds; i++)
		if (owns(p, lcore, i) && !holds(p->feeds[i]))
			lcore->owned[lcore->n_owned++] = p->feeds[i];
	return 0;
}

int feeds_create(struct fg_pipeline *p, const struct fg_pipeline_setup *setup,
		 struct fg_error *error)
{
	const struct fg_pipeline_endpoints *endpoints = &setup->endpoints;
	uint32_t n = 0;
	int rc;

	p->owners = malloc(endpoints->n_feeds + 1);
	p->feeds = calloc((size_t)endpoints->n_feeds + 1, sizeof(struct fg_feed *));
	if (p->feeds == NULL || p->owners == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u feeds", endpoints->n_feeds);
	for (uint32_t i = 0; i < endpoints->n_feeds; i++) {
		p->feeds[i] = endpoints->feeds[i];
		p->owners[i] = (uint8_t)(endpoints->owners != NULL ? endpoints->owners[i]
								   : i % p->n_lanes);
		n += p->feeds[i] != NULL;
	}
	p->n_feeds = endpoints->n_feeds;
	if (n == 0)
		return 0;
	p->tick_ticks = rte_get_tsc_hz() * TICK_US / 1000000;
	rc = make_slices(p, &setup->conf, error);
	for (uint16_t lane = 0; lane < p->n_lanes && rc == 0; lane++)
		rc = attach(p, lane_lcore(p, lane), error);
	return rc;
}

void feeds_free(struct fg_pipeline *p)
{
	for (uint16_t i = 0; i < FG_LCORES_MAX && p->lcores[i] != NULL; i++) {
		rte_free(p->lcores[i]->owned);
		rte_free(p->lcores[i]->stage.scratch);
	}
	rte_mempool_free(p->slices);
	free(p->feeds);
	free(p->owners);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <fg_log.h>

#include "pipeline.h"

const struct fg_option fg_pipeline_options[] = {
	{.name = "workers",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct fg_pipeline_conf, workers),
	 .max = FG_WORKERS_MAX,
	 .value = "0",
	 .unit = "lcores",
	 .help = "worker lcores; 0: rx lcores run to completion"},
	{.name = "ring_slots",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct fg_pipeline_conf, ring_slots),
	 .min = 64,
	 .max = 1u << 24,
	 .power_of_two = true,
	 .value = "65536",
	 .unit = "packets",
	 .help = "ring from one rx lcore to another lcore; a power of two"},
	{.name = "sink_budget",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct fg_pipeline_conf, sink_budget),
	 .min = 1,
	 .max = 75,
	 .value = "25",
	 .unit = "%",
	 .help = "share of any source's mbufs that one sink may hold; beyond it, it drops"},
	{.name = "slice_mbufs",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct fg_pipeline_conf, slice_mbufs),
	 .max = 1u << 24,
	 .value = "4096",
	 .unit = "packets",
	 .help = "mbufs for slices, packets cut down to their matched messages; 0: they pass "
		 "whole"},
	{0}};

const struct fg_option *const fg_pipeline_option_workers = &fg_pipeline_options[0];

static int make_qsbr(struct fg_pipeline *p, struct fg_error *error)
{
	const uint32_t threads = (uint32_t)p->n_rx + p->n_workers;

	p->qsbr = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(threads), RTE_CACHE_LINE_SIZE);
	if (p->qsbr == NULL || rte_rcu_qsbr_init(p->qsbr, threads) != 0)
		return fg_error_set(error, ENOMEM, "no DPDK memory for %u lcores", threads);
	for (uint32_t i = 0; i < threads; i++)
		if (rte_rcu_qsbr_thread_register(p->qsbr, i) != 0)
			return fg_error_set(error, EINVAL, "cannot register lcore %u of %u", i,
					    threads);
	return 0;
}

static int make_lcore(struct fg_pipeline *p, uint16_t index, uint16_t lcore_id, uint16_t lane,
		      struct fg_error *error)
{
	const int socket = (int)rte_lcore_to_socket_id(lcore_id);
	struct lcore *lcore =
		rte_zmalloc_socket(NULL, sizeof(*lcore), _Alignof(struct lcore), socket);

	if (lcore == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for lcore %u on NUMA node %d",
				    lcore_id, socket);
	p->lcores[index] = lcore;
	lcore->pipeline = p;
	lcore->lcore_id = lcore_id;
	lcore->lane = lane;
	lcore->index = index;
	lcore->stats = fg_lcore_stats_alloc(socket);
	return lcore->stats != NULL
		       ? 0
		       : fg_error_set(error, ENOMEM, "no memory for the counters of lcore %u",
				      lcore_id);
}

static int make_lcores(struct fg_pipeline *p, const struct fg_placement *placement,
		       struct fg_error *error)
{
	int rc = 0;

	for (uint16_t i = 0; i < p->n_rx && rc == 0; i++)
		rc = make_lcore(p, i, placement->rx[i], (uint16_t)(p->n_workers + i), error);
	for (uint16_t i = 0; i < p->n_workers && rc == 0; i++)
		rc = make_lcore(p, (uint16_t)(p->n_rx + i), placement->workers[i], i, error);
	return rc;
}

/* Whether the lcore of @p lane gets packets from others: all workers do, and owners of feeds. */
static bool has_rings(const struct fg_pipeline *p, uint16_t lane)
{
	bool has = lane < p->n_workers;

	for (uint32_t i = 0; i < p->n_feeds; i++)
		has = has || (p->feeds[i] != NULL && p->owners[i] == lane);
	return has;
}

/* The rings from one rx lcore to each other lcore that owns feeds, or to each worker. */
static int make_rings(struct fg_pipeline *p, struct lcore *rx, const struct fg_pipeline_conf *conf,
		      struct fg_error *error)
{
	int sockets[FG_LCORES_MAX];
	const struct fg_handoff_conf handoff = {
		.rx = rx->index,
		.socket_id = (int)rte_lcore_to_socket_id(rx->lcore_id),
		.n_consumers = p->n_lanes,
		.slots = (uint32_t)conf->ring_slots,
		.socket_ids = sockets,
	};
	bool any = false;
	int rc;

	for (uint16_t lane = 0; lane < p->n_lanes; lane++) {
		const bool ring = lane_lcore(p, lane) != rx && has_rings(p, lane);

		sockets[lane] = ring ? lane_socket(p, lane) : FG_HANDOFF_NO_RING;
		any = any || ring;
	}
	rc = any ? fg_handoff_create(&handoff, &rx->handoff, error) : 0;
	for (uint16_t lane = 0; lane < p->n_lanes && rx->handoff != NULL; lane++)
		if (sockets[lane] != FG_HANDOFF_NO_RING) {
			struct lcore *to = lane_lcore(p, lane);

			to->inlets[to->n_inlets++] = rx->handoff;
		}
	return rc;
}

static uint64_t handed_over(const void *of)
{
	return fg_source_received(of);
}

static void join_interfaces(struct fg_pipeline *p)
{
	for (uint32_t i = 0; i < p->n_sources; i++) {
		p->interfaces[i].handed_over = handed_over;
		p->interfaces[i].source = p->sources[i];
	}
	for (uint32_t i = 0; i < p->n_sinks; i++)
		p->sinks[i]->interfaces = p->interfaces;
}

/* What sinks write down of the sources. */
static void count_interfaces(struct fg_pipeline *p)
{
	for (uint32_t i = 0; i < p->n_sources; i++) {
		struct fg_sink_interface *interface = &p->interfaces[i];
		struct fg_source_lost lost;

		fg_source_count_lost(p->sources[i], &lost);
		fg_counter_set(&interface->dropped, lost.nic + lost.no_mbuf);
		fg_counter_set(&interface->prefiltered, lost.prefiltered);
		fg_counter_set(&interface->uncounted, lost.nic_unknown);
	}
}

int fg_pipeline_create(const struct fg_pipeline_setup *setup, struct fg_pipeline **out,
		       struct fg_error *error)
{
	const struct fg_pipeline_endpoints *endpoints = &setup->endpoints;
	struct fg_pipeline *p = aligned_alloc(_Alignof(struct fg_pipeline), sizeof(*p));
	int rc;

	if (p == NULL)
		return fg_error_set(error, ENOMEM, "no memory for a pipeline");
	memset(p, 0, sizeof(*p));
	p->n_rx = setup->placement.n_rx;
	p->n_workers = setup->placement.n_workers;
	p->n_lanes = setup->placement.n_lanes;
	p->classify = setup->classify;
	p->n_sources = endpoints->n_sources;
	p->n_sinks = endpoints->n_sinks;
	memcpy(p->sources, endpoints->sources, endpoints->n_sources * sizeof(*endpoints->sources));
	if (endpoints->n_sinks > 0)
		memcpy(p->sinks, endpoints->sinks, endpoints->n_sinks * sizeof(*endpoints->sinks));
	join_interfaces(p);
	fg_clock_init(&p->clock);
	rc = make_qsbr(p, error);
	if (rc == 0)
		rc = make_lcores(p, &setup->placement, error);
	if (rc == 0)
		rc = placement_assign(p, &setup->parse, error);
	if (rc == 0)
		rc = feeds_create(p, setup, error);
	for (uint16_t i = 0; i < p->n_rx && rc == 0; i++)
		rc = make_rings(p, p->lcores[i], &setup->conf, error);
	if (rc != 0) {
		fg_pipeline_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

static void free_lcore(struct lcore *lcore)
{
	fg_handoff_free(lcore->handoff);
	fg_lcore_stats_free(lcore->stats);
	rte_free(lcore);
}

void fg_pipeline_free(struct fg_pipeline *p)
{
	if (p == NULL)
		return;
	ruleset_free(atomic_load_explicit(&p->ruleset, memory_order_relaxed));
	retired_free(p);
	feeds_free(p);
	for (uint16_t i = 0; i < FG_LCORES_MAX && p->lcores[i] != NULL; i++)
		free_lcore(p->lcores[i]);
	rte_free(p->qsbr);
	free(p);
}

/* Only the control thread replaces the set, so it may read it at any time. */
static const struct ruleset *current(const struct fg_pipeline *p)
{
	return atomic_load_explicit(&p->ruleset, memory_order_relaxed);
}

const struct fg_rules *fg_pipeline_rules(const struct fg_pipeline *p)
{
	return current(p) != NULL ? current(p)->rules : NULL;
}

const struct fg_table *fg_pipeline_table(const struct fg_pipeline *p)
{
	return current(p) != NULL ? current(p)->table : NULL;
}

bool fg_pipeline_filter(const struct fg_pipeline *p, uint32_t number,
			struct fg_msg_filter_info *info)
{
	const struct ruleset *set = current(p);

	if (set == NULL || number > set->rules->count || set->actions[number].filter == NULL)
		return false;
	fg_msg_filter_info(set->actions[number].filter, info);
	return true;
}

int fg_pipeline_unmapped(const struct fg_pipeline *p, uint32_t number,
			 char (*names)[FG_SYMBOL_BYTES + 1], uint32_t max, uint32_t *count)
{
	const struct ruleset *set = current(p);

	*count = 0;
	if (set == NULL || number > set->rules->count || set->actions[number].filter == NULL)
		return 0;
	return fg_msg_filter_unmapped(set->actions[number].filter, names, max, count);
}

uint32_t fg_pipeline_rules_version(const struct fg_pipeline *p)
{
	return p->rules_version;
}

static int stop_sinks(struct fg_pipeline *p, uint32_t count, struct fg_error *error)
{
	int first = 0;

	for (uint32_t i = 0; i < count; i++) {
		const int rc = fg_sink_stop(p->sinks[i], error);

		if (first == 0)
			first = rc;
	}
	return first;
}

static void stop_sources(struct fg_pipeline *p, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		p->sources[i]->ops->stop(p->sources[i]);
}

static int start_endpoints(struct fg_pipeline *p, struct fg_error *error)
{
	struct fg_error ignored = {0};
	uint32_t sinks = 0, sources = 0;
	int rc = 0;

	while (rc == 0 && sinks < p->n_sinks) {
		rc = fg_sink_start(p->sinks[sinks], error);
		sinks += rc == 0;
	}
	while (rc == 0 && sources < p->n_sources) {
		rc = p->sources[sources]->ops->start(p->sources[sources], error);
		sources += rc == 0;
	}
	if (rc != 0) {
		stop_sources(p, sources);
		(void)stop_sinks(p, sinks, &ignored);
	}
	return rc;
}

/* Rx lcores stop polling; when none polls, nothing enters the rings, and each lcore ends. */
static void stop_lcores(struct fg_pipeline *p)
{
	atomic_store_explicit(&p->stop, true, memory_order_relaxed);
	for (uint16_t i = 0; i < p->n_rx + p->n_workers; i++)
		rte_eal_wait_lcore(p->lcores[i]->lcore_id);
	wait_quiescent(p);
}

static int launch(struct fg_pipeline *p, struct fg_error *error)
{
	uint16_t n_polling = 0;
	int rc = 0;

	atomic_store_explicit(&p->stop, false, memory_order_relaxed);
	atomic_store_explicit(&p->n_polling, p->n_rx, memory_order_relaxed);
	for (uint16_t i = 0; i < p->n_workers && rc == 0; i++)
		rc = rte_eal_remote_launch(worker_main, p->lcores[p->n_rx + i],
					   p->lcores[p->n_rx + i]->lcore_id);
	for (; n_polling < p->n_rx && rc == 0; n_polling = (uint16_t)(n_polling + (rc == 0)))
		rc = rte_eal_remote_launch(rx_main, p->lcores[n_polling],
					   p->lcores[n_polling]->lcore_id);
	if (rc != 0) {
		atomic_fetch_sub_explicit(&p->n_polling, (uint32_t)p->n_rx - n_polling,
					  memory_order_release);
		stop_lcores(p);
		return fg_error_set(error, -rc, "an lcore does not start: %s", strerror(-rc));
	}
	return 0;
}

int fg_pipeline_start(struct fg_pipeline *p, struct fg_error *error)
{
	struct fg_error ignored = {0};
	int rc;

	if (p->running)
		return fg_error_set(error, EALREADY, "it runs already");
	if (current(p) == NULL)
		return fg_error_set(error, EINVAL, "no rules are published");
	count_interfaces(p);
	rc = start_endpoints(p, error);
	if (rc != 0)
		return rc;
	rc = launch(p, error);
	if (rc != 0) {
		stop_sources(p, p->n_sources);
		(void)stop_sinks(p, p->n_sinks, &ignored);
		return rc;
	}
	p->running = true;
	p->started_ticks = rte_rdtsc();
	return 0;
}

int fg_pipeline_stop(struct fg_pipeline *p, struct fg_error *error)
{
	if (!p->running)
		return 0;
	stop_lcores(p);
	p->ran_ticks += rte_rdtsc() - p->started_ticks;
	p->running = false;
	(void)fg_pipeline_reclaim(p);
	stop_sources(p, p->n_sources);
	count_interfaces(p);
	return stop_sinks(p, p->n_sinks, error);
}

bool fg_pipeline_running(const struct fg_pipeline *p)
{
	return p->running;
}

bool fg_pipeline_ended(const struct fg_pipeline *p)
{
	for (uint32_t i = 0; i < p->n_sources; i++)
		if (!fg_source_ended(p->sources[i]))
			return false;
	return true;
}

void fg_pipeline_tick(struct fg_pipeline *p)
{
	fg_clock_update(&p->clock);
	count_interfaces(p);
	(void)fg_pipeline_reclaim(p);
}

double fg_pipeline_seconds(const struct fg_pipeline *p)
{
	uint64_t ticks = p->ran_ticks;

	if (p->running)
		ticks += rte_rdtsc() - p->started_ticks;
	return (double)ticks / (double)rte_get_tsc_hz();
}

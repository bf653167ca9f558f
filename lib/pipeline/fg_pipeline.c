/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include <fg_log.h>

#include "pipeline.h"

#define WAIT_US 100u /* between checks whether feeds hold packets */

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
	 .help = "ring from one rx lcore to one worker; a power of two"},
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

static int make_lcore(struct fg_pipeline *p, struct lcore *lcore, uint16_t lcore_id, uint16_t lane,
		      uint16_t index, struct fg_error *error)
{
	lcore->pipeline = p;
	lcore->lcore_id = lcore_id;
	lcore->lane = lane;
	lcore->index = index;
	lcore->stats = fg_lcore_stats_alloc();
	return lcore->stats != NULL
		       ? 0
		       : fg_error_set(error, ENOMEM, "no memory for the counters of lcore %u",
				      lcore_id);
}

static int make_lcores(struct fg_pipeline *p, const struct fg_placement *placement,
		       struct fg_error *error)
{
	int rc = 0;

	p->rx = rte_zmalloc(NULL, p->n_rx * sizeof(*p->rx), _Alignof(struct lcore));
	p->workers = rte_zmalloc(NULL, (p->n_workers + 1u) * sizeof(*p->workers),
				 _Alignof(struct lcore));
	if (p->rx == NULL || p->workers == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for %u lcores",
				    p->n_rx + p->n_workers);
	for (uint16_t i = 0; i < p->n_rx && rc == 0; i++)
		rc = make_lcore(p, &p->rx[i], placement->rx[i], i, i, error);
	for (uint16_t i = 0; i < p->n_workers && rc == 0; i++)
		rc = make_lcore(p, &p->workers[i], placement->workers[i], i,
				(uint16_t)(p->n_rx + i), error);
	return rc;
}

static int make_rings(struct fg_pipeline *p, const struct fg_pipeline_conf *conf,
		      struct fg_error *error)
{
	int sockets[FG_WORKERS_MAX];
	int rc = 0;

	for (uint16_t i = 0; i < p->n_workers; i++)
		sockets[i] = (int)rte_lcore_to_socket_id(p->workers[i].lcore_id);
	for (uint16_t i = 0; i < p->n_rx && rc == 0 && p->n_workers > 0; i++)
		rc = fg_handoff_create(i, p->n_workers, (uint32_t)conf->ring_slots, sockets,
				       &p->rx[i].handoff, error);
	return rc;
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
	p->classify = setup->classify;
	p->n_sources = endpoints->n_sources;
	p->n_sinks = endpoints->n_sinks;
	memcpy(p->sources, endpoints->sources, endpoints->n_sources * sizeof(*endpoints->sources));
	if (endpoints->n_sinks > 0)
		memcpy(p->sinks, endpoints->sinks, endpoints->n_sinks * sizeof(*endpoints->sinks));
	fg_clock_init(&p->clock);
	rc = make_qsbr(p, error);
	if (rc == 0)
		rc = make_lcores(p, &setup->placement, error);
	if (rc == 0)
		rc = make_rings(p, &setup->conf, error);
	if (rc == 0)
		rc = placement_assign(p, &setup->parse, error);
	if (rc == 0)
		rc = feeds_create(p, setup, error);
	if (rc != 0) {
		fg_pipeline_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void fg_pipeline_free(struct fg_pipeline *p)
{
	if (p == NULL)
		return;
	for (uint16_t i = 0; p->rx != NULL && i < p->n_rx; i++) {
		fg_handoff_free(p->rx[i].handoff);
		fg_lcore_stats_free(p->rx[i].stats);
	}
	for (uint16_t i = 0; p->workers != NULL && i < p->n_workers; i++)
		fg_lcore_stats_free(p->workers[i].stats);
	ruleset_free(atomic_load_explicit(&p->ruleset, memory_order_relaxed));
	feeds_free(p);
	rte_free(p->rx);
	rte_free(p->workers);
	rte_free(p->qsbr);
	free(p);
}

/*
 * Wait until each running lcore has reported a quiescent state or is offline. These inline
 * functions and not rte_rcu_qsbr_synchronize(), because ThreadSanitizer cannot see into the
 * library.
 */
static void wait_quiescent(const struct fg_pipeline *p)
{
	const uint64_t token = rte_rcu_qsbr_start(p->qsbr);

	(void)rte_rcu_qsbr_check(p->qsbr, token, true);
}

/* The longest hold_us of all feeds; 0: none holds. */
static uint64_t longest_hold_us(const struct fg_pipeline *p)
{
	uint64_t longest_us = 0;

	for (uint32_t i = 0; i < p->n_feeds; i++)
		if (p->feeds[i] != NULL &&
		    fg_feed_conf(p->feeds[i])->reorder == FG_FEED_REORDER_HOLD)
			longest_us = RTE_MAX(longest_us, fg_feed_conf(p->feeds[i])->hold_us);
	return longest_us;
}

/*
 * Wait until feeds have released all packets that they held when this was called: they hold none,
 * or the longest hold_us has passed and every lcore has run feeds_tick() since.
 */
static void wait_held(const struct fg_pipeline *p)
{
	const uint64_t slack_us = 2000; /* for a clock that steps back a little */
	const uint64_t longest_us = longest_hold_us(p);

	if (longest_us == 0)
		return;
	for (uint64_t us = 0; us < longest_us + slack_us && feeds_hold(p); us += WAIT_US)
		usleep(WAIT_US);
	/* Twice: the first turn to end may have read the time before. */
	wait_quiescent(p);
	usleep(2 * TICK_US);
	wait_quiescent(p);
}

/*
 * Wait until no worker uses a message filter of the old set: each must have taken and processed the
 * packets that were in its rings.
 */
static void wait_rings(const struct fg_pipeline *p)
{
	for (uint16_t rx = 0; rx < p->n_rx && p->running; rx++)
		for (uint16_t worker = 0; worker < p->n_workers; worker++) {
			const uint64_t mark = fg_handoff_mark(p->rx[rx].handoff, worker);

			while (!fg_handoff_passed(p->rx[rx].handoff, worker, mark))
				rte_pause();
		}
	wait_quiescent(p);
	if (p->running)
		wait_held(p);
}

int fg_pipeline_publish(struct fg_pipeline *p, struct fg_rules *rules, struct fg_error *error)
{
	struct ruleset *set, *old;
	int rc = ruleset_build(p, rules, &set, error);

	if (rc != 0)
		return rc;
	set->rules_version = ++p->rules_version;
	old = atomic_exchange_explicit(&p->ruleset, set, memory_order_acq_rel);
	wait_quiescent(p);
	if (old != NULL && old->filters != NULL)
		wait_rings(p);
	ruleset_free(old);
	return 0;
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

static void stop_lcores(struct fg_pipeline *p)
{
	atomic_store_explicit(&p->stop_rx, true, memory_order_relaxed);
	for (uint16_t i = 0; i < p->n_rx; i++)
		rte_eal_wait_lcore(p->rx[i].lcore_id);
	/* The rx lcores have returned: nothing more enters the rings. Partner: worker_main(). */
	atomic_store_explicit(&p->stop_workers, true, memory_order_release);
	for (uint16_t i = 0; i < p->n_workers; i++)
		rte_eal_wait_lcore(p->workers[i].lcore_id);
	wait_quiescent(p);
}

static int launch(struct fg_pipeline *p, struct fg_error *error)
{
	int rc = 0;

	atomic_store_explicit(&p->stop_rx, false, memory_order_relaxed);
	atomic_store_explicit(&p->stop_workers, false, memory_order_relaxed);
	for (uint16_t i = 0; i < p->n_workers && rc == 0; i++)
		rc = rte_eal_remote_launch(worker_main, &p->workers[i], p->workers[i].lcore_id);
	for (uint16_t i = 0; i < p->n_rx && rc == 0; i++)
		rc = rte_eal_remote_launch(rx_main, &p->rx[i], p->rx[i].lcore_id);
	if (rc != 0) {
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
	stop_sources(p, p->n_sources);
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
}

double fg_pipeline_seconds(const struct fg_pipeline *p)
{
	uint64_t ticks = p->ran_ticks;

	if (p->running)
		ticks += rte_rdtsc() - p->started_ticks;
	return (double)ticks / (double)rte_get_tsc_hz();
}

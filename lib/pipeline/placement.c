/* SPDX-License-Identifier: MIT */
/* Assign lcores to jobs and queues to lcores, close to the device. */
#include <errno.h>
#include <limits.h>
#include <numa.h>
#include <stdio.h>

#include <rte_lcore.h>

#include <fg_log.h>

#include "pipeline.h"

static int too_few(unsigned int have, unsigned int need, struct fg_error *error)
{
	return fg_error_set(error, EINVAL,
			    "EAL has %u lcores besides the main one, %u are needed: give more with "
			    "-l, or share CPUs, e.g. --lcores '0@0,1@0,2@1'",
			    have, need);
}

int fg_placement_make(const struct fg_pipeline_conf *conf, unsigned int n_queues,
		      struct fg_placement *out, struct fg_error *error)
{
	uint16_t ids[FG_LCORES_MAX] = {0};
	unsigned int n = 0;
	const unsigned int n_workers = (unsigned int)conf->workers;

	/* As RTE_LCORE_FOREACH_WORKER, which converts -1. */
	for (unsigned int lcore = rte_get_next_lcore(UINT_MAX, 1, 0);
	     lcore < RTE_MAX_LCORE && n < FG_LCORES_MAX; lcore = rte_get_next_lcore(lcore, 1, 0))
		ids[n++] = (uint16_t)lcore;
	if (n < n_workers + 1)
		return too_few(n, n_workers + 1, error);
	*out = (struct fg_placement){.n_workers = (uint16_t)n_workers};
	out->n_rx = (uint16_t)(n - n_workers);
	if (n_queues > 0 && n_queues < out->n_rx)
		out->n_rx = (uint16_t)n_queues;
	out->n_lanes = n_workers > 0 ? out->n_workers : out->n_rx;
	for (uint16_t i = 0; i < out->n_rx; i++)
		out->rx[i] = ids[i];
	for (uint16_t i = 0; i < out->n_workers; i++)
		out->workers[i] = ids[n - n_workers + i];
	return 0;
}

/* EAL's id of the lcore of a lane: the workers first, then the rx lcores. */
static uint16_t lane_id(const struct fg_placement *placement, uint16_t lane)
{
	return lane < placement->n_workers ? placement->workers[lane]
					   : placement->rx[lane - placement->n_workers];
}

int fg_placement_socket(const struct fg_placement *placement, uint16_t lane)
{
	return (int)rte_lcore_to_socket_id(lane_id(placement, lane));
}

/* The lane of the lcore that @p feed names. */
static int find_lane(const struct fg_placement *placement, const struct fg_feed_conf *feed,
		     uint8_t *lane, struct fg_error *error)
{
	const uint16_t n = (uint16_t)(placement->n_workers + placement->n_rx);
	char list[FG_LCORES_MAX * 8] = "";
	size_t used = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (lane_id(placement, i) == feed->lcore) {
			*lane = (uint8_t)i;
			return 0;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%u",
					 i == 0       ? ""
					 : i < n - 1u ? ", "
						      : " or ",
					 lane_id(placement, i));
	}
	return fg_error_set(error, EINVAL,
			    "feed %s: lcore: %lu is neither a worker nor an rx lcore: expected %s",
			    feed->name, (unsigned long)feed->lcore, list);
}

/* The lane with the fewest feeds; of several, the first. */
static uint8_t emptiest(const uint32_t *n_feeds, uint16_t n_lanes)
{
	uint16_t best = 0;

	for (uint16_t i = 1; i < n_lanes; i++)
		if (n_feeds[i] < n_feeds[best])
			best = i;
	return (uint8_t)best;
}

int fg_placement_feeds(struct fg_placement *placement, const struct fg_feed_conf *const *feeds,
		       uint32_t n_feeds, uint8_t *owners, struct fg_error *error)
{
	const uint16_t n_auto = placement->n_workers > 0 ? placement->n_workers : placement->n_rx;
	uint32_t load[FG_LCORES_MAX] = {0};

	for (uint32_t i = 0; i < n_feeds; i++) {
		if (feeds[i]->lcore == FG_FEED_LCORE_AUTO)
			continue;
		if (find_lane(placement, feeds[i], &owners[i], error) != 0)
			return -EINVAL;
		load[owners[i]]++;
		if (owners[i] >= placement->n_lanes)
			placement->n_lanes = (uint16_t)(placement->n_workers + placement->n_rx);
	}
	for (unsigned int bare = 0; bare < 2; bare++)
		for (uint32_t i = 0; i < n_feeds; i++)
			if (feeds[i]->lcore == FG_FEED_LCORE_AUTO &&
			    (feeds[i]->protocol == NULL) == (bare != 0)) {
				owners[i] = emptiest(load, n_auto);
				load[owners[i]]++;
			}
	return 0;
}

static int distance(int from, int to)
{
	if (from < 0 || to < 0 || from == to || numa_available() < 0)
		return 0;
	return numa_distance(from, to);
}

/* The nearest lcore to @p socket; of several, the one with the fewest queues. */
static struct lcore *nearest(struct fg_pipeline *pipeline, int socket)
{
	struct lcore *best = NULL;
	int best_distance = INT_MAX;

	for (uint16_t i = 0; i < pipeline->n_rx; i++) {
		struct lcore *lcore = pipeline->lcores[i];
		const int d = distance((int)rte_lcore_to_socket_id(lcore->lcore_id), socket);

		if (best == NULL || d < best_distance ||
		    (d == best_distance && lcore->n_queues < best->n_queues)) {
			best = lcore;
			best_distance = d;
		}
	}
	return best;
}

static int assign_queue(struct fg_pipeline *pipeline, struct fg_source *source, uint16_t queue,
			const struct fg_parse_conf *parse, struct fg_error *error)
{
	struct lcore *lcore = nearest(pipeline, source->socket_id);
	const int socket = (int)rte_lcore_to_socket_id(lcore->lcore_id);
	enum fg_isa isa;

	if (fg_isa_find(fg_isa_options[pipeline->classify.variant], &isa, error) != 0)
		return -ENOTSUP;
	if (lcore->n_queues == FG_SOURCE_QUEUES_MAX)
		return fg_error_set(error, EINVAL, "lcore %u: at most %u queues fit one lcore",
				    lcore->lcore_id, FG_SOURCE_QUEUES_MAX);
	if (distance(socket, source->socket_id) > 0)
		fg_log(WARNING,
		       "source %s queue %u is on NUMA node %d, its lcore %u on node %d: give EAL "
		       "an "
		       "lcore of node %d",
		       source->name, queue, source->socket_id, lcore->lcore_id, socket,
		       source->socket_id);
	lcore->queues[lcore->n_queues++] = (struct rx_queue){
		.source = source,
		.queue = queue,
		.timed = source->ops->timed,
		.parse = {.conf = *parse,
			  .source = source->index,
			  .line = source->line,
			  .uncomputed = source->uncomputed,
			  .isa = isa},
	};
	return 0;
}

int placement_assign(struct fg_pipeline *pipeline, const struct fg_parse_conf *parse,
		     struct fg_error *error)
{
	for (uint32_t s = 0; s < pipeline->n_sources; s++)
		for (uint16_t q = 0; q < pipeline->sources[s]->n_queues; q++) {
			const int rc =
				assign_queue(pipeline, pipeline->sources[s], q, parse, error);

			if (rc != 0)
				return rc;
		}
	return 0;
}

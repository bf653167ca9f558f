/* SPDX-License-Identifier: MIT */
/* Assign lcores to jobs and queues to lcores, close to the device. */
#include <errno.h>
#include <limits.h>
#include <numa.h>

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
		struct lcore *lcore = &pipeline->rx[i];
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

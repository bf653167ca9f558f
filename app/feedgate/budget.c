/* SPDX-License-Identifier: MIT */
/*
 * A rule can send any source's packets to any sink, so the source with the fewest mbufs decides.
 * Only sinks that hold packets have a budget.
 */
#include "budget.h"

#include <errno.h>
#include <inttypes.h>

#include <rte_common.h>

#include <fg_burst.h>
#include <fg_log.h>

#include "app.h"

#define ALL_MAX_PERCENT 75u /* Of a source's mbufs: all sinks together. */

/* The source with the fewest mbufs for packets in flight. */
static const struct fg_source *smallest(const struct app *app)
{
	const struct fg_source *least = &app->sources[0]->source;

	for (uint32_t i = 1; i < app->n_sources; i++)
		if (app->sources[i]->source.spare < least->spare)
			least = &app->sources[i]->source;
	return least;
}

/* What packets of all sources can take, if all wait for mbufs without loss; else 0. */
static uint64_t sum_waiting(const struct app *app)
{
	uint64_t mbufs = 0;

	for (uint32_t i = 0; i < app->n_sources; i++) {
		if (!app->sources[i]->source.ops->waits)
			return 0;
		mbufs += app->sources[i]->source.mbufs;
	}
	return mbufs;
}

/* One sink at its limit is what the budget is for; several at once may be too many. */
static void check_all(const struct app *app, uint32_t n_holding, const struct fg_source *source)
{
	const uint64_t percent = n_holding * app->pipeline_conf.sink_budget;
	uint64_t feeds = 0;

	for (uint32_t i = 0; i < app->n_feeds; i++)
		if (app->feeds[i]->conf.reorder == FG_FEED_REORDER_HOLD)
			feeds += app->feeds[i]->conf.hold_packets;
	if (n_holding > 1 && percent > ALL_MAX_PERCENT)
		fg_log(WARNING,
		       "pipeline: sink_budget: %" PRIu64
		       ": if all %u sinks that hold packets stall, none may be left for others; "
		       "expected at most %u",
		       app->pipeline_conf.sink_budget, n_holding, ALL_MAX_PERCENT / n_holding);
	if (feeds > source->spare / 2)
		fg_log(WARNING,
		       "feeds: hold_packets: %" PRIu64
		       " in all feeds, but source %s has %u mbufs for packets in flight; expected "
		       "at most half of that",
		       feeds, source->name, source->spare);
}

int budget_set(struct app *app, struct fg_error *error)
{
	const uint16_t n_lanes = app->placement.n_lanes;
	const struct fg_source *source = smallest(app);
	const uint64_t waiting = sum_waiting(app);
	const uint32_t hold_max = (uint32_t)(source->spare * app->pipeline_conf.sink_budget / 100);
	const uint32_t needed = n_lanes * FG_BURST_MAX;
	uint32_t n_holding = 0;

	for (uint32_t i = 0; i < app->n_sinks; i++) {
		struct fg_sink *sink = &app->sinks[i]->sink;

		sink->n_lanes = n_lanes;
		if (!sink->ops->holds)
			continue;
		n_holding++;
		sink->hold_max = RTE_MAX(hold_max, 1u);
		sink->hold_working =
			(uint32_t)RTE_MAX(RTE_MIN(waiting, UINT32_MAX), sink->hold_max);
		if (waiting == 0 && hold_max < needed)
			return fg_error_set(
				error, EINVAL,
				"sink %s: may hold %u mbufs, %" PRIu64
				" %% (pipeline: sink_budget) of the %u that source %s has for "
				"packets in flight, but %u lcores need at least %u: raise mbufs",
				sink->name, hold_max, app->pipeline_conf.sink_budget, source->spare,
				source->name, n_lanes, needed);
	}
	if (waiting == 0)
		check_all(app, n_holding, source);
	return 0;
}

void budget_watch(struct app *app)
{
	for (uint32_t i = 0; i < app->n_sinks; i++)
		if (app->sinks[i]->open)
			fg_sink_watch(&app->sinks[i]->sink);
}

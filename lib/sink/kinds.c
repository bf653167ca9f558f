/* SPDX-License-Identifier: MIT */
#include "kinds.h"

#include <string.h>

#define SINK_KIND_ADDRESS(name) &fg_sink_##name,

const struct fg_sink_ops *const fg_sink_kinds[] = {SINK_KINDS(SINK_KIND_ADDRESS) NULL};

const struct fg_sink_ops *fg_sink_kind(const char *name)
{
	for (unsigned int i = 0; fg_sink_kinds[i] != NULL; i++)
		if (strcmp(fg_sink_kinds[i]->name, name) == 0)
			return fg_sink_kinds[i];
	return NULL;
}

int fg_sink_open(struct fg_sink *sink, const void *conf, struct fg_error *error)
{
	return sink->ops->open != NULL ? sink->ops->open(sink, conf, error) : 0;
}

int fg_sink_start(struct fg_sink *sink, struct fg_error *error)
{
	return sink->ops->start != NULL ? sink->ops->start(sink, error) : 0;
}

int fg_sink_stop(struct fg_sink *sink, struct fg_error *error)
{
	return sink->ops->stop != NULL ? sink->ops->stop(sink, error) : 0;
}

void fg_sink_close(struct fg_sink *sink)
{
	if (sink->ops->close != NULL)
		sink->ops->close(sink);
}

void fg_sink_watch(struct fg_sink *sink)
{
	if (sink->ops->watch != NULL)
		sink->ops->watch(sink);
}

void fg_sink_totals(const struct fg_sink *sink, struct fg_sink_totals *totals)
{
	/* Read first: a packet is lost at once, and counted as taken a moment later. */
	const uint64_t evicted = fg_counter_read(&sink->evicted.packets);
	const uint64_t evicted_bytes = fg_counter_read(&sink->evicted.bytes);
	const uint64_t lost = fg_counter_read(&sink->lost.packets);
	const uint64_t lost_bytes = fg_counter_read(&sink->lost.bytes);

	*totals = (struct fg_sink_totals){.failed = lost, .full = evicted};
	for (uint16_t lane = 0; lane < sink->n_lanes; lane++) {
		totals->packets += fg_counter_read(&sink->lanes[lane].taken.packets);
		totals->bytes += fg_counter_read(&sink->lanes[lane].taken.bytes);
		totals->full += fg_counter_read(&sink->lanes[lane].refused);
	}
	totals->dropped = totals->full + totals->failed;
	totals->packets -= RTE_MIN(lost + evicted, totals->packets);
	totals->bytes -= RTE_MIN(lost_bytes + evicted_bytes, totals->bytes);
	if (sink->ops->held != NULL && sink->priv != NULL)
		totals->held = sink->ops->held(sink);
}

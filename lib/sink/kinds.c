/* SPDX-License-Identifier: MIT */
#include "kinds.h"

#include <string.h>

#include <fg_sink.h>

const struct fg_sink_ops *const fg_sink_kinds[] = {
	&fg_sink_count, &fg_sink_pcapng, &fg_sink_port, &fg_sink_records, NULL,
};

const struct fg_sink_ops *fg_sink_kind(const char *name)
{
	for (unsigned int i = 0; fg_sink_kinds[i] != NULL; i++)
		if (strcmp(fg_sink_kinds[i]->name, name) == 0)
			return fg_sink_kinds[i];
	return NULL;
}

void fg_sink_totals(const struct fg_sink *sink, struct fg_sink_totals *totals)
{
	const uint64_t lost = fg_counter_read(&sink->lost.packets);

	totals->packets = fg_counter_read(&sink->recorded.packets);
	totals->bytes = fg_counter_read(&sink->recorded.bytes);
	totals->dropped = lost;
	for (uint16_t lane = 0; lane < sink->n_lanes; lane++) {
		totals->packets += fg_counter_read(&sink->lanes[lane].taken.packets);
		totals->bytes += fg_counter_read(&sink->lanes[lane].taken.bytes);
		totals->dropped += fg_counter_read(&sink->lanes[lane].refused);
	}
	totals->packets -= lost;
	totals->bytes -= fg_counter_read(&sink->lost.bytes);
}

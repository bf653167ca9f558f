/* SPDX-License-Identifier: MIT */
#include "pcapng_counts.h"

#include <string.h>
#include <time.h>

static uint64_t utc_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t dropped_by(const struct fg_sink *sink, uint16_t source)
{
	return sink->interfaces != NULL ? fg_counter_read(&sink->interfaces[source].dropped) : 0;
}

/* All that arrived at the interface, also what it dropped. */
static uint64_t received_by(const struct fg_sink *sink, uint16_t source)
{
	const struct fg_sink_interface *interface;

	if (sink->interfaces == NULL)
		return 0;
	interface = &sink->interfaces[source];
	return interface->handed_over(interface->source) + dropped_by(sink, source) +
	       fg_counter_read(&interface->prefiltered);
}

void pcapng_counts_begin(struct pcapng_counts *counts, const struct fg_sink *sink)
{
	memset(counts, 0, sizeof(*counts));
	counts->begin_ns = utc_ns();
	for (uint16_t i = 0; i < sink->n_sources; i++) {
		counts->received[i] = received_by(sink, i);
		counts->dropped[i] = dropped_by(sink, i);
	}
}

struct pcapng_statistics pcapng_counts_get(const struct pcapng_counts *counts,
					   const struct fg_sink *sink, uint16_t source)
{
	struct pcapng_statistics statistics = {
		.begin_ns = counts->begin_ns,
		.time_ns = utc_ns(),
		.accepted = counts->taken[source],
		.delivered = counts->delivered[source],
	};

	statistics.accepted += fg_counter_read(&counts->evicted.by_source[source]);
	for (uint16_t lane = 0; lane < sink->n_lanes; lane++)
		statistics.accepted += fg_counter_read(&counts->refused[lane].by_source[source]);
	if (sink->interfaces == NULL)
		return statistics;
	statistics.has_received = true;
	statistics.received = received_by(sink, source) - counts->received[source];
	statistics.has_dropped = fg_counter_read(&sink->interfaces[source].uncounted) == 0;
	statistics.dropped = dropped_by(sink, source) - counts->dropped[source];
	return statistics;
}

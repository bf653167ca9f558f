/* SPDX-License-Identifier: MIT */
/* What a pcapng sink counts of each source, for the statistics in its files. */
#ifndef PCAPNG_COUNTS_H
#define PCAPNG_COUNTS_H

#include <stdint.h>

#include <fg_sink.h>

#include "pcapng_block.h"

#define PCAPNG_SOURCES_MAX (UINT8_MAX + 1u)

/* Packets that one lane had no room for, written by its lcore; or that were given up. */
struct pcapng_refused {
	struct fg_counter by_source[PCAPNG_SOURCES_MAX];
} __attribute__((aligned(128)));

/* By source. All but `refused` and `evicted` is the writer's while it runs, else control's. */
struct pcapng_counts {
	uint64_t taken[PCAPNG_SOURCES_MAX];     /* packets since begin */
	uint64_t delivered[PCAPNG_SOURCES_MAX]; /* of these, written or in the buffer */
	uint64_t received[PCAPNG_SOURCES_MAX];  /* what the interfaces had counted at begin */
	uint64_t dropped[PCAPNG_SOURCES_MAX];
	uint64_t begin_ns; /* since 1970 */
	struct pcapng_refused refused[FG_SINK_LANES_MAX];
	struct pcapng_refused evicted; /* given up when the sink stalled; written by control */
};

/* A capture begins: count from here. No lane puts. Threads: control. */
void pcapng_counts_begin(struct pcapng_counts *counts, const struct fg_sink *sink);

/* The statistics of a source at this moment. */
struct pcapng_statistics pcapng_counts_get(const struct pcapng_counts *counts,
					   const struct fg_sink *sink, uint16_t source);

#endif /* PCAPNG_COUNTS_H */

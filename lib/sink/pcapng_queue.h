/* SPDX-License-Identifier: MIT */
/*
 * The packets that wait for a pcapng sink's writer: a ring per lane, with a limit.
 *
 * A stalled writer (a pipe that nobody reads, a hung disk) keeps what is in the rings for as long
 * as it likes, so the limit is what keeps packets for all others: see fg_sink.hold_max. Packets in
 * a kernel's ring are copied: a single one that stays would stop that ring.
 */
#ifndef PCAPNG_QUEUE_H
#define PCAPNG_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <fg_error.h>
#include <fg_sink.h>

#include "pcapng_counts.h"

#define PCAPNG_BATCH_MAX   256u
#define PCAPNG_SLOTS_MAX   (1u << 24)
#define PCAPNG_SLOTS_PLAIN 65536u /* Without a limit of the sink, if the user gives none. */

/* One lane. A packet counts as the mbufs that it consists of. */
struct pcapng_lane {
	struct rte_ring *ring; /* The lane puts; the writer and control take. */
	struct fg_counter put; /* Mbufs; written by the lane. */
	/* Mbufs freed; written by the writer and control. */
	_Atomic uint64_t freed __attribute__((aligned(128)));
} __attribute__((aligned(128)));

struct pcapng_queue {
	/* Set by open, then read-only. */
	struct pcapng_lane *lanes; /* [n_lanes] */
	uint16_t n_lanes;
	uint32_t batch;       /* Packets taken at once. */
	uint32_t stalled_max; /* Mbufs that a lane may hold while the writer stalls, ... */
	uint32_t working_max; /* ... and else: more only if the sources can wait. */
	uint64_t wait_ticks;  /* The writer stalls once it freed nothing for so long. */

	_Atomic uint32_t limit;  /* One of these two. Written by control, read by lanes. */
	_Atomic uint64_t rounds; /* Times that the writer freed packets; written by it. */

	/* Only control uses these. */
	uint64_t seen;        /* Value of rounds ... */
	uint64_t since_ticks; /* ... since this time. */
	bool stalled;
};

/*
 * Create the rings. @slots: as configured, for each lane; 0: as many as sink->hold_max allows.
 * 0 or -errno; then pcapng_queue_close() is still to be called. Control.
 */
int pcapng_queue_open(struct pcapng_queue *q, const struct fg_sink *sink, uint32_t slots,
		      uint64_t wait_ms);

/* As fg_sink_ops.put. Hot. */
uint16_t pcapng_queue_put(struct pcapng_queue *q, uint16_t lane, struct rte_mbuf **pkts,
			  uint16_t count);

/* Take up to q->batch packets of a lane. The writer's. */
unsigned int pcapng_queue_take(struct pcapng_queue *q, uint16_t lane,
			       struct rte_mbuf *pkts[PCAPNG_BATCH_MAX]);

/*
 * A packet that was taken of a lane counts as freed from here on. The writer frees it by itself, or
 * keeps it for a while: only a few at a time, since these are beyond the limit. The writer's.
 */
void pcapng_queue_pass(struct pcapng_queue *q, uint16_t lane, const struct rte_mbuf *pkt);

/* Free what was taken of a lane. The writer's. */
void pcapng_queue_free(struct pcapng_queue *q, uint16_t lane, struct rte_mbuf **pkts,
		       unsigned int count);

/*
 * Look whether the writer takes packets; while it does not, drop those beyond the limit, and count
 * them in @evicted. Called a few times a second while the writer runs. Control.
 */
void pcapng_queue_watch(struct pcapng_queue *q, struct fg_sink *sink,
			struct pcapng_refused *evicted);

/* The writer starts: it does not stall. Control. */
void pcapng_queue_restart(struct pcapng_queue *q);

/* Mbufs in the rings, and in the writer's hands. Control. */
uint32_t pcapng_queue_held(const struct pcapng_queue *q);

/* Free the rings, which are empty. Control. */
void pcapng_queue_close(struct pcapng_queue *q);

#endif /* PCAPNG_QUEUE_H */

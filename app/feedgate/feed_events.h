/* SPDX-License-Identifier: MIT */
/* Events of feeds in the program, and the losses that explain them: see feeds_watch.h. */
#ifndef FEED_EVENTS_H
#define FEED_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_arbiter.h>

#include "app.h"

#define EVENTS_KEPT  1024u
#define LOSS_SAMPLES 1024u /* at 5 a second the last 200 s */

/* Where this machine loses packets. The places before LOSS_SINK can be the cause of a gap. */
enum loss_place { LOSS_NIC, LOSS_NO_MBUF, LOSS_ERRORS, LOSS_RING, LOSS_SINK, LOSS_PLACES };

/* Who lost the packets of a gap: 0 (the event is no gap), a place + 1, or one of these. */
enum {
	BLAME_NETWORK = LOSS_SINK + 1, /* nothing was lost here: the network, or the exchange */
	BLAME_UNKNOWN, /* a source of the feed cannot count its losses, or no sample is so old */
};

/* All counters of losses at one moment. */
struct loss_sample {
	uint64_t time_ns;
	uint64_t ring, sink;
	struct fg_source_lost sources[FG_SOURCES_MAX];
	uint64_t received[FG_SOURCES_MAX]; /* packets */
};

struct losses {
	struct loss_sample at[LOSS_SAMPLES];
	uint64_t count; /* ever taken; the last is at[(count - 1) % LOSS_SAMPLES] */
};

/* An event, and what this machine lost in its time. */
struct feed_event {
	struct fg_arbiter_event event;
	uint64_t lost[LOSS_PLACES]; /* packets */
	bool nic_unknown;           /* a source of the feed cannot count lost[LOSS_NIC] */
	uint8_t blame;              /* 0, a place + 1, or BLAME_... */
	uint32_t feed;              /* index */
	uint32_t order;             /* in its batch */
};

struct feeds_watch {
	struct losses losses;
	struct feed_event kept[EVENTS_KEPT];
	uint64_t n_events; /* ever; the last is kept[(n_events - 1) % EVENTS_KEPT] */
	struct feed_event *batch;
	uint64_t sources[FEEDS_MAX]; /* by feed: bit i: source i may carry it */
	uint32_t rules_version;      /* that sources[] was made for; 0: none */
	uint32_t next_feed;          /* the next round begins with this one */
	uint64_t log_second_ns;      /* when the present second of log lines began */
	uint32_t n_logged, n_unlogged;
	uint64_t events_lost; /* of all feeds, as last logged */
};

/* Can packets lost here be the cause of such an event? */
static inline bool event_is_gap(const struct fg_arbiter_event *event)
{
	return event->kind <= FG_ARBITER_GAP_FILLED_LATE || event->kind == FG_ARBITER_JUMP_ACCEPTED;
}

#endif /* FEED_EVENTS_H */

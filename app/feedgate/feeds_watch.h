/* SPDX-License-Identifier: MIT */
/*
 * What the files about feeds' events share. Control thread only.
 *
 *   feeds_watch.c   takes events, keeps them, logs, gives records to sinks
 *   feeds_loss.c    what we lost meanwhile, and where
 *   feeds_record.c  an event as a line of JSON
 *   feeds_gaps.c    events for people
 */
#ifndef FEEDS_WATCH_H
#define FEEDS_WATCH_H

#include "app.h"

#define EVENTS_KEPT 1024u
#define SAMPLES     1024u /* at 5 a second the last 200 s */

/* Where packets are lost. Those before LOSS_SINK can be why a feed has a gap. */
enum loss_place { LOSS_NIC, LOSS_NO_MBUF, LOSS_ERRORS, LOSS_RING, LOSS_SINK, LOSS_PLACES };

/* told.blame: 0, a place + 1, or one of these. */
enum {
	BLAME_NETWORK = LOSS_SINK + 1, /* we lost nothing: the network did, or the exchange */
	BLAME_UNKNOWN,                 /* it began before our memory of losses does */
};

/* Every counter of losses at one moment. */
struct loss_sample {
	uint64_t time_ns;
	uint64_t ring, sink;
	struct fg_source_lost sources[FG_SOURCES_MAX];
};

struct losses {
	struct loss_sample at[SAMPLES];
	uint64_t count; /* ever taken; the last is at[(count - 1) % SAMPLES] */
};

/* An event and what we lost in its time. */
struct told {
	struct fg_arbiter_event event;
	uint64_t lost[LOSS_PLACES];
	uint32_t feed;
	uint32_t order; /* in its batch */
	uint8_t blame;  /* a place + 1, or BLAME_...; 0: no gap */
};

struct feeds_watch {
	struct losses losses;
	struct told kept[EVENTS_KEPT];
	uint64_t n_kept; /* ever; the last is kept[(n_kept - 1) % EVENTS_KEPT] */
	struct told *batch;
	uint64_t sources[FEEDS_MAX]; /* by feed: bit i: source i may carry it */
	uint32_t rules_version;      /* of the rules that say so; 0: nothing is known */
	uint32_t next_feed;          /* where the next round begins */
	uint64_t log_second_ns;      /* when the present second of log lines began */
	uint32_t n_logged, n_unlogged;
	uint64_t events_lost; /* of all feeds, as last told */
};

/* Are losses of ours a reason for events of this kind? */
bool event_is_gap(const struct fg_arbiter_event *event);

/* feeds_loss.c: note all counters as they are now. */
void losses_take(struct app *app);
/* Set lost and blame. A sample was taken since it came. */
void losses_attribute(struct app *app, struct told *told);
const char *loss_place_name(enum loss_place place);
const char *blame_name(uint8_t blame);

/* feeds_record.c: the record's length; @p text has its newline. */
#define RECORD_BYTES 2048u
size_t record_make(const struct app *app, const struct told *told, char text[RECORD_BYTES]);
/* Its characters if it has only such, else 0x and its bytes; empty: it has none. */
#define SESSION_TEXT_BYTES (2 * FG_SESSION_BYTES + 3)
const char *session_text(const uint8_t session[FG_SESSION_BYTES], char text[SESSION_TEXT_BYTES]);
/* 2024-03-15T13:30:00.123456789Z */
#define TIME_TEXT_BYTES 40u
const char *time_text(uint64_t time_ns, char text[TIME_TEXT_BYTES]);

#endif /* FEEDS_WATCH_H */

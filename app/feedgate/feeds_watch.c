/* SPDX-License-Identifier: MIT */
#include "feeds_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fg_log.h>

#include "app.h"
#include "event_json.h"
#include "event_log.h"
#include "feed_events.h"
#include "feeds.h"
#include "feeds_loss.h"

#define BATCH      4096u
#define ROUNDS_MAX 64u /* events may come faster than they are written */
#define LOGS_PER_S 5u
#define SECOND_NS  UINT64_C(1000000000)

int feeds_watch_open(struct app *app, struct fg_error *error)
{
	bool any = false;

	for (uint32_t i = 0; i < app->n_feeds; i++)
		any = any ||
		      (app->feeds[i]->feed != NULL && fg_feed_arbiter(app->feeds[i]->feed) != NULL);
	if (!any)
		return 0;
	app->watch = calloc(1, sizeof(*app->watch));
	if (app->watch != NULL)
		app->watch->batch = calloc(BATCH, sizeof(*app->watch->batch));
	if (app->watch == NULL || app->watch->batch == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the events of %u feeds",
				    app->n_feeds);
	losses_take(app);
	return 0;
}

void feeds_watch_free(struct app *app)
{
	if (app->watch != NULL)
		free(app->watch->batch);
	free(app->watch);
	app->watch = NULL;
}

/* Take new events, as many as fit. Rounds begin with another feed, so that each gets its turn. */
static uint32_t take_events(const struct app *app, struct feeds_watch *watch)
{
	struct fg_arbiter_event events[64];
	uint32_t n = 0;

	for (uint32_t i = 0; i < app->n_feeds; i++) {
		const uint32_t f = (watch->next_feed + i) % app->n_feeds;
		const struct fg_feed *feed = app->feeds[f]->feed;
		struct fg_arbiter *arbiter = feed != NULL ? fg_feed_arbiter(feed) : NULL;
		unsigned int got;

		if (arbiter == NULL)
			continue;
		do {
			const uint32_t room = BATCH - n < 64 ? BATCH - n : 64;

			got = fg_arbiter_events(arbiter, events, room);
			for (unsigned int e = 0; e < got; e++, n++)
				watch->batch[n] = (struct feed_event){
					.event = events[e], .feed = f, .order = n};
		} while (got > 0 && n < BATCH);
		if (n == BATCH) {
			watch->next_feed = f + 1;
			break;
		}
	}
	return n;
}

static int by_time(const void *a, const void *b)
{
	const struct feed_event *left = a, *right = b;

	if (left->event.time_ns != right->event.time_ns)
		return left->event.time_ns < right->event.time_ns ? -1 : 1;
	return (left->order > right->order) - (left->order < right->order);
}

static void record(const struct app *app, const struct feed_event *e)
{
	struct event_log *log = feeds_events(app, app->feeds[e->feed]);
	char text[EVENT_JSON_BYTES];
	size_t bytes;

	if (log == NULL)
		return;
	bytes = event_json_make(app, e, text);
	(void)event_log_write(log, text, bytes); /* It counts and logs what is lost. */
}

/* One of a few lines a second? */
static bool may_log(struct feeds_watch *watch)
{
	if (watch->n_logged < LOGS_PER_S) {
		watch->n_logged++;
		return true;
	}
	watch->n_unlogged++;
	return false;
}

static void log_event(const struct app *app, struct feeds_watch *watch, const struct feed_event *e)
{
	const struct fg_arbiter_event *event = &e->event;
	const char *name = app->feeds[e->feed]->conf.name;
	char session[SESSION_TEXT_BYTES];

	if (event->kind != FG_ARBITER_GAP_UNFILLED && event->kind != FG_ARBITER_SILENT &&
	    event->kind != FG_ARBITER_BACK)
		return;
	if (!may_log(watch))
		return;
	if (event->kind == FG_ARBITER_GAP_UNFILLED)
		fg_log(WARNING,
		       "feed %s: %" PRIu64 " missing, numbers %" PRIu64 " to %" PRIu64
		       ", session '%s', channel %" PRIu64 ": blame: %s",
		       name, event->n, event->first, event->last,
		       session_text(event->session, session), event->channel, blame_name(e->blame));
	else if (event->kind == FG_ARBITER_SILENT)
		fg_log(WARNING, "feed %s: line %c is silent, for %.1f s so far", name,
		       'A' + event->line, (double)(event->time_ns - event->first) * 1e-9);
	else
		fg_log(NOTICE, "feed %s: line %c is back, after %.1f s", name, 'A' + event->line,
		       (double)(event->time_ns - event->first) * 1e-9);
}

/* Events that the arbiters had no room for since the last call. */
static uint64_t new_lost_events(const struct app *app, struct feeds_watch *watch)
{
	uint64_t lost = 0, before = watch->events_lost;

	for (uint32_t i = 0; i < app->n_feeds; i++) {
		const struct fg_feed *feed = app->feeds[i]->feed;

		if (feed != NULL && fg_feed_arbiter(feed) != NULL)
			lost += fg_arbiter_events_lost(fg_feed_arbiter(feed));
	}
	watch->events_lost = lost;
	return lost - before;
}

/* The sums of what was not logged: once a second, and when the pipeline has stopped. */
static void log_rest(const struct app *app, struct feeds_watch *watch)
{
	const uint64_t now = watch->losses.at[(watch->losses.count - 1) % LOSS_SAMPLES].time_ns;
	uint64_t lost;

	if (fg_pipeline_running(app->pipeline) && now - watch->log_second_ns < SECOND_NS)
		return;
	lost = new_lost_events(app, watch);
	if (watch->n_unlogged > 0)
		fg_log(WARNING,
		       "feeds: and %u more unfilled gaps or silent lines; `show gaps` has the last "
		       "%u events",
		       watch->n_unlogged, EVENTS_KEPT);
	if (lost > 0)
		fg_log(WARNING,
		       "feeds: %" PRIu64 " events came too fast: they are neither shown nor "
		       "in an event log, but counted",
		       lost);
	watch->log_second_ns = now;
	watch->n_logged = 0;
	watch->n_unlogged = 0;
}

void feeds_watch(struct app *app)
{
	struct feeds_watch *watch = app->watch;
	uint32_t n = BATCH;

	if (watch == NULL)
		return;
	for (unsigned int round = 0; n == BATCH && round < ROUNDS_MAX; round++) {
		n = take_events(app, watch);
		losses_take(app); /* After the events, so that it is younger than all of them. */
		qsort(watch->batch, n, sizeof(*watch->batch), by_time);
		for (uint32_t i = 0; i < n; i++) {
			struct feed_event *e = &watch->kept[watch->n_events++ % EVENTS_KEPT];

			*e = watch->batch[i];
			losses_attribute(app, e);
			record(app, e);
			log_event(app, watch, e);
		}
	}
	log_rest(app, watch);
}

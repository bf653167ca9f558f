/* SPDX-License-Identifier: MIT */
#include "feeds_gaps.h"

#include <inttypes.h>
#include <string.h>

#include "app.h"
#include "event_json.h"
#include "feed_events.h"
#include "feeds_loss.h"
#include "report_text.h"

/* The places that lost packets in the time of a gap. */
static void print_losses(const struct feed_event *e, FILE *out)
{
	const char *separator = ": ";

	for (unsigned int place = 0; place < LOSS_PLACES; place++)
		if (e->lost[place] > 0) {
			fprintf(out, "%s%s %s", separator, loss_place_name((enum loss_place)place),
				report_grouped(e->lost[place]));
			separator = ", ";
		}
}

/* The numbers of an event: a range, a sequence number, or a time. */
static void print_numbers(const struct fg_arbiter_event *event, FILE *out)
{
	char text[64];

	switch (event->kind) {
	case FG_ARBITER_SILENT:
	case FG_ARBITER_BACK:
		snprintf(text, sizeof(text), "for %.1f s",
			 (double)(event->time_ns - event->first) * 1e-9);
		break;
	case FG_ARBITER_SESSION:
	case FG_ARBITER_END:
		snprintf(text, sizeof(text), "%" PRIu64, event->first);
		break;
	case FG_ARBITER_RESET:
	case FG_ARBITER_JUMP_ACCEPTED:
		snprintf(text, sizeof(text), "%" PRIu64 ", was %" PRIu64, event->first,
			 event->last);
		break;
	default:
		snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, event->first, event->last);
		break;
	}
	fprintf(out, " %-32s %10s", text, event->n > 0 ? report_grouped(event->n) : "-");
}

static void print_event(const struct app *app, const struct feed_event *e, FILE *out)
{
	const struct fg_arbiter_event *event = &e->event;
	char session[SESSION_TEXT_BYTES], time[TIME_TEXT_BYTES];

	fprintf(out, "%-30s %-16s %4c %-26s %-12s %8" PRIu64, time_text(event->time_ns, time),
		app->feeds[e->feed]->conf.name, 'A' + event->line,
		fg_arbiter_event_name((enum fg_arbiter_event_kind)event->kind),
		session_text(event->session, session), event->channel);
	print_numbers(event, out);
	if (event_is_gap(event)) {
		fprintf(out, "  %s", blame_name(e->blame));
		print_losses(e, out);
	}
	if (event->merged > 0)
		fprintf(out, "  (%" PRIu32 " merged)", event->merged);
	fputc('\n', out);
}

void report_gaps(const struct app *app, FILE *out)
{
	const struct feeds_watch *watch = app->watch;
	const uint64_t n = watch != NULL ? watch->n_events : 0;
	const uint64_t first = n > EVENTS_KEPT ? n - EVENTS_KEPT : 0;

	if (watch == NULL) {
		fputs("no feed is tracked\n", out);
		return;
	}
	fprintf(out, "\n%-30s %-16s %4s %-26s %-12s %8s %-32s %10s  %s\n", "time", "feed", "line",
		"event", "session", "channel", "numbers", "count", "blame: lost here");
	for (uint64_t i = first; i < n; i++)
		print_event(app, &watch->kept[i % EVENTS_KEPT], out);
	if (first > 0)
		fprintf(out, "%s older events are not kept\n", report_grouped(first));
}

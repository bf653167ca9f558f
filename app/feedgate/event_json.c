/* SPDX-License-Identifier: MIT */
#include "event_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "app.h"
#include "feed_events.h"
#include "feeds_loss.h"

const char *session_text(const uint8_t session[FG_SESSION_BYTES], char text[SESSION_TEXT_BYTES])
{
	size_t bytes = FG_SESSION_BYTES;
	bool readable = true;

	while (bytes > 0 && session[bytes - 1] == 0)
		bytes--;
	for (size_t i = 0; i < bytes; i++)
		readable = readable && session[i] >= ' ' && session[i] <= '~';
	text[0] = '\0';
	if (!readable) {
		snprintf(text, SESSION_TEXT_BYTES, "0x");
		for (size_t i = 0; i < bytes; i++)
			snprintf(text + 2 + 2 * i, 3, "%02x", session[i]);
		return text;
	}
	while (bytes > 0 && session[bytes - 1] == ' ')
		bytes--;
	for (size_t skip = 0; skip < bytes; skip++)
		if (session[skip] != ' ') {
			memcpy(text, session + skip, bytes - skip);
			text[bytes - skip] = '\0';
			break;
		}
	return text;
}

const char *time_text(uint64_t time_ns, char text[TIME_TEXT_BYTES])
{
	const time_t seconds = (time_t)(time_ns / UINT64_C(1000000000));
	struct tm tm;
	size_t used;

	if (gmtime_r(&seconds, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	used = strftime(text, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, TIME_TEXT_BYTES - used, ".%09uZ",
		 (unsigned int)(time_ns % UINT64_C(1000000000)));
	return text;
}

/* An integer; above 2^63 - 1, where jansson has none, a string with all digits. */
static json_t *number(uint64_t value)
{
	return value <= INT64_MAX ? json_integer((json_int_t)value)
				  : json_sprintf("%" PRIu64, value);
}

static json_t *losses(const struct feed_event *e)
{
	json_t *object = json_object();

	for (unsigned int place = 0; place < LOSS_PLACES; place++)
		json_object_set_new(object, loss_place_name((enum loss_place)place),
				    place == LOSS_NIC && e->nic_unknown && e->lost[place] == 0
					    ? json_null()
					    : number(e->lost[place]));
	return object;
}

static json_t *make(const struct app *app, const struct feed_event *e)
{
	const struct fg_arbiter_event *event = &e->event;
	const char line[] = {(char)('A' + event->line), '\0'};
	char session[SESSION_TEXT_BYTES], iso[TIME_TEXT_BYTES];
	json_t *object = json_object();

	json_object_set_new(object, "time", number(event->time_ns));
	json_object_set_new(object, "iso", json_string(time_text(event->time_ns, iso)));
	json_object_set_new(object, "packet_time", number(event->packet_ns));
	json_object_set_new(object, "feed", json_string(app->feeds[e->feed]->conf.name));
	json_object_set_new(
		object, "event",
		json_string(fg_arbiter_event_name((enum fg_arbiter_event_kind)event->kind)));
	json_object_set_new(object, "session", json_string(session_text(event->session, session)));
	json_object_set_new(object, "channel", number(event->channel));
	json_object_set_new(object, "first", number(event->first));
	json_object_set_new(object, "last", number(event->last));
	json_object_set_new(object, "count", number(event->n));
	json_object_set_new(object, "line", json_string(line));
	json_object_set_new(object, "since", number(event->since_ns));
	if (event->merged > 0)
		json_object_set_new(object, "merged", number(event->merged));
	if (event_is_gap(event)) {
		json_object_set_new(object, "lost", losses(e));
		json_object_set_new(object, "blame", json_string(blame_name(e->blame)));
	}
	return object;
}

size_t event_json_make(const struct app *app, const struct feed_event *e,
		       char text[EVENT_JSON_BYTES])
{
	json_t *object = make(app, e);
	const size_t bytes = json_dumpb(object, text, EVENT_JSON_BYTES - 1, 0);

	json_decref(object);
	if (bytes == 0 || bytes > EVENT_JSON_BYTES - 1)
		return 0;
	text[bytes] = '\n';
	return bytes + 1;
}

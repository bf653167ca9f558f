/* SPDX-License-Identifier: MIT */
/* An event of a feed as a line of JSON; docs/configuration.md describes it. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "feeds_watch.h"

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

struct record {
	char *text;
	size_t used;
};

static void add(struct record *record, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct record *record, const char *format, ...)
{
	const size_t room = RECORD_BYTES - record->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(record->text + record->used, room, format, args);
	va_end(args);
	if (n > 0)
		record->used += (size_t)n < room ? (size_t)n : room - 1;
}

/* Names and sessions are printable ASCII: only these two need care. */
static void add_text(struct record *record, const char *key, const char *text)
{
	add(record, ", \"%s\": \"", key);
	for (; *text != '\0'; text++)
		add(record, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	add(record, "\"");
}

static void add_losses(struct record *record, const struct told *told)
{
	const char *separator = "";

	add(record, ", \"lost\": {");
	for (unsigned int place = 0; place < LOSS_PLACES; place++) {
		add(record, "%s\"%s\": %" PRIu64, separator,
		    loss_place_name((enum loss_place)place), told->lost[place]);
		separator = ", ";
	}
	add(record, "}");
	add_text(record, "blame", blame_name(told->blame));
}

size_t record_make(const struct app *app, const struct told *told, char text[RECORD_BYTES])
{
	const struct fg_arbiter_event *event = &told->event;
	const char line[] = {(char)('A' + event->line), '\0'};
	char session[SESSION_TEXT_BYTES], iso[TIME_TEXT_BYTES];
	struct record record = {.text = text};

	add(&record, "{\"time\": %" PRIu64 ", \"iso\": \"%s\"", event->time_ns,
	    time_text(event->time_ns, iso));
	add_text(&record, "feed", app->feeds[told->feed]->conf.name);
	add_text(&record, "event", fg_arbiter_event_name((enum fg_arbiter_event_kind)event->kind));
	add_text(&record, "session", session_text(event->session, session));
	add(&record,
	    ", \"channel\": %" PRIu64 ", \"first\": %" PRIu64 ", \"last\": %" PRIu64
	    ", \"count\": %" PRIu64,
	    event->channel, event->first, event->last, event->n);
	add_text(&record, "line", line);
	add(&record, ", \"since\": %" PRIu64, event->since_ns);
	if (event_is_gap(event))
		add_losses(&record, told);
	add(&record, "}\n");
	return record.used;
}

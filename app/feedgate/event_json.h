/* SPDX-License-Identifier: MIT */
/* An event of a feed as a line of JSON, and its parts as text. */
#ifndef EVENT_JSON_H
#define EVENT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <fg_feed.h>

struct app;
struct feed_event;

/*
 * @event as a line of JSON with its newline, as docs/configuration.md describes it.
 * @return its bytes; 0: out of memory.
 */
#define EVENT_JSON_BYTES 2048u
size_t event_json_make(const struct app *app, const struct feed_event *event,
		       char text[EVENT_JSON_BYTES]);

/* A session's characters if all are printable, else 0x and its bytes; empty: it has none. */
#define SESSION_TEXT_BYTES (2 * FG_SESSION_BYTES + 3)
const char *session_text(const uint8_t session[FG_SESSION_BYTES], char text[SESSION_TEXT_BYTES]);

/* 2024-03-15T13:30:00.123456789Z */
#define TIME_TEXT_BYTES 40u
const char *time_text(uint64_t time_ns, char text[TIME_TEXT_BYTES]);

#endif /* EVENT_JSON_H */

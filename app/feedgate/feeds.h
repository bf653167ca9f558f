/* SPDX-License-Identifier: MIT */
/* Entries of `feeds`. */
#ifndef FEEDS_H
#define FEEDS_H

#include <stdint.h>

#include <fg_error.h>
#include <fg_feed.h>
#include <fg_node.h>

struct app;
struct event_log;
struct feed_entry;
struct fg_rules;
struct rulebook;

/* What a feed counted. */
struct feed_totals {
	uint64_t counters[FG_FEED_COUNTER_COUNT];
	uint64_t symbols[FG_SYMBOLS_COUNTER_COUNT];
	uint64_t orders[FG_ORDERS_COUNTER_COUNT];
	uint64_t channels[FG_ARBITER_CHANNEL_COUNT];
	uint64_t events_lost;
	uint64_t unmapped_instruments; /* of all rules of the feed, now */
	struct fg_arbiter_line lines[FG_ARBITER_LINES_MAX];
};

/* Read one entry into @app. 0; -EINVAL or -ENOMEM with @error set. */
int feeds_add(struct app *app, const struct fg_node *node, struct fg_error *error);

/* Set app->n_lines: how many lines feeds have, by the sources and @rules. 0 or -EINVAL. */
int feeds_count_lines(struct app *app, const struct fg_rules *rules, struct fg_error *error);

/* Refuse rules of @book that use a line which feeds do not have. 0 or -EINVAL. */
int feeds_check_rules(const struct app *app, const struct rulebook *book,
		      const struct fg_rules *rules, struct fg_error *error);

/* Compile the message filters of app->rules, and free them again: --check. 0 or -errno. */
int feeds_try(const struct app *app, struct fg_error *error);

/* Choose the lcore of each feed: app->feed_owners. 0 or -errno. */
int feeds_assign(struct app *app, struct fg_error *error);

/* Create the feeds that have a protocol. 0 or -errno. */
int feeds_open(struct app *app, struct fg_error *error);

/* Free the feeds and their entries; the pipeline is freed. */
void feeds_close(struct app *app);

/* Index of the feed called @name, or -1. */
int feeds_find(const struct app *app, const char *name);

/* The log that a feed writes to; NULL: none. */
struct event_log *feeds_events(const struct app *app, const struct feed_entry *entry);

/* What one feed counted. @totals is zeroed by the caller. */
void feeds_totals(const struct fg_feed *feed, struct feed_totals *totals);

#endif /* FEEDS_H */

/* SPDX-License-Identifier: MIT */
/* The --summary file: one JSON object, a format that scripts rely on. */
#include "summary.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "event_log.h"
#include "feeds.h"

static bool failed; /* a part of the object is missing: no memory */

static void put(json_t *object, const char *key, json_t *value)
{
	failed = json_object_set_new(object, key, value) != 0 || failed;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *drops(const struct snapshot *s)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < FG_DROP_COUNT; i++)
		put(object, fg_drop_name((enum fg_drop)i), number(s->totals.dropped[i]));
	return object;
}

static json_t *rules(const struct app *app, const struct snapshot *s)
{
	const struct fg_rules *set = fg_pipeline_rules(app->pipeline);
	json_t *object = json_object();

	for (uint32_t i = 0; i <= set->count; i++) {
		const struct fg_rule_totals *t = &s->rules[set->rules[i].id];

		put(object, set->rules[i].name,
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "packets", number(t->packets),
			      "bytes", number(t->bytes), "duplicates", number(t->duplicates),
			      "unmatched", number(t->unmatched), "dropped", number(t->dropped),
			      "unmapped_instruments",
			      number(s->unmapped != NULL ? s->unmapped[set->rules[i].id] : 0)));
	}
	return object;
}

static json_t *sinks(const struct app *app, const struct snapshot *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < app->n_sinks; i++)
		put(object, app->sinks[i]->name,
		    json_pack("{s:o, s:o, s:o, s:o, s:o}", "packets", number(s->sinks[i].packets),
			      "bytes", number(s->sinks[i].bytes), "dropped",
			      number(s->sinks[i].dropped), "full", number(s->sinks[i].full),
			      "failed", number(s->sinks[i].failed)));
	return object;
}

static json_t *source(const struct fg_flow_totals *received, const struct fg_source_lost *lost)
{
	const uint64_t counted = lost->nic + lost->no_mbuf + lost->errors;

	/* null: nobody counts all that is lost. */
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "received", number(received->packets),
			 "bytes", number(received->bytes), "lost",
			 lost->nic_unknown ? json_null() : number(counted), "lost_counted",
			 number(counted), "prefiltered", number(lost->prefiltered));
}

static json_t *sources(const struct app *app, const struct snapshot *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < app->n_sources; i++)
		put(object, app->sources[i]->name, source(&s->sources[i], &s->lost[i]));
	return object;
}

/* Lines that carried any packet. */
static json_t *lines(const struct feed_totals *t)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < FG_ARBITER_LINES_MAX; i++) {
		const struct fg_arbiter_line *line = &t->lines[i];
		const char name[] = {(char)('A' + (int)i), '\0'};
		json_t *counters, *leads;

		if (line->counters[FG_ARBITER_LINE_last_ns] == 0)
			continue;
		counters = json_object();
		for (unsigned int c = 0; c < FG_ARBITER_LINE_COUNT; c++)
			put(counters, fg_arbiter_line_counter_name((enum fg_arbiter_line_counter)c),
			    number(line->counters[c]));
		leads = json_array();
		for (unsigned int b = 0; b < FG_ARBITER_LEADS; b++)
			failed =
				json_array_append_new(leads, number(line->leads[b])) != 0 || failed;
		put(counters, "leads", leads);
		put(object, name, counters);
	}
	return object;
}

static json_t *feed(const struct feed_entry *entry, const struct feed_totals *t)
{
	json_t *object = json_object();

	put(object, "protocol", json_string(entry->conf.protocol->name));
	for (unsigned int i = 0; i < FG_FEED_COUNTER_COUNT; i++)
		put(object, fg_feed_counter_name((enum fg_feed_counter)i), number(t->counters[i]));
	for (unsigned int i = 0; i < FG_SYMBOLS_COUNTER_COUNT; i++)
		put(object, fg_symbols_counter_name((enum fg_symbols_counter)i),
		    number(t->symbols[i]));
	for (unsigned int i = 0; i < FG_ORDERS_COUNTER_COUNT; i++)
		put(object, fg_orders_counter_name((enum fg_orders_counter)i),
		    number(t->orders[i]));
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		put(object, fg_arbiter_channel_counter_name((enum fg_arbiter_channel_counter)i),
		    number(t->channels[i]));
	put(object, "unrecovered",
	    number(t->channels[FG_ARBITER_CHANNEL_missing] -
		   t->channels[FG_ARBITER_CHANNEL_filled_late]));
	put(object, "unmapped_instruments", number(t->unmapped_instruments));
	put(object, "events_lost", number(t->events_lost));
	put(object, "lines", lines(t));
	return object;
}

/* Those that have a protocol. */
static json_t *feeds(const struct app *app, const struct snapshot *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < s->n_feeds; i++)
		if (app->feeds[i]->conf.protocol != NULL)
			put(object, app->feeds[i]->conf.name, feed(app->feeds[i], &s->feeds[i]));
	return object;
}

static json_t *event_logs(const struct app *app, const struct snapshot *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < s->n_event_logs; i++)
		put(object, event_log_path(app->event_logs[i]),
		    json_pack("{s:o, s:o, s:o}", "written", number(s->event_logs[i].written),
			      "bytes", number(s->event_logs[i].bytes), "lost",
			      number(s->event_logs[i].lost)));
	return object;
}

/* 0 or errno. */
static int write_text(const char *text, const char *path)
{
	FILE *out = strcmp(path, SUMMARY_STDOUT) == 0 ? stdout : fopen(path, "w");
	int code = 0;

	if (out == NULL)
		return errno;
	if (fputs(text, out) == EOF || fputc('\n', out) == EOF || fflush(out) != 0)
		code = errno != 0 ? errno : EIO;
	if (out != stdout && fclose(out) != 0 && code == 0)
		code = errno;
	return code;
}

/*
 * As a text; NULL: no memory. json_dumps() would let its buffer grow, and ignores it where that
 * fails within a key.
 */
static char *text_of(const json_t *root)
{
	const size_t bytes = json_dumpb(root, NULL, 0, JSON_INDENT(2));
	char *text = malloc(bytes + 1);

	if (text == NULL)
		return NULL;
	if (bytes == 0 || json_dumpb(root, text, bytes, JSON_INDENT(2)) != bytes) {
		free(text);
		return NULL;
	}
	text[bytes] = '\0';
	return text;
}

int summary_write(const struct app *app, const struct snapshot *s, bool balanced, const char *path,
		  struct fg_error *error)
{
	json_t *root = json_object();
	char *text;
	int code;

	failed = false;
	put(root, "received", number(s->totals.received_packets));
	put(root, "bytes", number(s->totals.received_bytes));
	put(root, "delivered", number(s->totals.delivered_packets));
	put(root, "dropped", drops(s));
	put(root, "rules", rules(app, s));
	put(root, "feeds", feeds(app, s));
	put(root, "event_logs", event_logs(app, s));
	put(root, "sinks", sinks(app, s));
	put(root, "sources", sources(app, s));
	put(root, "version", number(fg_pipeline_rules_version(app->pipeline)));
	put(root, "seconds", json_real(s->seconds));
	put(root, "balanced", json_boolean(balanced));
	if (failed) {
		json_decref(root);
		return fg_error_set(error, ENOMEM, "--summary %s: out of memory", path);
	}
	text = text_of(root);
	json_decref(root);
	if (text == NULL)
		return fg_error_set(error, ENOMEM, "--summary %s: out of memory", path);
	code = write_text(text, path);
	free(text);
	return code == 0 ? 0 : fg_error_set(error, code, "--summary %s: %s", path, strerror(code));
}

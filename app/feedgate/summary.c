/* SPDX-License-Identifier: MIT */
/* The --summary file: one JSON object, a format that scripts rely on. */
#include "summary.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "app.h"
#include "event_log.h"
#include "feeds.h"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *drops(const struct snapshot *s)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < FG_DROP_COUNT; i++)
		json_object_set_new(object, fg_drop_name((enum fg_drop)i),
				    number(s->totals.dropped[i]));
	return object;
}

static json_t *rules(const struct app *app, const struct snapshot *s)
{
	const struct fg_rules *set = fg_pipeline_rules(app->pipeline);
	json_t *object = json_object();

	for (uint32_t i = 0; i <= set->count; i++) {
		const struct fg_rule_totals *t = &s->rules[set->rules[i].id];

		json_object_set_new(
			object, set->rules[i].name,
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
		json_object_set_new(object, app->sinks[i]->name,
				    json_pack("{s:o, s:o, s:o}", "packets",
					      number(s->sinks[i].packets), "bytes",
					      number(s->sinks[i].bytes), "dropped",
					      number(s->sinks[i].dropped)));
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
		json_object_set_new(object, app->sources[i]->name,
				    source(&s->sources[i], &s->lost[i]));
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
			json_object_set_new(
				counters,
				fg_arbiter_line_counter_name((enum fg_arbiter_line_counter)c),
				number(line->counters[c]));
		leads = json_array();
		for (unsigned int b = 0; b < FG_ARBITER_LEADS; b++)
			json_array_append_new(leads, number(line->leads[b]));
		json_object_set_new(counters, "leads", leads);
		json_object_set_new(object, name, counters);
	}
	return object;
}

static json_t *feed(const struct feed_entry *entry, const struct feed_totals *t)
{
	json_t *object = json_object();

	json_object_set_new(object, "protocol", json_string(entry->conf.protocol->name));
	for (unsigned int i = 0; i < FG_FEED_COUNTER_COUNT; i++)
		json_object_set_new(object, fg_feed_counter_name((enum fg_feed_counter)i),
				    number(t->counters[i]));
	for (unsigned int i = 0; i < FG_SYMBOLS_COUNTER_COUNT; i++)
		json_object_set_new(object, fg_symbols_counter_name((enum fg_symbols_counter)i),
				    number(t->symbols[i]));
	for (unsigned int i = 0; i < FG_ORDERS_COUNTER_COUNT; i++)
		json_object_set_new(object, fg_orders_counter_name((enum fg_orders_counter)i),
				    number(t->orders[i]));
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		json_object_set_new(
			object, fg_arbiter_channel_counter_name((enum fg_arbiter_channel_counter)i),
			number(t->channels[i]));
	json_object_set_new(object, "unrecovered",
			    number(t->channels[FG_ARBITER_CHANNEL_missing] -
				   t->channels[FG_ARBITER_CHANNEL_filled_late]));
	json_object_set_new(object, "unmapped_instruments", number(t->unmapped_instruments));
	json_object_set_new(object, "events_lost", number(t->events_lost));
	json_object_set_new(object, "lines", lines(t));
	return object;
}

/* Those that have a protocol. */
static json_t *feeds(const struct app *app, const struct snapshot *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < s->n_feeds; i++)
		if (app->feeds[i]->conf.protocol != NULL)
			json_object_set_new(object, app->feeds[i]->conf.name,
					    feed(app->feeds[i], &s->feeds[i]));
	return object;
}

static json_t *event_logs(const struct app *app, const struct snapshot *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < s->n_event_logs; i++)
		json_object_set_new(object, event_log_path(app->event_logs[i]),
				    json_pack("{s:o, s:o, s:o}", "written",
					      number(s->event_logs[i].written), "bytes",
					      number(s->event_logs[i].bytes), "lost",
					      number(s->event_logs[i].lost)));
	return object;
}

int summary_write(const struct app *app, const struct snapshot *s, bool balanced, const char *path,
		  struct fg_error *error)
{
	json_t *root = json_object();
	int rc;

	json_object_set_new(root, "received", number(s->totals.received_packets));
	json_object_set_new(root, "bytes", number(s->totals.received_bytes));
	json_object_set_new(root, "delivered", number(s->totals.delivered_packets));
	json_object_set_new(root, "dropped", drops(s));
	json_object_set_new(root, "rules", rules(app, s));
	json_object_set_new(root, "feeds", feeds(app, s));
	json_object_set_new(root, "event_logs", event_logs(app, s));
	json_object_set_new(root, "sinks", sinks(app, s));
	json_object_set_new(root, "sources", sources(app, s));
	json_object_set_new(root, "version", number(fg_pipeline_rules_version(app->pipeline)));
	json_object_set_new(root, "seconds", json_real(s->seconds));
	json_object_set_new(root, "balanced", json_boolean(balanced));
	errno = 0;
	if (strcmp(path, SUMMARY_STDOUT) == 0) {
		rc = json_dumpf(root, stdout, JSON_INDENT(2));
		if (fputc('\n', stdout) == EOF)
			rc = -1;
	} else {
		rc = json_dump_file(root, path, JSON_INDENT(2));
	}
	json_decref(root);
	if (rc == 0)
		return 0;
	return fg_error_set(error, errno != 0 ? errno : EIO, "--summary %s: %s", path,
			    errno != 0 ? strerror(errno) : "cannot be written");
}

/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include "app.h"
#include "event_log.h"
#include "feeds.h"
#include "symbols.h"

/* One more than the highest id of the running rules. */
static uint32_t rule_id_bound(const struct fg_rules *rules)
{
	uint32_t bound = 1;

	for (uint32_t i = 0; rules != NULL && i <= rules->count; i++)
		if (rules->rules[i].id >= bound)
			bound = rules->rules[i].id + 1;
	return bound;
}

static void take_rules(const struct app *app, struct snapshot *s)
{
	s->n_rule_ids = rule_id_bound(fg_pipeline_rules(app->pipeline));
	s->rules = calloc(s->n_rule_ids, sizeof(*s->rules));
	for (uint32_t id = 0; s->rules != NULL && id < s->n_rule_ids; id++)
		fg_pipeline_rule(app->pipeline, id, &s->rules[id]);
}

/* After rules and feeds. */
static void take_unmapped(const struct app *app, struct snapshot *s)
{
	const struct fg_rules *rules = fg_pipeline_rules(app->pipeline);

	s->unmapped = calloc(s->n_rule_ids + 1, sizeof(*s->unmapped));
	for (uint32_t i = 0; rules != NULL && s->unmapped != NULL && i <= rules->count; i++) {
		const struct fg_rule *rule = &rules->rules[i];
		const uint32_t count = symbols_unmapped(app, i);

		if (rule->id < s->n_rule_ids)
			s->unmapped[rule->id] = count;
		if (count > 0 && s->feeds != NULL && rule->feed < s->n_feeds)
			s->feeds[rule->feed].unmapped_instruments += count;
	}
}

static void take_source(const struct fg_source *source, struct fg_flow_totals *received)
{
	for (uint16_t q = 0; q < source->n_queues; q++) {
		received->packets += fg_counter_read(&source->queues[q].received.packets);
		received->bytes += fg_counter_read(&source->queues[q].received.bytes);
	}
}

static void take_feeds(const struct app *app, struct snapshot *s)
{
	s->n_feeds = app->n_feeds;
	s->feeds = calloc((size_t)s->n_feeds + 1, sizeof(*s->feeds));
	for (uint32_t i = 0; s->feeds != NULL && i < s->n_feeds; i++)
		if (app->feeds[i]->feed != NULL)
			feeds_totals(app->feeds[i]->feed, &s->feeds[i]);
}

static void take_event_logs(const struct app *app, struct snapshot *s)
{
	s->n_event_logs = app->n_event_logs;
	s->event_logs = calloc((size_t)s->n_event_logs + 1, sizeof(*s->event_logs));
	for (uint32_t i = 0; s->event_logs != NULL && i < s->n_event_logs; i++)
		s->event_logs[i] = event_log_totals(app->event_logs[i]);
}

int snapshot_take(const struct app *app, struct snapshot *s)
{
	*s = (struct snapshot){0};
	fg_pipeline_totals(app->pipeline, &s->totals);
	take_rules(app, s);
	for (uint32_t i = 0; i < app->n_sinks; i++)
		fg_sink_totals(&app->sinks[i]->sink, &s->sinks[i]);
	for (uint32_t i = 0; i < app->n_sources; i++) {
		struct fg_source *source = &app->sources[i]->source;

		take_source(source, &s->sources[i]);
		if (!app->sources[i]->open)
			continue;
		fg_source_count_lost(source, &s->lost[i]);
		if (source->ops->figures != NULL)
			s->figures[i].count = source->ops->figures(source, s->figures[i].at);
	}
	take_feeds(app, s);
	take_unmapped(app, s);
	take_event_logs(app, s);
	s->seconds = fg_pipeline_seconds(app->pipeline);
	if (s->rules != NULL && s->feeds != NULL && s->event_logs != NULL && s->unmapped != NULL)
		return 0;
	snapshot_free(s);
	return -ENOMEM;
}

static void subtract(uint64_t *from, const uint64_t *what, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		from[i] -= what[i];
}

/* All but gauges (gaps_open, ...), which describe the present. */
static void subtract_feed(struct feed_totals *feed, const struct feed_totals *before)
{
	const struct feed_totals now = *feed;

	subtract(feed->counters, before->counters, FG_FEED_COUNTER_COUNT);
	subtract(feed->symbols, before->symbols, FG_SYMBOLS_COUNTER_COUNT);
	feed->symbols[FG_SYMBOLS_symbols] = now.symbols[FG_SYMBOLS_symbols];
	subtract(feed->orders, before->orders, FG_ORDERS_COUNTER_COUNT);
	feed->orders[FG_ORDERS_orders] = now.orders[FG_ORDERS_orders];
	subtract(feed->channels, before->channels, FG_ARBITER_CHANNEL_COUNT);
	feed->channels[FG_ARBITER_CHANNEL_gaps_open] = now.channels[FG_ARBITER_CHANNEL_gaps_open];
	feed->channels[FG_ARBITER_CHANNEL_held_now] = now.channels[FG_ARBITER_CHANNEL_held_now];
	feed->events_lost -= before->events_lost;
	for (unsigned int i = 0; i < FG_ARBITER_LINES_MAX; i++) {
		uint64_t *line = feed->lines[i].counters;

		subtract(line, before->lines[i].counters, FG_ARBITER_LINE_COUNT);
		line[FG_ARBITER_LINE_last_ns] = now.lines[i].counters[FG_ARBITER_LINE_last_ns];
		line[FG_ARBITER_LINE_silent] = now.lines[i].counters[FG_ARBITER_LINE_silent];
		subtract(feed->lines[i].leads, before->lines[i].leads, FG_ARBITER_LEADS);
	}
}

void snapshot_subtract(struct snapshot *s, const struct snapshot *before)
{
	fg_totals_subtract(&s->totals, &before->totals);
	for (uint32_t id = 0; id < s->n_rule_ids && id < before->n_rule_ids; id++) {
		s->rules[id].packets -= before->rules[id].packets;
		s->rules[id].bytes -= before->rules[id].bytes;
		s->rules[id].duplicates -= before->rules[id].duplicates;
		s->rules[id].unmatched -= before->rules[id].unmatched;
		s->rules[id].dropped -= before->rules[id].dropped;
	}
	for (uint32_t i = 0; i < FG_SINKS_MAX; i++) {
		/* What a sink took then, it may have lost since. */
		s->sinks[i].packets -= RTE_MIN(before->sinks[i].packets, s->sinks[i].packets);
		s->sinks[i].bytes -= RTE_MIN(before->sinks[i].bytes, s->sinks[i].bytes);
		s->sinks[i].dropped -= before->sinks[i].dropped;
		s->sinks[i].full -= before->sinks[i].full;
		s->sinks[i].failed -= before->sinks[i].failed;
	}
	for (uint32_t i = 0; i < FG_SOURCES_MAX; i++) {
		s->sources[i].packets -= before->sources[i].packets;
		s->sources[i].bytes -= before->sources[i].bytes;
		s->lost[i].nic -= before->lost[i].nic;
		s->lost[i].no_mbuf -= before->lost[i].no_mbuf;
		s->lost[i].errors -= before->lost[i].errors;
		s->lost[i].prefiltered -= before->lost[i].prefiltered;
	}
	for (uint32_t i = 0; i < s->n_feeds && i < before->n_feeds; i++)
		subtract_feed(&s->feeds[i], &before->feeds[i]);
	for (uint32_t i = 0; i < s->n_event_logs && i < before->n_event_logs; i++) {
		s->event_logs[i].written -= before->event_logs[i].written;
		s->event_logs[i].bytes -= before->event_logs[i].bytes;
		s->event_logs[i].lost -= before->event_logs[i].lost;
	}
	s->seconds -= before->seconds;
}

void snapshot_free(struct snapshot *s)
{
	free(s->rules);
	free(s->unmapped);
	free(s->feeds);
	free(s->event_logs);
	*s = (struct snapshot){0};
}

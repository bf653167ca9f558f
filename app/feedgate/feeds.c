/* SPDX-License-Identifier: MIT */
/* Entries of `feeds`, from the file to what the pipeline is given. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fg_node.h>

#include "app.h"

int feeds_find(const struct app *app, const char *name)
{
	for (uint32_t i = 0; i < app->n_feeds; i++)
		if (strcmp(app->feeds[i]->conf.name, name) == 0)
			return (int)i;
	return -1;
}

/* `events`: a sink that takes records. */
static int find_events(const struct app *app, const struct fg_node *node, struct feed_entry *entry,
		       struct fg_error *error)
{
	const char *name = entry->conf.events;

	if (name == NULL || name[0] == '\0')
		return 0;
	for (uint32_t i = 0; i < app->n_sinks; i++)
		if (strcmp(app->sinks[i]->name, name) == 0)
			entry->events = app->sinks[i];
	if (entry->events == NULL)
		return fg_error_at(error, EINVAL, fg_node_get(node, "events"),
				   "events: no sink is called '%s'", name);
	if (entry->events->sink.ops->record == NULL)
		return fg_error_at(error, EINVAL, fg_node_get(node, "events"),
				   "events: sink %s is of kind %s, which takes packets: expected "
				   "one of kind records",
				   name, entry->events->sink.ops->name);
	return 0;
}

static int check_entry(const struct app *app, const struct fg_node *node, struct feed_entry *entry,
		       struct fg_error *error)
{
	const char *name = entry->conf.name;

	if (fg_name_check(name, node, error) != 0)
		return -EINVAL;
	if (app->n_feeds == FEEDS_MAX)
		return fg_error_at(error, EINVAL, node, "at most %u feeds", FEEDS_MAX);
	if (feeds_find(app, name) >= 0)
		return fg_error_at(error, EINVAL, node, "a feed is called '%s' already", name);
	return find_events(app, node, entry, error);
}

int feeds_add(struct app *app, const struct fg_node *node, struct fg_error *error)
{
	struct feed_entry *entry = calloc(1, sizeof(*entry));
	int rc;

	if (entry == NULL)
		return fg_error_at(error, ENOMEM, node, "out of memory");
	rc = fg_feed_read(node, &entry->conf, error);
	if (rc != 0) {
		free(entry);
		return rc;
	}
	rc = check_entry(app, node, entry, error);
	if (rc != 0) {
		fg_feed_conf_free(&entry->conf);
		free(entry);
		return rc;
	}
	app->feeds[app->n_feeds++] = entry;
	return 0;
}

static bool tracks(const struct feed_entry *entry)
{
	return entry->conf.protocol != NULL && entry->conf.track;
}

/* The line that a rule gives to packets of a feed that counts lines; 0: none. */
static unsigned int rule_line(const struct app *app, const struct fg_rule *rule)
{
	return rule->feed != FG_FEED_NONE && tracks(app->feeds[rule->feed]) ? rule->feed_line : 0;
}

int feeds_count_lines(struct app *app, const struct fg_rules *rules, struct fg_error *error)
{
	bool any = false;

	app->n_lines = 1;
	for (uint32_t i = 0; i < app->n_feeds; i++)
		any = any || tracks(app->feeds[i]);
	for (uint32_t i = 0; any && i < app->n_sources; i++) {
		const uint8_t line = app->sources[i]->source.line;

		if (line > FG_ARBITER_LINES_MAX)
			return fg_error_set(error, EINVAL,
					    "source %s: line %c: a feed has at most %u lines: "
					    "expected A to %c",
					    app->sources[i]->name, 'A' + line - 1,
					    FG_ARBITER_LINES_MAX,
					    'A' + (int)FG_ARBITER_LINES_MAX - 1);
		if (line > app->n_lines)
			app->n_lines = line;
	}
	for (uint32_t i = 1; i <= rules->count; i++)
		if (rule_line(app, &rules->rules[i]) > app->n_lines)
			app->n_lines = rule_line(app, &rules->rules[i]);
	return 0;
}

/* Rule number @p number asks for a line that there is not. */
static int refuse_line(const struct app *app, const struct rulebook *book, uint32_t number,
		       const struct fg_rule *rule, struct fg_error *error)
{
	const struct fg_node *at = fg_node_get(&book->entries[number - 1].node, "line");

	if (app->n_lines == 0)
		return fg_error_at(error, EINVAL, at,
				   "line: a feed has at most %u lines: expected A to %c",
				   FG_ARBITER_LINES_MAX, 'A' + (int)FG_ARBITER_LINES_MAX - 1);
	return fg_error_at(error, EINVAL, at,
			   "line: feed %s was started with %u lines, A to %c: more take a restart",
			   app->feeds[rule->feed]->conf.name, app->n_lines,
			   'A' + (int)app->n_lines - 1);
}

/* Sinks among @p sinks that take no packets are refused. */
static int check_sinks(const struct app *app, uint64_t sinks, const struct fg_node *rule,
		       struct fg_error *error)
{
	for (uint32_t i = 0; i < app->n_sinks; i++)
		if ((sinks >> i & 1) != 0 && app->sinks[i]->sink.ops->record != NULL)
			return fg_error_at(error, EINVAL, fg_node_get(rule, "to"),
					   "to: sink %s is of kind %s, which takes no packets",
					   app->sinks[i]->name, app->sinks[i]->sink.ops->name);
	return 0;
}

int feeds_check_rules(const struct app *app, const struct rulebook *book,
		      const struct fg_rules *rules, struct fg_error *error)
{
	const unsigned int most = app->n_lines > 0 ? app->n_lines : FG_ARBITER_LINES_MAX;
	int rc = check_sinks(app, rules->rules[0].sinks, book->default_action, error);

	for (uint32_t i = 1; i <= rules->count && rc == 0; i++) {
		const struct fg_rule *rule = &rules->rules[i];

		rc = check_sinks(app, rule->sinks, &book->entries[i - 1].node, error);
		if (rc == 0 && rule_line(app, rule) > most)
			rc = refuse_line(app, book, i, rule, error);
	}
	return rc;
}

static int try_rule(const struct app *app, uint32_t number, struct fg_error *error)
{
	const struct fg_rule *rule = &app->rules->rules[number];
	const struct fg_protocol *protocol = app->feeds[rule->feed]->conf.protocol;
	/* Enough to know that symbols can be learned. */
	const struct fg_symbols_conf little = {
		.protocol = protocol, .symbols_max = 1, .socket_id = SOCKET_ID_ANY};
	struct fg_symbols *symbols = NULL;
	struct fg_msg_filter *filter = NULL;
	struct fg_msg_filter_conf conf;
	struct fg_error reason = {0};
	int rc = fg_symbols_create(&little, &symbols, &reason);

	if (rc == 0) {
		conf = fg_rules_msg_filter_conf(rule->subscription, protocol, symbols, NULL,
						SOCKET_ID_ANY);
		rc = fg_msg_filter_create(&conf, &filter, &reason);
	}
	fg_msg_filter_free(filter);
	fg_symbols_free(symbols);
	return rc == 0 ? 0
		       : fg_error_at(error, -rc, &app->book.entries[number - 1].node, "rule %s: %s",
				     rule->name, reason.text);
}

int feeds_try(const struct app *app, struct fg_error *error)
{
	int rc = 0;

	for (uint32_t i = 1; i <= app->rules->count && rc == 0; i++)
		if (app->rules->rules[i].subscription != NULL)
			rc = try_rule(app, i, error);
	return rc;
}

int feeds_open(struct app *app, struct fg_error *error)
{
	for (uint32_t i = 0; i < app->n_feeds; i++) {
		struct feed_entry *entry = app->feeds[i];
		int rc;

		if (entry->conf.protocol == NULL)
			continue;
		rc = fg_feed_create(&entry->conf, app->n_lines, SOCKET_ID_ANY, &entry->feed, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void feeds_close(struct app *app)
{
	for (uint32_t i = 0; i < app->n_feeds; i++) {
		fg_feed_free(app->feeds[i]->feed);
		fg_feed_conf_free(&app->feeds[i]->conf);
		free(app->feeds[i]);
	}
	app->n_feeds = 0;
}

void feeds_totals(const struct fg_feed *feed, struct feed_totals *totals)
{
	const struct fg_arbiter *lines = fg_feed_arbiter(feed);

	fg_feed_counters(feed, totals->counters);
	fg_symbols_counters(fg_feed_symbols(feed), totals->symbols);
	fg_orders_counters(fg_feed_orders(feed), totals->orders);
	if (lines == NULL)
		return;
	fg_arbiter_totals(lines, totals->channels);
	totals->events_lost = fg_arbiter_events_lost(lines);
	for (unsigned int i = 0; i < fg_feed_n_lines(feed); i++)
		fg_arbiter_line(lines, i, &totals->lines[i]);
}

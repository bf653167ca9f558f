/* SPDX-License-Identifier: MIT */
#include "feeds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fg_node.h>

#include "app.h"
#include "event_logs.h"

int feeds_find(const struct app *app, const char *name)
{
	for (uint32_t i = 0; i < app->n_feeds; i++)
		if (strcmp(app->feeds[i]->conf.name, name) == 0)
			return (int)i;
	return -1;
}

static int check_entry(const struct app *app, const struct fg_node *node,
		       const struct feed_entry *entry, struct fg_error *error)
{
	const char *name = entry->conf.name;

	if (fg_name_check(name, node, error) != 0)
		return -EINVAL;
	if (app->n_feeds == FEEDS_MAX)
		return fg_error_at(error, EINVAL, node, "at most %u feeds", FEEDS_MAX);
	if (feeds_find(app, name) >= 0)
		return fg_error_at(error, EINVAL, node, "a feed is called '%s' already", name);
	return 0;
}

/*
 * fg_feed_read() knows nothing of event logs: give it the entry without `events`.
 * @copies has room for the children of @node.
 */
static int read_conf(const struct fg_node *node, struct fg_node *copies, struct fg_feed_conf *conf,
		     struct fg_error *error)
{
	struct fg_node map = *node;
	struct fg_node **tail = &map.child;

	map.count = 0;
	for (const struct fg_node *c = node->child; c != NULL; c = c->next) {
		if (c->key != NULL && strcmp(c->key, "events") == 0)
			continue;
		copies[map.count] = *c;
		*tail = &copies[map.count++];
		tail = &(*tail)->next;
	}
	*tail = NULL;
	return fg_feed_read(&map, conf, error);
}

static int read_events(struct app *app, const struct fg_node *node, struct feed_entry *entry,
		       struct fg_error *error)
{
	const struct fg_node *events = fg_node_get(node, "events");

	if (events == NULL)
		return 0;
	if (entry->conf.protocol == NULL)
		return fg_error_at(error, EINVAL, events,
				   "events: a feed without a protocol has no settings");
	return event_logs_get(app, events, &entry->events, error);
}

static int read_entry(struct app *app, const struct fg_node *node, struct feed_entry *entry,
		      struct fg_error *error)
{
	struct fg_node *copies = calloc((size_t)node->count + 1, sizeof(*copies));
	int rc;

	if (copies == NULL)
		return fg_error_at(error, ENOMEM, node, "out of memory");
	rc = read_conf(node, copies, &entry->conf, error);
	free(copies);
	if (rc != 0)
		return rc;
	rc = check_entry(app, node, entry, error);
	if (rc == 0)
		rc = read_events(app, node, entry, error);
	if (rc != 0)
		fg_feed_conf_free(&entry->conf);
	return rc;
}

int feeds_add(struct app *app, const struct fg_node *node, struct fg_error *error)
{
	struct feed_entry *entry = calloc(1, sizeof(*entry));
	int rc;

	if (entry == NULL)
		return fg_error_at(error, ENOMEM, node, "out of memory");
	rc = read_entry(app, node, entry, error);
	if (rc != 0)
		free(entry);
	else
		app->feeds[app->n_feeds++] = entry;
	return rc;
}

struct event_log *feeds_events(const struct app *app, const struct feed_entry *entry)
{
	if (entry->conf.protocol == NULL)
		return NULL;
	return entry->events != NULL ? entry->events : app->events;
}

static bool tracks(const struct feed_entry *entry)
{
	return entry->conf.protocol != NULL && entry->conf.track;
}

/* The line that a rule assigns to packets of a feed that tracks lines; 0: none. */
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

/* Rule number @number uses a line that its feed does not have. */
static int refuse_line(const struct app *app, const struct rulebook *book, uint32_t number,
		       const struct fg_rule *rule, struct fg_error *error)
{
	const struct fg_node *at = fg_node_get(&book->entries[number - 1].node, "line");

	if (app->n_lines == 0)
		return fg_error_at(error, EINVAL, at,
				   "line: a feed has at most %u lines: expected A to %c",
				   FG_ARBITER_LINES_MAX, 'A' + (int)FG_ARBITER_LINES_MAX - 1);
	return fg_error_at(error, EINVAL, at,
			   "line: feed %s was started with %u lines, A to %c: more need a restart",
			   app->feeds[rule->feed]->conf.name, app->n_lines,
			   'A' + (int)app->n_lines - 1);
}

int feeds_check_rules(const struct app *app, const struct rulebook *book,
		      const struct fg_rules *rules, struct fg_error *error)
{
	const unsigned int max = app->n_lines > 0 ? app->n_lines : FG_ARBITER_LINES_MAX;

	for (uint32_t i = 1; i <= rules->count; i++)
		if (rule_line(app, &rules->rules[i]) > max)
			return refuse_line(app, book, i, &rules->rules[i], error);
	return 0;
}

static int try_rule(const struct app *app, uint32_t number, struct fg_error *error)
{
	const struct fg_rule *rule = &app->rules->rules[number];
	const struct fg_protocol *protocol = app->feeds[rule->feed]->conf.protocol;
	/* Room for one symbol is enough to compile the filter. */
	const struct fg_symbols_conf small = {
		.protocol = protocol, .symbols_max = 1, .socket_id = SOCKET_ID_ANY};
	struct fg_symbols *symbols = NULL;
	struct fg_msg_filter *filter = NULL;
	struct fg_msg_filter_conf conf;
	struct fg_error reason = {0};
	int rc = fg_symbols_create(&small, &symbols, &reason);

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

int feeds_assign(struct app *app, struct fg_error *error)
{
	const struct fg_feed_conf *confs[FEEDS_MAX];

	for (uint32_t i = 0; i < app->n_feeds; i++)
		confs[i] = &app->feeds[i]->conf;
	return fg_placement_feeds(&app->placement, confs, app->n_feeds, app->feed_owners, error);
}

int feeds_open(struct app *app, struct fg_error *error)
{
	for (uint32_t i = 0; i < app->n_feeds; i++) {
		struct feed_entry *entry = app->feeds[i];
		int rc;

		if (entry->conf.protocol == NULL)
			continue;
		rc = fg_feed_create(&entry->conf, app->n_lines,
				    fg_placement_socket(&app->placement, app->feed_owners[i]),
				    &entry->feed, error);
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
	const struct fg_arbiter *arbiter = fg_feed_arbiter(feed);

	fg_feed_counters(feed, totals->counters);
	fg_symbols_counters(fg_feed_symbols(feed), totals->symbols);
	fg_orders_counters(fg_feed_orders(feed), totals->orders);
	if (arbiter == NULL)
		return;
	fg_arbiter_totals(arbiter, totals->channels);
	totals->events_lost = fg_arbiter_events_lost(arbiter);
	for (unsigned int i = 0; i < fg_feed_n_lines(feed); i++)
		fg_arbiter_line(arbiter, i, &totals->lines[i]);
}

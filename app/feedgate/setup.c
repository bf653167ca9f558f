/* SPDX-License-Identifier: MIT */
#include "setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fg_names.h>
#include <fg_option.h>

#include "app.h"
#include "budget.h"
#include "entries.h"
#include "event_logs.h"
#include "feeds.h"
#include "feeds_watch.h"
#include "findings.h"
#include "ports.h"
#include "prefilter.h"
#include "symbols.h"

const char *const setup_part_names[PARTS] = {"sources", "parse", "classify", "pipeline",
					     "feeds",   "sinks", "events",   "reload"};

/* `rules` and `default` can be reloaded; the rulebook has them. */
static bool is_top_key(const char *key)
{
	for (size_t i = 0; i < PARTS; i++)
		if (strcmp(key, setup_part_names[i]) == 0)
			return true;
	return strcmp(key, "rules") == 0 || strcmp(key, "default") == 0;
}

static int unknown_top_key(const struct fg_node *node, struct fg_error *error)
{
	char names[128] = "";

	for (size_t i = 0, used = 0; i < PARTS; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s, ",
					 setup_part_names[i]);
	strncat(names, "rules or default", sizeof(names) - strlen(names) - 1);
	return fg_option_unknown_key(node, names, error);
}

static int check_top_keys(const struct fg_node *root, struct fg_error *error)
{
	if (root->kind != FG_NODE_MAP)
		return fg_error_at(error, EINVAL, root, "expected a map, found %s",
				   fg_node_kind_name(root));
	for (const struct fg_node *n = root->child; n != NULL; n = n->next)
		if (!is_top_key(n->key))
			return unknown_top_key(n, error);
	return 0;
}

/* Call @add for each entry of a list. */
static int each(struct app *app, const struct fg_node *list,
		int (*add)(struct app *, const struct fg_node *, struct fg_error *),
		struct fg_error *error)
{
	if (list == NULL)
		return 0;
	if (list->kind != FG_NODE_LIST)
		return fg_error_at(error, EINVAL, list, "%s: expected a list, found %s", list->key,
				   fg_node_kind_name(list));
	for (const struct fg_node *n = list->child; n != NULL; n = n->next) {
		const int rc = add(app, n, error);

		if (rc != 0)
			return rc;
	}
	return 0;
}

int setup_compile(const struct app *app, const struct rulebook *book, struct fg_rules **out,
		  struct fg_error *error)
{
	const char *sources[FG_SOURCES_MAX], *sinks[FG_SINKS_MAX], *feeds[FEEDS_MAX];
	const struct fg_protocol *protocols[FEEDS_MAX];
	const struct fg_scope scope = {
		.sources = sources,
		.sinks = sinks,
		.feeds = feeds,
		.n_sources = app->n_sources,
		.n_sinks = app->n_sinks,
		.n_feeds = app->n_feeds,
		.protocols = protocols,
	};
	struct fg_rules *rules;
	int rc;

	for (uint32_t i = 0; i < app->n_sources; i++)
		sources[i] = app->sources[i]->name;
	for (uint32_t i = 0; i < app->n_sinks; i++)
		sinks[i] = app->sinks[i]->name;
	for (uint32_t i = 0; i < app->n_feeds; i++) {
		feeds[i] = app->feeds[i]->conf.name;
		protocols[i] = app->feeds[i]->conf.protocol;
	}
	rc = fg_rules_load(&book->list, book->default_action, &scope, &rules, error);
	if (rc != 0)
		return rc;
	rc = feeds_check_rules(app, book, rules, error);
	if (rc != 0)
		fg_rules_free(rules);
	else
		*out = rules;
	return rc;
}

static int read_events(struct app *app, const struct fg_node *events, struct fg_error *error)
{
	return events != NULL ? event_logs_get(app, events, &app->events, error) : 0;
}

/* All but the rules. */
static int read_parts(struct app *app, const struct fg_node *root, struct fg_error *error)
{
	int rc = root != NULL ? check_top_keys(root, error) : 0;

	if (rc == 0)
		rc = fg_option_read(fg_parse_options, fg_node_get(root, "parse"), &app->parse,
				    error);
	if (rc == 0)
		rc = fg_option_read(fg_classify_options, fg_node_get(root, "classify"),
				    &app->classify, error);
	if (rc == 0)
		rc = fg_option_read(fg_pipeline_options, fg_node_get(root, "pipeline"),
				    &app->pipeline_conf, error);
	if (rc == 0)
		rc = reload_conf_read(fg_node_get(root, "reload"), &app->reload, error);
	if (rc == 0 && app->options.workers != NULL)
		rc = fg_option_set(fg_pipeline_option_workers, &app->pipeline_conf,
				   app->options.workers, NULL, error);
	if (rc == 0)
		rc = each(app, fg_node_get(root, "sources"), entries_add_source, error);
	if (rc == 0)
		rc = each(app, fg_node_get(root, "sinks"), entries_add_sink, error);
	if (rc == 0)
		rc = each(app, fg_node_get(root, "feeds"), feeds_add, error);
	if (rc == 0)
		rc = read_events(app, fg_node_get(root, "events"), error);
	return rc;
}

static void free_parts(struct app *app)
{
	entries_free(app);
	feeds_close(app);
	event_logs_free(app);
	fg_option_free(fg_parse_options, &app->parse);
	fg_option_free(fg_classify_options, &app->classify);
	fg_option_free(fg_pipeline_options, &app->pipeline_conf);
	fg_option_free(reload_options, &app->reload);
}

static int keep_parts(struct app *app, const struct fg_node *root, struct fg_error *error)
{
	for (size_t i = 0; i < PARTS; i++) {
		const struct fg_node *part = fg_node_get(root, setup_part_names[i]);

		app->parts[i] = part != NULL ? fg_config_text(part) : NULL;
		if (part != NULL && app->parts[i] == NULL)
			return fg_error_set(error, ENOMEM, "out of memory");
	}
	return 0;
}

int setup_read(struct app *app, struct fg_error *error)
{
	struct fg_config *file = NULL;
	const struct fg_node *root = NULL;
	int rc = 0;

	if (app->options.config_path != NULL) {
		rc = fg_config_load(app->options.config_path, &file, error);
		if (rc != 0)
			return rc;
		root = fg_config_root(file);
	}
	rc = read_parts(app, root, error);
	if (rc == 0)
		rc = keep_parts(app, root, error);
	if (rc == 0)
		rc = rulebook_read(&app->book, file, error);
	if (rc != 0) {
		fg_config_free(file);
		return rc;
	}
	rc = setup_compile(app, &app->book, &app->rules, error);
	return rc != 0 ? rc : feeds_count_lines(app, app->rules, error);
}

/* The names of the parts of @root that differ from app->parts. */
static int name_differing(const struct app *app, const struct fg_node *root, char *differing,
			  size_t size, struct fg_error *error)
{
	size_t used = 0;

	differing[0] = '\0';
	for (size_t i = 0; i < PARTS; i++) {
		const struct fg_node *part = fg_node_get(root, setup_part_names[i]);
		char *text;

		if (part == NULL)
			continue;
		text = fg_config_text(part);
		if (text == NULL)
			return fg_error_set(error, ENOMEM, "out of memory");
		if (app->parts[i] == NULL || strcmp(text, app->parts[i]) != 0)
			used += (size_t)snprintf(differing + used, size - used, "%s%s",
						 used > 0 ? ", " : "", setup_part_names[i]);
		free(text);
	}
	return 0;
}

int setup_compare(const struct app *app, const struct fg_node *root, char *differing, size_t size,
		  struct fg_error *error)
{
	struct app *other = calloc(1, sizeof(*other));
	int rc;

	if (other == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	rc = read_parts(other, root, error);
	free_parts(other);
	free(other);
	return rc != 0 ? rc : name_differing(app, root, differing, size, error);
}

int setup_try(struct app *app, struct fg_table_info *info, struct fg_error *error)
{
	const struct fg_table_conf conf = fg_classify_table_conf(&app->classify, SOCKET_ID_ANY);
	struct fg_table *table;
	const int rc =
		fg_table_build(&conf, app->rules->matches, app->rules->n_matches, &table, error);

	if (rc != 0)
		return rc;
	fg_table_info(table, info);
	fg_table_free(table);
	return feeds_try(app, error);
}

static int open_sources(struct app *app, struct fg_error *error)
{
	for (uint32_t i = 0; i < app->n_sources; i++) {
		struct source_entry *entry = app->sources[i];
		int rc;

		entry->source.nic_checksums = app->parse.checksums == FG_CHECKSUMS_NIC;
		rc = entry->source.ops->open(&entry->source, entry->conf, error);

		if (rc != 0)
			return rc;
		entry->open = true;
	}
	return 0;
}

static int open_sinks(struct app *app, struct fg_error *error)
{
	static const char *names[FG_SOURCES_MAX];

	int rc = budget_set(app, error);

	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < app->n_sources; i++)
		names[i] = app->sources[i]->name;
	for (uint32_t i = 0; i < app->n_sinks; i++) {
		struct sink_entry *entry = app->sinks[i];

		entry->sink.source_names = names;
		entry->sink.n_sources = (uint16_t)app->n_sources;
		rc = fg_sink_open(&entry->sink, entry->conf, error);
		if (rc != 0)
			return rc;
		entry->open = true;
		if (entry->sink.takes_stdout && app->options.stdout_closed)
			return fg_error_set(error, EBADF, "sink %s: standard output is closed",
					    entry->name);
	}
	return 0;
}

static int make_pipeline(struct app *app, struct fg_error *error)
{
	struct fg_source *sources[FG_SOURCES_MAX];
	struct fg_sink *sinks[FG_SINKS_MAX];
	struct fg_feed *feeds[FEEDS_MAX];
	const struct fg_pipeline_setup setup = {
		.conf = app->pipeline_conf,
		.placement = app->placement,
		.parse = app->parse,
		.classify = app->classify,
		.endpoints = {.sources = sources,
			      .n_sources = app->n_sources,
			      .sinks = sinks,
			      .n_sinks = app->n_sinks,
			      .feeds = feeds,
			      .owners = app->feed_owners,
			      .n_feeds = app->n_feeds},
	};

	for (uint32_t i = 0; i < app->n_sources; i++)
		sources[i] = &app->sources[i]->source;
	for (uint32_t i = 0; i < app->n_sinks; i++)
		sinks[i] = &app->sinks[i]->sink;
	for (uint32_t i = 0; i < app->n_feeds; i++)
		feeds[i] = app->feeds[i]->feed;
	return fg_pipeline_create(&setup, &app->pipeline, error);
}

int setup_open(struct app *app, struct fg_error *error)
{
	unsigned int n_queues = 0;
	int rc = feeds_try(app, error); /* Before anything is opened. */

	if (rc == 0 && app->n_sources == 0)
		rc = ports_as_sources(app, error);
	for (uint32_t i = 0; i < app->n_sources; i++)
		n_queues += app->sources[i]->source.n_queues;
	if (rc == 0)
		rc = fg_placement_make(&app->pipeline_conf, n_queues, &app->placement, error);
	if (rc == 0)
		rc = feeds_assign(app, error);
	if (rc == 0)
		rc = event_logs_open(app, error);
	if (rc == 0)
		rc = open_sources(app, error);
	if (rc == 0)
		rc = open_sinks(app, error);
	if (rc == 0)
		rc = feeds_open(app, error);
	if (rc == 0)
		rc = make_pipeline(app, error);
	if (rc == 0)
		rc = fg_pipeline_publish(app->pipeline, app->rules, error);
	if (rc == 0) {
		app->rules = NULL;
		prefilter_set(app, fg_pipeline_rules(app->pipeline));
		rc = feeds_watch_open(app, error);
	}
	if (rc == 0)
		rc = symbols_open(app, error);
	return rc;
}

/* Slices (packets cut down for a rule) that sinks still hold. */
static uint64_t count_slices(const struct app *app, struct fg_error *error)
{
	const uint64_t out = app->pipeline != NULL ? fg_pipeline_slices_out(app->pipeline) : 0;

	if (out > 0)
		(void)fg_error_set(error, EBADMSG, "%lu slices were not returned to their pool",
				   (unsigned long)out);
	return out;
}

uint64_t setup_close(struct app *app, struct snapshot *final, struct fg_error *error)
{
	uint64_t lost;

	for (uint32_t i = 0; i < app->n_sinks; i++)
		if (app->sinks[i]->open)
			fg_sink_close(&app->sinks[i]->sink);
	lost = count_slices(app, error);
	for (uint32_t i = 0; i < app->n_sources; i++) {
		struct fg_source *source = &app->sources[i]->source;
		uint64_t out;

		if (!app->sources[i]->open)
			continue;
		out = source->ops->outstanding(source);
		if (final != NULL)
			fg_source_count_lost(source, &final->lost[i]);
		if (out > 0)
			(void)fg_error_set(error, EBADMSG,
					   "source %s: %lu packets were not returned to their pool",
					   source->name, (unsigned long)out);
		lost += out;
		source->ops->close(source);
		app->sources[i]->open = false;
	}
	return lost;
}

void setup_free(struct app *app)
{
	fg_pipeline_free(app->pipeline);
	feeds_watch_free(app);
	symbols_free(app);
	fg_rules_free(app->rules);
	findings_free(&app->findings);
	free_parts(app);
	for (size_t i = 0; i < PARTS; i++)
		free(app->parts[i]);
	rulebook_free(&app->book);
	fg_names_reset();
}

/* SPDX-License-Identifier: MIT */
/* An entry has common keys, and one key that names the kind. */
#include "entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fg_node.h>
#include <fg_option.h>

#include "app.h"

/* Common keys of a source. */
struct source_common {
	char *name;
	char *line;
	uint64_t queues;
	uint64_t mbufs;
};

static const struct fg_option source_options[] = {
	{.name = "name", .type = FG_OPTION_STRING, .offset = offsetof(struct source_common, name)},
	{.name = "line",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct source_common, line),
	 .value = ""},
	{.name = "queues",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct source_common, queues),
	 .min = 1,
	 .max = FG_SOURCE_QUEUES_MAX,
	 .value = "1"},
	{.name = "mbufs",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct source_common, mbufs),
	 .min = 64,
	 .max = 1u << 26,
	 .value = "16384",
	 .unit = "packets"},
	{0}};

struct sink_common {
	char *name;
};

static const struct fg_option sink_options[] = {
	{.name = "name", .type = FG_OPTION_STRING, .offset = offsetof(struct sink_common, name)},
	{0}};

static bool is_common(const struct fg_option *rows, const char *key)
{
	for (; rows->name != NULL; rows++)
		if (strcmp(rows->name, key) == 0)
			return true;
	return false;
}

/* Read an entry's common keys; the other key is the kind. 0 with @kind set, or -EINVAL. */
static int read_common(const struct fg_node *node, const struct fg_option *rows, void *common,
		       const struct fg_node **kind, const char *kinds, struct fg_error *error)
{
	struct fg_node copies[8], map = {.kind = FG_NODE_MAP};
	struct fg_node **tail = &map.child;
	unsigned int n = 0;

	if (node->kind != FG_NODE_MAP)
		return fg_error_at(error, EINVAL, node,
				   "expected a map {name: ..., KIND: ...}, found %s",
				   fg_node_kind_name(node));
	map.file = node->file;
	map.line = node->line;
	map.column = node->column;
	*kind = NULL;
	for (const struct fg_node *c = node->child; c != NULL; c = c->next) {
		if (!is_common(rows, c->key)) {
			if (*kind != NULL)
				return fg_error_at(
					error, EINVAL, c,
					"unknown key '%s': expected one kind (%s), and '%s' "
					"is there already",
					c->key, kinds, (*kind)->key);
			*kind = c;
			continue;
		}
		copies[n] = *c;
		copies[n].next = NULL;
		*tail = &copies[n];
		tail = &copies[n++].next;
	}
	if (*kind == NULL)
		return fg_error_at(error, EINVAL, node, "a kind is missing: one of %s", kinds);
	return fg_option_read(rows, &map, common, error);
}

static int add_source(struct app *app, const struct fg_source_ops *ops,
		      const struct source_common *common, const struct fg_node *at,
		      struct source_entry **out, struct fg_error *error)
{
	struct source_entry *entry;
	uint8_t line = 0;

	if (app->n_sources == FG_SOURCES_MAX)
		return fg_error_at(error, EINVAL, at, "at most %u sources", FG_SOURCES_MAX);
	if (fg_name_check(common->name, at, error) != 0)
		return -EINVAL;
	for (uint32_t i = 0; i < app->n_sources; i++)
		if (strcmp(app->sources[i]->name, common->name) == 0)
			return fg_error_at(error, EINVAL, at, "a source is called '%s' already",
					   common->name);
	if (common->line[0] != '\0' && fg_line_read(common->line, &line) != 0)
		return fg_error_at(error, EINVAL, at, "line: '%s': expected a letter, A to Z",
				   common->line);
	entry = aligned_alloc(_Alignof(struct source_entry), sizeof(*entry));
	if (entry == NULL)
		return fg_error_at(error, ENOMEM, at, "out of memory");
	memset(entry, 0, sizeof(*entry));
	entry->conf = calloc(1, ops->conf_bytes);
	entry->name = strdup(common->name);
	entry->source.ops = ops;
	entry->source.name = entry->name;
	entry->source.index = (uint8_t)app->n_sources;
	entry->source.line = line;
	entry->source.n_queues = (uint16_t)common->queues;
	entry->source.mbufs = (uint32_t)common->mbufs;
	app->sources[app->n_sources++] = entry;
	*out = entry;
	return entry->conf != NULL && entry->name != NULL
		       ? 0
		       : fg_error_at(error, ENOMEM, at, "out of memory");
}

static int unknown_kind(const struct fg_node *node, const char *kinds, struct fg_error *error)
{
	char expected[160];

	snprintf(expected, sizeof(expected), "a kind: %s", kinds);
	return fg_option_unknown_key(node, expected, error);
}

int entries_add_source(struct app *app, const struct fg_node *node, struct fg_error *error)
{
	struct source_common common = {0};
	const struct fg_source_ops *ops;
	const struct fg_node *kind;
	struct source_entry *entry = NULL;
	char kinds[128] = "";
	int rc;

	for (unsigned int i = 0; fg_source_kinds[i] != NULL; i++)
		snprintf(kinds + strlen(kinds), sizeof(kinds) - strlen(kinds), "%s%s",
			 i > 0 ? ", " : "", fg_source_kinds[i]->name);
	rc = read_common(node, source_options, &common, &kind, kinds, error);
	if (rc != 0)
		return rc;
	ops = fg_source_kind(kind->key);
	rc = ops == NULL ? unknown_kind(kind, kinds, error)
			 : add_source(app, ops, &common, node, &entry, error);
	if (ops != NULL && rc == 0)
		rc = fg_option_read(ops->options, kind, entry->conf, error);
	fg_option_free(source_options, &common);
	return rc;
}

int entries_make_source(struct app *app, const char *kind, const char *name, const char *value,
			uint16_t n_queues, struct fg_error *error)
{
	char none[] = "", *copy = strdup(name);
	const struct source_common common = {copy, none, n_queues, 16384};
	const struct fg_source_ops *ops = fg_source_kind(kind);
	struct fg_node node = {.kind = FG_NODE_SCALAR, .file = "EAL", .text = value};
	struct source_entry *entry = NULL;
	int rc;

	rc = copy != NULL ? add_source(app, ops, &common, NULL, &entry, error)
			  : fg_error_set(error, ENOMEM, "out of memory");
	if (rc == 0)
		rc = fg_option_read(ops->options, &node, entry->conf, error);
	free(copy);
	return rc;
}

static int add_sink(struct app *app, const struct fg_sink_ops *ops, const char *name,
		    const struct fg_node *at, struct sink_entry **out, struct fg_error *error)
{
	struct sink_entry *entry;

	if (app->n_sinks == FG_SINKS_MAX)
		return fg_error_at(error, EINVAL, at, "at most %u sinks", FG_SINKS_MAX);
	if (fg_name_check(name, at, error) != 0)
		return -EINVAL;
	for (uint32_t i = 0; i < app->n_sinks; i++)
		if (strcmp(app->sinks[i]->name, name) == 0)
			return fg_error_at(error, EINVAL, at, "a sink is called '%s' already",
					   name);
	entry = aligned_alloc(_Alignof(struct sink_entry), sizeof(*entry));
	if (entry == NULL)
		return fg_error_at(error, ENOMEM, at, "out of memory");
	memset(entry, 0, sizeof(*entry));
	entry->conf = calloc(1, ops->conf_bytes > 0 ? ops->conf_bytes : 1);
	entry->name = strdup(name);
	entry->sink.ops = ops;
	entry->sink.name = entry->name;
	entry->sink.index = (uint8_t)app->n_sinks;
	app->sinks[app->n_sinks++] = entry;
	*out = entry;
	return entry->conf != NULL && entry->name != NULL
		       ? 0
		       : fg_error_at(error, ENOMEM, at, "out of memory");
}

int entries_add_sink(struct app *app, const struct fg_node *node, struct fg_error *error)
{
	struct sink_common common = {0};
	const struct fg_sink_ops *ops;
	const struct fg_node *kind;
	struct sink_entry *entry = NULL;
	char kinds[128] = "";
	int rc;

	for (unsigned int i = 0; fg_sink_kinds[i] != NULL; i++)
		snprintf(kinds + strlen(kinds), sizeof(kinds) - strlen(kinds), "%s%s",
			 i > 0 ? ", " : "", fg_sink_kinds[i]->name);
	rc = read_common(node, sink_options, &common, &kind, kinds, error);
	if (rc != 0)
		return rc;
	ops = fg_sink_kind(kind->key);
	rc = ops == NULL ? unknown_kind(kind, kinds, error)
			 : add_sink(app, ops, common.name, node, &entry, error);
	if (ops != NULL && rc == 0)
		rc = fg_option_read(ops->options, kind, entry->conf, error);
	fg_option_free(sink_options, &common);
	return rc;
}

void entries_free(struct app *app)
{
	for (uint32_t i = 0; i < app->n_sources; i++) {
		if (app->sources[i]->conf != NULL)
			fg_option_free(app->sources[i]->source.ops->options, app->sources[i]->conf);
		free(app->sources[i]->conf);
		free(app->sources[i]->name);
		free(app->sources[i]);
	}
	for (uint32_t i = 0; i < app->n_sinks; i++) {
		if (app->sinks[i]->conf != NULL)
			fg_option_free(app->sinks[i]->sink.ops->options, app->sinks[i]->conf);
		free(app->sinks[i]->conf);
		free(app->sinks[i]->name);
		free(app->sinks[i]);
	}
	app->n_sources = 0;
	app->n_sinks = 0;
}

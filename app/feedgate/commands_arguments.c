/* SPDX-License-Identifier: MIT */
#include "commands_arguments.h"

#include <string.h>

#include "app.h"

static uint32_t rule_count(const struct app *app)
{
	return fg_pipeline_rules(app->pipeline)->count;
}

static const char *rule_name(const struct app *app, uint32_t index)
{
	return fg_pipeline_rules(app->pipeline)->rules[index + 1].name;
}

static uint32_t source_count(const struct app *app)
{
	return app->n_sources;
}

static const char *source_name(const struct app *app, uint32_t index)
{
	return app->sources[index]->name;
}

static uint32_t feed_count(const struct app *app)
{
	return app->n_feeds;
}

static const char *feed_name(const struct app *app, uint32_t index)
{
	return app->feeds[index]->conf.name;
}

static const struct command_argument command_arguments[] = {
	{"RULE", "NAME", "name of a rule", ARGUMENT_NAME, rule_count, rule_name},
	{"SOURCE", "NAME", "name of a source", ARGUMENT_NAME, source_count, source_name},
	{"FEED", "NAME", "name of a feed", ARGUMENT_NAME, feed_count, feed_name},
	{"PORT", "N|all", "number of a port, or all", ARGUMENT_WORD, NULL, NULL},
	{"FILE", "FILE", "file name without blanks", ARGUMENT_WORD, NULL, NULL},
	{"PATH", "FILE", "file name", ARGUMENT_REST, NULL, NULL},
	{"RELOAD", "[force] FILE", "force, file name, or both", ARGUMENT_REST, NULL, NULL},
	{"DEFINITION", "RULE [WHERE]", "{name: NAME, match: {...}, to: SINKS} [WHERE]",
	 ARGUMENT_REST, NULL, NULL},
	{"FIELDS", "FIELD VALUE ...", "field and value", ARGUMENT_FIELDS, NULL, NULL},
};

const struct command_argument *command_argument_find(const char *name, size_t length)
{
	for (size_t i = 0; i < RTE_DIM(command_arguments); i++)
		if (strlen(command_arguments[i].name) == length &&
		    memcmp(command_arguments[i].name, name, length) == 0)
			return &command_arguments[i];
	return NULL;
}

/* SPDX-License-Identifier: MIT */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include <fg_stats.h>

#include "app.h"
#include "prefilter.h"
#include "setup.h"

/* How a new rule set differs from the running one, by rule names. */
struct change {
	uint32_t added, removed, kept;
};

static int count_change(const struct fg_rules *old, const struct fg_rules *new,
			struct change *change, struct fg_error *error)
{
	/* A bit for each rule id: a name keeps its id as long as the process lives. */
	uint8_t *seen = calloc(FG_RULE_IDS_MAX / 8, 1);

	if (seen == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	for (uint32_t i = 1; i <= old->count; i++)
		seen[old->rules[i].id / 8] |= (uint8_t)(1u << (old->rules[i].id % 8));
	for (uint32_t i = 1; i <= new->count; i++)
		change->kept +=
			(unsigned int)seen[new->rules[i].id / 8] >> (new->rules[i].id % 8) & 1u;
	change->added = new->count - change->kept;
	change->removed = old->count - change->kept;
	free(seen);
	return 0;
}

/* Compile @book and publish its rules. The caller keeps @book. */
static int publish(struct app *app, const struct rulebook *book, FILE *out, struct fg_error *error)
{
	const uint64_t begun = rte_rdtsc();
	struct fg_rules *rules;
	struct change change = {0};
	uint32_t n_rules, n_entries;
	int rc = setup_compile(app, book, &rules, error);

	if (rc != 0)
		return rc;
	rc = count_change(fg_pipeline_rules(app->pipeline), rules, &change, error);
	if (rc == 0) {
		prefilter_widen(app, fg_pipeline_rules(app->pipeline), rules);
		rc = fg_pipeline_publish(app->pipeline, rules, error);
		prefilter_set(app, fg_pipeline_rules(app->pipeline));
	}
	if (rc != 0) {
		fg_rules_free(rules);
		return rc;
	}
	n_rules = fg_pipeline_rules(app->pipeline)->count;
	n_entries = fg_pipeline_rules(app->pipeline)->n_matches;
	fprintf(out,
		"rules version %u: %u rules (%u entries), built in %.1f ms, %u added, %u removed, "
		"%u "
		"kept\n",
		fg_pipeline_rules_version(app->pipeline), n_rules, n_entries,
		(double)(rte_rdtsc() - begun) * 1e3 / (double)rte_get_tsc_hz(), change.added,
		change.removed, change.kept);
	return 0;
}

/* Publish the rules of @file. On success app->book owns @file. */
static int publish_file(struct app *app, struct fg_config *file, FILE *out, struct fg_error *error)
{
	struct rulebook book;
	int rc = rulebook_read(&book, file, error);

	if (rc != 0)
		return rc;
	rc = publish(app, &book, out, error);
	if (rc != 0) {
		rulebook_drop(&book);
		return rc;
	}
	rulebook_free(&app->book);
	app->book = book;
	return 0;
}

static int choose_path(const struct app *app, const char **path, struct fg_error *error)
{
	if (*path == NULL)
		*path = app->options.config_path;
	if (*path == NULL)
		return fg_error_set(error, EINVAL, "there is no -c FILE to reload: name a file");
	if (strcmp(*path, "-") == 0)
		return fg_error_set(error, EINVAL,
				    "standard input cannot be read again: name a file");
	return 0;
}

int reload_file(struct app *app, const char *path, FILE *out, struct fg_error *error)
{
	struct fg_config *file = NULL;
	char differing[128] = "";
	int rc = choose_path(app, &path, error);

	if (rc == 0)
		rc = fg_config_load(path, &file, error);
	if (rc == 0)
		rc = setup_compare(app, fg_config_root(file), differing, sizeof(differing), error);
	if (rc == 0)
		rc = publish_file(app, file, out, error);
	if (rc != 0)
		fg_config_free(file);
	if (differing[0] != '\0')
		fprintf(out,
			"%s: differs from the running configuration in what is read at start "
			"only: %s\n",
			path, differing);
	return rc;
}

int reload_edited(struct app *app, struct rulebook *edited, FILE *out, struct fg_error *error)
{
	const int rc = publish(app, edited, out, error);

	if (rc == 0)
		rulebook_replace(&app->book, edited);
	else
		rulebook_drop(edited);
	return rc;
}

void reload_on_signal(struct app *app, FILE *out)
{
	struct fg_error error = {0};

	if (reload_file(app, NULL, out, &error) != 0)
		fprintf(stderr, "feedgate: %s; the running rules stay, version %u\n", error.text,
			fg_pipeline_rules_version(app->pipeline));
	fflush(out);
}

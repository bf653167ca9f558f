/* SPDX-License-Identifier: MIT */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include <fg_names.h>

#include "app.h"
#include "prefilter.h"
#include "setup.h"

static void print_subscriptions(uint32_t count, FILE *out)
{
	if (count > 0)
		fprintf(out, ", %u subscription%s changed", count, count > 1 ? "s" : "");
}

/*
 * Compile @book and publish its rules, unless they change more than @limit allows (NULL: any
 * change). The caller keeps @book.
 */
static int publish(struct app *app, const struct rulebook *book, const struct reload_conf *limit,
		   FILE *out, struct fg_error *error)
{
	const uint64_t begun = rte_rdtsc();
	struct fg_rules *rules;
	struct change change = {0};
	uint32_t n_rules, n_entries;
	const uint32_t n_names = fg_names_count();
	int rc = setup_compile(app, book, &rules, error);

	if (rc != 0) {
		fg_names_forget(n_names);
		return rc;
	}
	rc = change_count(fg_pipeline_rules(app->pipeline), rules, &change, error);
	if (rc == 0 && limit != NULL)
		rc = change_check(limit, &change, fg_pipeline_rules(app->pipeline)->count, error);
	if (rc == 0) {
		prefilter_widen(app, fg_pipeline_rules(app->pipeline), rules);
		rc = fg_pipeline_publish(app->pipeline, rules, error);
		prefilter_set(app, fg_pipeline_rules(app->pipeline));
	}
	if (rc != 0) {
		fg_rules_free(rules);
		fg_names_forget(n_names);
		return rc;
	}
	n_rules = fg_pipeline_rules(app->pipeline)->count;
	n_entries = fg_pipeline_rules(app->pipeline)->n_matches;
	fprintf(out,
		"rules version %u: %u rules (%u entries), built in %.1f ms, %u added, %u removed, "
		"%u kept",
		fg_pipeline_rules_version(app->pipeline), n_rules, n_entries,
		(double)(rte_rdtsc() - begun) * 1e3 / (double)rte_get_tsc_hz(), change.added,
		change.removed, change.kept);
	print_subscriptions(change.subscriptions, out);
	fputc('\n', out);
	return 0;
}

/*
 * A file without `rules` is more often one that is half written than one that is to end all rules.
 */
static int require_rules(const struct fg_node *root, struct fg_error *error)
{
	if (fg_node_get(root, "rules") != NULL)
		return 0;
	return fg_error_at(error, EINVAL, root,
			   "there is no `rules`; to have no rule, write `rules: []`");
}

/* Publish the rules of @file. On success app->book owns @file. */
static int publish_file(struct app *app, struct fg_config *file, const struct reload_conf *limit,
			FILE *out, struct fg_error *error)
{
	struct rulebook book;
	int rc = require_rules(fg_config_root(file), error);

	if (rc == 0)
		rc = rulebook_read(&book, file, error);
	if (rc != 0)
		return rc;
	rc = publish(app, &book, limit, out, error);
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

int reload_file(struct app *app, const char *path, bool force, FILE *out, struct fg_error *error)
{
	struct fg_config *file = NULL;
	char differing[128] = "";
	int rc = choose_path(app, &path, error);

	if (rc == 0)
		rc = fg_config_load(path, &file, error);
	if (rc == 0)
		rc = setup_compare(app, fg_config_root(file), differing, sizeof(differing), error);
	if (rc == 0)
		rc = publish_file(app, file, force ? NULL : &app->reload, out, error);
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
	const int rc = publish(app, edited, NULL, out, error);

	if (rc == 0)
		rulebook_replace(&app->book, edited);
	else
		rulebook_drop(edited);
	return rc;
}

void reload_on_signal(struct app *app, FILE *out)
{
	struct fg_error error = {0};

	if (reload_file(app, NULL, false, out, &error) != 0)
		fprintf(stderr, "feedgate: %s; the running rules stay, version %u\n", error.text,
			fg_pipeline_rules_version(app->pipeline));
	fflush(out);
}

/* SPDX-License-Identifier: MIT */
#include "rules_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <fg_classbench.h>
#include <fg_names.h>
#include <fg_sink.h>
#include <fg_source.h>

#define FEEDS_MAX   1024u
#define SOURCE_NONE UINT8_MAX /* The source of packets if the file lists no sources. */

static int cannot_open(const char *path, struct fg_error *error)
{
	return fg_error_set(error, errno, "%s: cannot open: %s", path, strerror(errno));
}

/* The first character that is neither white space nor in a comment; comments begin with '#'. */
static int first_character(FILE *in)
{
	bool comment = false;
	int c;

	while ((c = getc(in)) != EOF && (comment || isspace(c) || c == '#'))
		comment = c != '\n' && (comment || c == '#');
	return c;
}

/* ClassBench's '@' cannot begin a YAML value. */
static int find_format(const char *path, enum rules_format *format, struct fg_error *error)
{
	FILE *in = strcmp(path, "-") != 0 ? fopen(path, "r") : NULL;
	struct stat status;
	int rc = 0;

	if (in == NULL && strcmp(path, "-") != 0)
		return cannot_open(path, error);
	if (in == NULL || fstat(fileno(in), &status) != 0 || !S_ISREG(status.st_mode))
		rc = fg_error_set(error, EINVAL, "%s: not a regular file, so --format is needed",
				  path);
	else
		*format = first_character(in) == '@' ? FORMAT_CLASSBENCH : FORMAT_YAML;
	if (in != NULL)
		fclose(in);
	return rc;
}

static bool has_name(const struct names *names, const char *name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (strcmp(names->at[i], name) == 0)
			return true;
	return false;
}

static int add_name(struct names *names, const char *what, const struct fg_node *at,
		    struct fg_error *error)
{
	if (at->kind != FG_NODE_SCALAR || has_name(names, at->text))
		return 0;
	if (names->count == names->max)
		return fg_error_at(error, EINVAL, at, "at most %u %s", names->max, what);
	if (names->at == NULL)
		names->at = calloc(names->max, sizeof(*names->at));
	if (names->at == NULL)
		return fg_error_at(error, ENOMEM, at, "out of memory");
	names->at[names->count++] = at->text;
	return 0;
}

/* Add a name, or a list of names. */
static int add_names(struct names *names, const char *what, const struct fg_node *at,
		     struct fg_error *error)
{
	int rc = 0;

	if (at == NULL || at->kind != FG_NODE_LIST)
		return at != NULL ? add_name(names, what, at, error) : 0;
	for (const struct fg_node *n = at->child; n != NULL && rc == 0; n = n->next)
		rc = add_name(names, what, n, error);
	return rc;
}

/* Read the names of the list `sources`, `sinks` or `feeds`; nothing is opened. */
static int read_listed(struct names *names, const struct fg_node *list, struct fg_error *error)
{
	int rc = 0;

	if (list->kind != FG_NODE_LIST)
		return fg_error_at(error, EINVAL, list, "%s: expected a list, found %s", list->key,
				   fg_node_kind_name(list));
	for (const struct fg_node *n = list->child; n != NULL && rc == 0; n = n->next) {
		const struct fg_node *name = fg_node_get(n, "name");

		if (name == NULL || name->kind != FG_NODE_SCALAR)
			return fg_error_at(error, EINVAL, n, "'name' is missing");
		rc = fg_name_check(name->text, name, error);
		if (rc == 0)
			rc = add_name(names, list->key, name, error);
	}
	return rc;
}

/* If a list is missing, the names that rules use are taken to exist. */
static int read_used(struct rules_file *file, const struct fg_node *root, struct fg_error *error)
{
	const struct fg_node *rules = fg_node_get(root, "rules");
	const bool sources = fg_node_get(root, "sources") == NULL;
	const bool sinks = fg_node_get(root, "sinks") == NULL;
	const bool feeds = fg_node_get(root, "feeds") == NULL;
	int rc = 0;

	for (const struct fg_node *n = rules != NULL ? rules->child : NULL; n != NULL && rc == 0;
	     n = n->next) {
		if (sources)
			rc = add_names(&file->sources, "sources",
				       fg_node_get(fg_node_get(n, "match"), "source"), error);
		if (rc == 0 && sinks)
			rc = add_names(&file->sinks, "sinks", fg_node_get(n, "to"), error);
		if (rc == 0 && feeds)
			rc = add_names(&file->feeds, "feeds", fg_node_get(n, "feed"), error);
	}
	if (rc == 0 && sinks)
		rc = add_names(&file->sinks, "sinks",
			       fg_node_get(fg_node_get(root, "default"), "to"), error);
	return rc;
}

static int read_names(struct rules_file *file, const struct fg_node *root, struct fg_error *error)
{
	const struct {
		const char *key;
		struct names *names;
	} lists[] = {{"sources", &file->sources}, {"sinks", &file->sinks}, {"feeds", &file->feeds}};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct fg_node *list = fg_node_get(root, lists[i].key);
		const int rc = list != NULL ? read_listed(lists[i].names, list, error) : 0;

		if (rc != 0)
			return rc;
	}
	return read_used(file, root, error);
}

/* Set the source of packets, and their line: that of the source, unless an option names one. */
static int set_origin(struct rules_file *file, const struct options *options,
		      const struct fg_node *sources, struct fg_error *error)
{
	const struct fg_node *entry = sources != NULL ? sources->child : NULL, *line;
	uint8_t index = 0;

	file->parse.source = SOURCE_NONE;
	if (options->source != NULL) {
		while (index < file->sources.count &&
		       strcmp(file->sources.at[index], options->source) != 0)
			index++;
		if (index == file->sources.count)
			return fg_error_set(error, EINVAL,
					    "--source: no source of %s is called '%s'",
					    options->rules_path, options->source);
		while (entry != NULL &&
		       strcmp(fg_node_get(entry, "name")->text, options->source) != 0)
			entry = entry->next;
		file->parse.source = index;
	} else if (entry != NULL) {
		file->parse.source = 0;
	}
	line = fg_node_get(entry, "line");
	if (options->line != NULL && fg_line_read(options->line, &file->parse.line) != 0)
		return fg_error_set(error, EINVAL, "--line '%s': expected a letter, A to Z",
				    options->line);
	if (options->line == NULL && line != NULL &&
	    (line->kind != FG_NODE_SCALAR || fg_line_read(line->text, &file->parse.line) != 0))
		return fg_error_at(error, EINVAL, line, "line: expected a letter, A to Z");
	return 0;
}

static int load_yaml(struct rules_file *file, const struct options *options, struct fg_error *error)
{
	const struct fg_node *root = NULL;
	int rc = fg_config_load(options->rules_path, &file->config, error);

	if (rc != 0)
		return rc;
	root = fg_config_root(file->config);
	/* The other keys are not read here, but a file without these is no configuration. */
	if (fg_node_get(root, "rules") == NULL && fg_node_get(root, "default") == NULL)
		return fg_error_at(error, EINVAL, root, "expected a map with 'rules' or 'default'");
	rc = fg_option_read(fg_parse_options, fg_node_get(root, "parse"), &file->parse.conf, error);
	if (rc == 0)
		rc = fg_option_read(fg_classify_options, fg_node_get(root, "classify"),
				    &file->classify, error);
	if (rc == 0)
		rc = read_names(file, root, error);
	if (rc == 0)
		rc = fg_rules_load(fg_node_get(root, "rules"), fg_node_get(root, "default"),
				   &(struct fg_scope){
					   .sources = file->sources.at,
					   .sinks = file->sinks.at,
					   .feeds = file->feeds.at,
					   .n_sources = file->sources.count,
					   .n_sinks = file->sinks.count,
					   .n_feeds = file->feeds.count,
				   },
				   &file->rules, error);
	return rc != 0 ? rc : set_origin(file, options, fg_node_get(root, "sources"), error);
}

/* A ClassBench rule has no action: its sink is called "match". */
static int load_classbench(struct rules_file *file, const struct options *options,
			   struct fg_error *error)
{
	static const struct fg_node match = {.kind = FG_NODE_SCALAR, .text = "match"};
	const bool standard = strcmp(options->rules_path, "-") == 0;
	FILE *in = standard ? stdin : fopen(options->rules_path, "r");
	int rc;

	if (in == NULL)
		return cannot_open(options->rules_path, error);
	rc = add_name(&file->sinks, "sinks", &match, error);
	if (rc == 0)
		rc = fg_option_read(fg_parse_options, NULL, &file->parse.conf, error);
	if (rc == 0)
		rc = fg_option_read(fg_classify_options, NULL, &file->classify, error);
	if (rc == 0)
		rc = fg_classbench_load(in, standard ? "stdin" : options->rules_path, 1,
					&file->rules, error);
	if (!standard)
		fclose(in);
	return rc != 0 ? rc : set_origin(file, options, NULL, error);
}

/* Set an option of the file to the value of a command line option. */
static int override(struct fg_classify_conf *conf, const char *name, const char *text,
		    struct fg_error *error)
{
	const struct fg_option *row = fg_classify_options;

	if (text == NULL)
		return 0;
	while (strcmp(row->name, name) != 0)
		row++;
	return fg_option_set(row, conf, text, NULL, error);
}

int rules_file_load(struct rules_file *file, const struct options *options, struct fg_error *error)
{
	enum rules_format format = options->format;
	int rc = 0;

	file->sources.max = FG_SOURCES_MAX;
	file->sinks.max = FG_SINKS_MAX;
	file->feeds.max = FEEDS_MAX;
	if (format == FORMAT_AUTO)
		rc = find_format(options->rules_path, &format, error);
	if (rc == 0)
		rc = format == FORMAT_YAML ? load_yaml(file, options, error)
					   : load_classbench(file, options, error);
	if (rc == 0)
		rc = override(&file->classify, "engine", options->engine, error);
	if (rc == 0)
		rc = override(&file->classify, "variant", options->variant, error);
	if (rc == 0)
		rc = override(&file->classify, "budget", options->budget, error);
	return rc;
}

void rules_file_free(struct rules_file *file)
{
	fg_rules_free(file->rules);
	free(file->sources.at);
	free(file->sinks.at);
	free(file->feeds.at);
	fg_option_free(fg_parse_options, &file->parse.conf);
	fg_option_free(fg_classify_options, &file->classify);
	fg_config_free(file->config);
	fg_names_reset();
}

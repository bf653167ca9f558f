/* SPDX-License-Identifier: MIT */
#include "edit.h"

#include <errno.h>
#include <string.h>

#include "app.h"
#include "reload.h"

#define ADDED_NAME "rules add" /* instead of a file in messages */

/* What follows the quoted text at @at; the end of the text if it is not closed. */
static const char *skip_quoted(const char *at)
{
	const char quote = *at++;

	for (; *at != '\0'; at++) {
		const bool escaped = quote == '"' ? *at == '\\' : *at == quote && at[1] == quote;

		if (escaped && at[1] != '\0')
			at++;
		else if (*at == quote)
			return at + 1;
	}
	return at;
}

/*
 * What follows the `{...}` at @text; NULL if it is not closed. As in YAML a quote has a meaning
 * only where a value or key begins: it's is a plain text.
 */
static const char *skip_map(const char *text)
{
	unsigned int depth = 0;
	bool begins = true;

	while (*text != '\0') {
		const char c = *text;

		if (begins && (c == '"' || c == '\'')) {
			text = skip_quoted(text);
			/* YAML allows "key":value without a blank. */
			begins = *text == ':';
			text += begins;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		text++;
		if (depth == 0)
			return text;
		if (c != ' ' && c != '\t')
			begins = strchr("{[,", c) != NULL ||
				 (c == ':' && (*text == ' ' || *text == '\t'));
	}
	return NULL;
}

enum rulebook_where place_named(const char *word)
{
	if (strcmp(word, "first") == 0)
		return PLACE_FIRST;
	if (strcmp(word, "before") == 0)
		return PLACE_BEFORE;
	return strcmp(word, "after") == 0 ? PLACE_AFTER : PLACE_LAST;
}

static int read_place(const char *text, struct rulebook_place *place, char *name,
		      struct fg_error *error)
{
	char word[16] = "", more[2] = "";
	int n;

	place->where = PLACE_LAST;
	place->name = name;
	n = sscanf(text, "%15s %64s %1s", word, name, more);
	if (n <= 0)
		return 0;
	place->where = place_named(word);
	if (n == 1 && (strcmp(word, "first") == 0 || strcmp(word, "last") == 0))
		return 0;
	if (n == 2 && (place->where == PLACE_BEFORE || place->where == PLACE_AFTER))
		return 0;
	return fg_error_set(error, EINVAL,
			    "'%s' after the rule: expected first, last, before NAME or after NAME",
			    text + strspn(text, " \t"));
}

/* Load the text of a rule as a file of its own. */
static int read_rule(const char *text, size_t length, struct fg_config **rule,
		     struct fg_error *error)
{
	const struct fg_node *root;
	int rc = fg_config_load_text(ADDED_NAME, text, length, rule, error);

	if (rc != 0)
		return rc;
	root = fg_config_root(*rule);
	if (root->kind == FG_NODE_MAP)
		return 0;
	rc = fg_error_at(error, EINVAL, root, "expected a rule, {name: ..., ...}, found %s",
			 fg_node_kind_name(root));
	fg_config_free(*rule);
	return rc;
}

int edit_add(struct app *app, const char *text, FILE *out, struct fg_error *error)
{
	const char *end = text[0] == '{' ? skip_map(text) : NULL;
	char name[FG_NAME_BYTES_MAX + 1] = "";
	struct fg_config *rule = NULL;
	struct rulebook_place place;
	struct rulebook edited;
	int rc;

	if (end == NULL)
		end = text + strlen(text); /* libyaml reports what is wrong. */
	rc = read_place(end, &place, name, error);
	if (rc == 0)
		rc = read_rule(text, (size_t)(end - text), &rule, error);
	if (rc != 0)
		return rc;
	rc = rulebook_add(&app->book, rule, &place, &edited, error);
	if (rc == 0)
		rc = reload_edited(app, &edited, out, error);
	if (rc != 0)
		fg_config_free(rule);
	return rc;
}

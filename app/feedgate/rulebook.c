/* SPDX-License-Identifier: MIT */
#include "rulebook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Children of the list are the entries, in order. */
static void link_entries(struct rulebook *book)
{
	for (uint32_t i = 0; i < book->count; i++)
		book->entries[i].node.next =
			i + 1 < book->count ? &book->entries[i + 1].node : NULL;
	book->list.kind = FG_NODE_LIST;
	book->list.child = book->count > 0 ? &book->entries[0].node : NULL;
	book->list.count = book->count;
}

/* A copy of @from with uninitialised room for @count entries. */
static int begin(const struct rulebook *from, uint32_t count, struct rulebook *out,
		 struct fg_error *error)
{
	*out = *from;
	out->count = count;
	out->entries = malloc(((size_t)count + 1) * sizeof(*out->entries));
	if (out->entries != NULL)
		return 0;
	*out = (struct rulebook){0};
	return fg_error_set(error, ENOMEM, "no memory for %u rules", count);
}

int rulebook_read(struct rulebook *book, struct fg_config *file, struct fg_error *error)
{
	const struct fg_node *root = file != NULL ? fg_config_root(file) : NULL;
	const struct fg_node *rules = fg_node_get(root, "rules");
	const struct rulebook empty = {
		.file = file,
		.default_action = fg_node_get(root, "default"),
		.list = {.file = root != NULL ? root->file : NULL},
	};
	uint32_t i = 0;
	int rc;

	if (rules != NULL && rules->kind != FG_NODE_LIST)
		return fg_error_at(error, EINVAL, rules, "rules: expected a list, found %s",
				   fg_node_kind_name(rules));
	rc = begin(&empty, rules != NULL ? rules->count : 0, book, error);
	if (rc != 0)
		return rc;
	if (rules != NULL)
		book->list = *rules;
	for (const struct fg_node *n = rules != NULL ? rules->child : NULL; n != NULL; n = n->next)
		book->entries[i++] = (struct rulebook_entry){.node = *n};
	link_entries(book);
	return 0;
}

static int find(const struct rulebook *book, const char *name, uint32_t *index,
		struct fg_error *error)
{
	for (uint32_t i = 0; i < book->count; i++)
		if (strcmp(fg_node_get(&book->entries[i].node, "name")->text, name) == 0) {
			*index = i;
			return 0;
		}
	return fg_error_set(error, ENOENT, "no rule is called '%s'", name);
}

/* The index of a rule that is inserted at @place. */
static int find_place(const struct rulebook *book, const struct rulebook_place *place,
		      uint32_t *index, struct fg_error *error)
{
	if (place->where == PLACE_BEFORE || place->where == PLACE_AFTER) {
		const int rc = find(book, place->name, index, error);

		if (rc == 0 && place->where == PLACE_AFTER)
			*index += 1;
		return rc;
	}
	*index = place->where == PLACE_FIRST ? 0 : book->count;
	return 0;
}

/* @out = @book without entry @skip, and with @more before the entry that was at @at. */
static void splice(const struct rulebook *book, uint32_t skip, uint32_t at,
		   const struct rulebook_entry *more, struct rulebook *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i <= book->count; i++) {
		if (more != NULL && i == at)
			out->entries[n++] = *more;
		if (i < book->count && i != skip)
			out->entries[n++] = book->entries[i];
	}
	link_entries(out);
}

int rulebook_add(const struct rulebook *book, struct fg_config *rule,
		 const struct rulebook_place *place, struct rulebook *out, struct fg_error *error)
{
	const struct rulebook_entry more = {.node = *fg_config_root(rule), .own = rule};
	uint32_t at;
	int rc = find_place(book, place, &at, error);

	if (rc == 0)
		rc = begin(book, book->count + 1, out, error);
	if (rc == 0)
		splice(book, UINT32_MAX, at, &more, out);
	return rc;
}

int rulebook_delete(const struct rulebook *book, const char *name, struct rulebook *out,
		    struct fg_error *error)
{
	uint32_t skip;
	int rc = find(book, name, &skip, error);

	if (rc == 0)
		rc = begin(book, book->count - 1, out, error);
	if (rc != 0)
		return rc;
	splice(book, skip, 0, NULL, out);
	out->removed = book->entries[skip].own;
	return 0;
}

int rulebook_move(const struct rulebook *book, const char *name, const struct rulebook_place *place,
		  struct rulebook *out, struct fg_error *error)
{
	uint32_t from, to;
	int rc = find(book, name, &from, error);

	if (rc == 0)
		rc = find_place(book, place, &to, error);
	if (rc == 0)
		rc = begin(book, book->count, out, error);
	if (rc == 0) {
		const struct rulebook_entry moved = book->entries[from];

		splice(book, from, to, &moved, out);
	}
	return rc;
}

void rulebook_replace(struct rulebook *book, struct rulebook *edited)
{
	fg_config_free(edited->removed);
	edited->removed = NULL;
	free(book->entries);
	*book = *edited;
}

void rulebook_drop(struct rulebook *edited)
{
	free(edited->entries);
	*edited = (struct rulebook){0};
}

void rulebook_print(const struct rulebook *book, FILE *out)
{
	fputs(book->count > 0 ? "rules:\n" : "rules: []\n", out);
	for (uint32_t i = 0; i < book->count; i++) {
		fputs("  - ", out);
		fg_config_print(out, &book->entries[i].node);
		fputc('\n', out);
	}
	fputs("default: ", out);
	if (book->default_action != NULL)
		fg_config_print(out, book->default_action);
	else
		fputs("drop", out);
	fputc('\n', out);
}

void rulebook_free(struct rulebook *book)
{
	for (uint32_t i = 0; i < book->count; i++)
		fg_config_free(book->entries[i].own);
	free(book->entries);
	fg_config_free(book->file);
	*book = (struct rulebook){0};
}

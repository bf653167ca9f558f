/* SPDX-License-Identifier: MIT */
#include "expressions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fg_node.h>

/* The place of @p text in the expressions of @p set, which are sorted by text. */
static uint32_t find(const struct fg_rules *set, const char *text)
{
	uint32_t low = 0, high = set->n_exprs;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (strcmp(fg_expr_text(set->exprs[middle]), text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The text on one line, for messages: a block scalar ("expr: |") has line breaks. The positions of
 * characters stay. The caller frees it; NULL without memory.
 */
static char *one_line(const char *text)
{
	char *copy = strdup(text);
	size_t length;

	if (copy == NULL)
		return NULL;
	for (char *at = copy; (at = strpbrk(at, "\n\t")) != NULL;)
		*at = ' ';
	for (length = strlen(copy); length > 0 && copy[length - 1] == ' ';)
		copy[--length] = '\0';
	return copy;
}

static int insert(struct fg_rules *set, uint32_t place, const char *text,
		  const struct fg_node *node, struct fg_error *error)
{
	struct fg_error reason = {0};
	struct fg_expr *expr = NULL;
	int rc;

	if (set->n_exprs == FG_EXPRS_MAX)
		return fg_error_at(error, E2BIG, node, "expr: the rules have over %u expressions",
				   FG_EXPRS_MAX);
	if (set->exprs == NULL)
		set->exprs = calloc(FG_EXPRS_MAX, sizeof(struct fg_expr *));
	if (set->exprs == NULL)
		return fg_error_at(error, ENOMEM, node, "out of memory");
	rc = fg_expr_compile(text, &expr, &reason);
	if (rc != 0)
		return fg_error_at(error, -rc, node, "expr: %s", reason.text);
	memmove(&set->exprs[place + 1], &set->exprs[place],
		(set->n_exprs - place) * sizeof(struct fg_expr *));
	set->exprs[place] = expr;
	set->n_exprs++;
	return 0;
}

int expressions_get(struct fg_rules *set, const struct fg_node *node, const struct fg_expr **out,
		    struct fg_error *error)
{
	uint32_t place;
	char *text;
	int rc = 0;

	if (node->kind != FG_NODE_SCALAR)
		return fg_error_at(error, EINVAL, node, "expr: expected an expression, found %s",
				   fg_node_kind_name(node));
	text = one_line(node->text);
	if (text == NULL)
		return fg_error_at(error, ENOMEM, node, "out of memory");
	place = find(set, text);
	if (place == set->n_exprs || strcmp(fg_expr_text(set->exprs[place]), text) != 0)
		rc = insert(set, place, text, node, error);
	if (rc == 0)
		*out = set->exprs[place];
	free(text);
	return rc;
}

void expressions_free(struct fg_rules *set)
{
	for (uint32_t i = 0; i < set->n_exprs; i++)
		fg_expr_free(set->exprs[i]);
	free(set->exprs);
	set->exprs = NULL;
	set->n_exprs = 0;
}

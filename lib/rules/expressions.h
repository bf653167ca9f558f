/* SPDX-License-Identifier: MIT */
/* The expressions of a rule set, each compiled once. */
#ifndef RULES_EXPRESSIONS_H
#define RULES_EXPRESSIONS_H

#include <fg_error.h>
#include <fg_rules.h>

struct fg_node;

/*
 * The expression with the text of @p node, compiled unless @p set has it. The set
 * owns it. 0; -EINVAL; -E2BIG over FG_EXPRS_MAX; -ENOMEM.
 */
int expressions_get(struct fg_rules *set, const struct fg_node *node, const struct fg_expr **out,
		    struct fg_error *error);

void expressions_free(struct fg_rules *set);

#endif /* RULES_EXPRESSIONS_H */

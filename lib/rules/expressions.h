/* SPDX-License-Identifier: MIT */
/* The expressions of a set of rules. */
#ifndef RULES_EXPRESSIONS_H
#define RULES_EXPRESSIONS_H

#include <fg_error.h>
#include <fg_rules.h>

struct fg_node;

/*
 * The expression that @p node says, compiled now unless a rule said the same
 * before. The set owns it. 0; -EINVAL, -E2BIG past FG_EXPRS_MAX, -ENOMEM.
 */
int expressions_get(struct fg_rules *set, const struct fg_node *node, const struct fg_expr **out,
		    struct fg_error *error);

void expressions_free(struct fg_rules *set);

#endif /* RULES_EXPRESSIONS_H */

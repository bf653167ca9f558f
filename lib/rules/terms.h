/* SPDX-License-Identifier: MIT */
/*
 * Compiles the `match` of a rule to entries. Each key gives a list of terms, one
 * for each of its values; the entries are all combinations of one term of each key.
 */
#ifndef RULES_TERMS_H
#define RULES_TERMS_H

#include <fg_classify.h>
#include <fg_error.h>
#include <fg_rules.h>

struct fg_node;

/* A growing array of entries, or of parts of them. Zeroed: empty. */
struct terms {
	struct fg_match *at;
	uint32_t count;
	uint32_t room;
	uint32_t n_expr; /* with an expression */
};

void terms_free(struct terms *terms);

/*
 * Compile the `match` of the rule at @p node (without one the rule matches
 * everything) and append its entries, with rule number @p rule, to @p out.
 * Its expressions are added to @p set. 0 or -errno with @p error set.
 */
int terms_compile(const struct fg_node *node, uint32_t rule, const struct fg_scope *scope,
		  struct fg_rules *set, struct terms *out, struct fg_error *error);

#endif /* RULES_TERMS_H */

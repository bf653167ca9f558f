/* SPDX-License-Identifier: MIT */
/* A rule's `match` as entries: alternatives per key, multiplied. */
#ifndef RULES_TERMS_H
#define RULES_TERMS_H

#include <fg_classify.h>
#include <fg_error.h>
#include <fg_rules.h>

/* A growing array of (partial) entries. Zeroed: empty. */
struct terms {
	struct fg_match *at;
	uint32_t count;
	uint32_t room;
	uint32_t n_expr; /* with an expression */
};

/* Append one; 0, -ENOMEM, or -E2BIG past FG_MATCHES_MAX. */
int terms_add(struct terms *terms, const struct fg_match *term);

void terms_free(struct terms *terms);

/*
 * Compile @p match (NULL: everything) and append its entries, with rule number
 * @p rule, to @p out; expressions go to @p set. 0 or -errno with @p error set.
 */
int terms_compile(const struct fg_node *match, const struct fg_node *at, uint32_t rule,
		  const struct fg_scope *scope, struct fg_rules *set, struct terms *out,
		  struct fg_error *error);

/* Index of @p name in @p names, or -1. */
int name_index(const char *const *names, uint32_t count, const char *name);

#endif /* RULES_TERMS_H */

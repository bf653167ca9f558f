/* SPDX-License-Identifier: MIT */
/* The operations of an engine, and the engines. fg_classify.c lists them. */
#ifndef CLASSIFY_ENGINE_H
#define CLASSIFY_ENGINE_H

#include <fg_classify.h>

struct engine {
	const char *name;

	/*
	 * Build a table from valid entries, without those that have an expression.
	 * tiers[i] is FG_TIER_WILDCARD for the others; an engine with an exact tier
	 * sets FG_TIER_EXACT for the entries in it. 0 and *out, or -errno and @p error.
	 */
	int (*build)(const struct fg_table_conf *conf, const struct fg_match *matches,
		     uint32_t count, uint8_t *tiers, void **out, struct fg_error *error);
	/* Set rules[i] as fg_table_lookup() does. Hot. */
	void (*lookup)(const void *table, const struct fg_key *keys, uint32_t *rules,
		       unsigned int count);
	/* Set variant, bytes, n_hashes, n_trees and worst_compares, as far as known. */
	void (*info)(const void *table, struct fg_table_info *info);
	void (*free)(void *table);
};

extern const struct engine engine_tiered;
extern const struct engine engine_acl;
extern const struct engine engine_linear;

#endif /* CLASSIFY_ENGINE_H */

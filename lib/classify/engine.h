/* SPDX-License-Identifier: MIT */
/* What an engine provides, and the list of them. */
#ifndef CLASSIFY_ENGINE_H
#define CLASSIFY_ENGINE_H

#include <fg_classify.h>

struct engine {
	const char *name;

	/*
	 * @p matches are valid; those with an expression are to be left out.
	 * tiers[i] holds FG_TIER_WILDCARD for the others: an engine that has
	 * an exact tier says so there. 0 and *out, or -errno and @p error.
	 */
	int (*build)(const struct fg_table_conf *conf, const struct fg_match *matches,
		     uint32_t count, uint8_t *tiers, void **out, struct fg_error *error);
	void (*lookup)(const void *table, const struct fg_key *keys, uint32_t *rules,
		       unsigned int count);
	/* Fill what it knows of variant, bytes, n_hashes, n_trees and worst_compares. */
	void (*info)(const void *table, struct fg_table_info *info);
	void (*free)(void *table);
};

extern const struct engine engine_tiered;
extern const struct engine engine_acl;
extern const struct engine engine_linear;

#endif /* CLASSIFY_ENGINE_H */

/* SPDX-License-Identifier: MIT */
/* What the builders of the tiered table share. */
#ifndef CLASSIFY_BUILD_H
#define CLASSIFY_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "tiered.h"

/* What a build may still use. */
struct budget {
	uint64_t bytes; /* of the table */
	int socket_id;
};

/* Memory of the table, on cache lines. 0, -E2BIG or -ENOMEM. */
int budget_alloc(struct budget *budget, size_t bytes, void **out, struct fg_error *error);

/* The ports as part of a mask and value, if each of them is one number or any. */
bool match_as_words(const struct fg_match *match, uint64_t *values, uint64_t *masks);

/* tiers.c */

/* Build both tiers. tiers[i] becomes FG_TIER_EXACT for entries that are hashed. */
int tiers_build(struct tiered *tiered, const struct fg_match *matches, uint32_t count,
		uint8_t *tiers, struct budget *budget, struct fg_error *error);

/* hashes.c */

/*
 * Does the entry name whole fields only, so that a hash can find it? Then
 * @p masks says which.
 */
bool hash_fits(const struct fg_match *match, uint64_t *masks);

/*
 * Put the entries @p ids, all of one combination, into hashes: one, and more
 * only for what overflows. Left over at last are *n_left entries, at the
 * beginning of @p ids. 0, -E2BIG or -ENOMEM.
 */
int hashes_build(struct tiered *tiered, const struct fg_match *matches, uint32_t *ids,
		 uint32_t count, const uint64_t *masks, struct budget *budget, uint32_t *n_left,
		 struct fg_error *error);

void hash_free(struct hash *hash);

/* cut.c */

/* An entry as cutting sees it. */
struct cube {
	uint64_t values[KEY_WORDS];
	uint64_t masks[KEY_WORDS]; /* ports: as far as all of the range agree */
	uint32_t rank;
	bool ranged; /* A port's range is more than its mask says. */
};

/* A growing array. */
struct numbers {
	uint32_t *at;
	uint32_t count, room;
};

struct nodes {
	struct node *at;
	uint32_t count, room;
};

/* A tree that is being cut. A leaf's reference is REF_LEAF and where its list starts in lists. */
struct cutting {
	const struct cube *cubes;
	unsigned int lanes;
	uint32_t leaf_max;         /* entries in a leaf that is not worth cutting */
	uint32_t gain_min;         /* a bit must lower the sum of costs by this, of 256 */
	uint64_t copies_left;      /* entries that leaves may still hold */
	uint64_t work_left;        /* bounds the time: entries times words looked at */
	uint64_t fixed[KEY_WORDS]; /* bits that the way from the root has used */
	struct nodes nodes;
	struct numbers kids;
	struct numbers lists; /* length, then so many ids, rank ascending */
	uint32_t longest;     /* leaf */
	uint32_t blocks;
	bool no_memory;
};

/*
 * Cut the entries @p ids, rank ascending, into a tree. @return its root; look at
 * no_memory afterwards.
 */
uint32_t cut_tree(struct cutting *cutting, const uint32_t *ids, uint32_t count);

void cutting_free(struct cutting *cutting);

/* forest.c */

void cube_make(struct cube *cube, const struct fg_match *match);

/* Entries that share trees. */
struct forest {
	const struct fg_match *matches;
	struct cube *cubes; /* by entry number of the array of ids */
	uint32_t *order;    /* places in cubes, rank ascending */
	uint8_t *sorts;
	const uint32_t *ids;
	uint32_t count;
	unsigned int lanes;
	uint64_t copies_max; /* that the budget has room for */
};

/* Keys drawn from the entries of all tiers: what lookups are judged by. */
struct samples {
	uint64_t (*words)[KEY_WORDS];
	uint32_t count;
};

/* Put the entries @p ids into trees. 0, -E2BIG or -ENOMEM. */
int forest_build(struct tiered *tiered, const struct fg_match *matches, const uint32_t *ids,
		 uint32_t count, const struct samples *samples, struct budget *budget,
		 struct fg_error *error);

/*
 * What trees of these entries, or of some of them if they are many, would cost
 * all the samples together, in tenths of a nanosecond. 0 or -ENOMEM.
 */
int forest_cost(const struct fg_match *matches, const uint32_t *ids, uint32_t count,
		unsigned int lanes, const struct samples *samples, uint64_t budget_bytes,
		uint64_t *cost, struct fg_error *error);

/* trees.c */

/* From a cutting to what lookups walk. 0, -E2BIG or -ENOMEM; tree_free() frees what is there. */
int tree_settle(struct tree *tree, const struct forest *forest, const struct cutting *cutting,
		uint32_t root, struct budget *budget, struct fg_error *error);

void tree_free(struct tree *tree);

#endif /* CLASSIFY_BUILD_H */

/* SPDX-License-Identifier: MIT */
/* Cuts boxes into a tree. */
#ifndef CLASSIFY_CUT_H
#define CLASSIFY_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "box.h"
#include "tiered_table.h"

/* A growing array. */
struct numbers {
	uint32_t *at;
	uint32_t count, room;
};

struct nodes {
	struct node *at;
	uint32_t count, room;
};

/* A tree that is being cut. A leaf's reference is REF_LEAF and the start of its list in lists. */
struct cutting {
	/* Set by the caller. */
	const struct box *boxes;
	unsigned int lanes;
	uint32_t leaf_max;         /* entries in a leaf that is not worth cutting */
	uint32_t gain_min;         /* a bit must lower the sum of costs by this, of 256 */
	uint64_t copies_remaining; /* entries that leaves may still hold */
	uint64_t work_remaining;   /* bounds the time: entries times words read */

	/* The tree. */
	uint32_t root;
	struct nodes nodes;
	struct numbers children;
	struct numbers lists; /* length, then so many numbers of boxes, rank ascending */
	uint32_t longest;     /* entries of the longest leaf */
	uint32_t blocks;
	bool no_memory;

	uint64_t fixed[KEY_WORDS]; /* bits tested between the root and the node under way */
};

/* Cut the boxes @p ids, rank ascending, into a tree. Check no_memory afterwards. */
void cut_tree(struct cutting *cutting, const uint32_t *ids, uint32_t count);

void cutting_free(struct cutting *cutting);

#endif /* CLASSIFY_CUT_H */

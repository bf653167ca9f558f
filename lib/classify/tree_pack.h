/* SPDX-License-Identifier: MIT */
/* Packs a tree as it was cut into a tree as lookups read it. */
#ifndef CLASSIFY_TREE_PACK_H
#define CLASSIFY_TREE_PACK_H

#include "budget.h"
#include "cut.h"
#include "entry_set.h"
#include "tiered_table.h"

/*
 * @p cutting was made of @p entries: box i is entry i. @p tree must be zeroed;
 * tree_free() frees what it holds, also after an error. 0, -E2BIG or -ENOMEM.
 */
int tree_pack(struct tree *tree, const struct entry_set *entries, const struct cutting *cutting,
	      struct budget *budget, struct fg_error *error);

void tree_free(struct tree *tree);

#endif /* CLASSIFY_TREE_PACK_H */

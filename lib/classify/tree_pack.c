/* SPDX-License-Identifier: MIT */
/* Wildcard tier: lists of boxes become blocks, which lookups compare a row at a time. */
#include "tree_pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>

static bool tests_ports(const struct fg_match *match)
{
	return match->src_port_min > 0 || match->dst_port_min > 0 ||
	       match->src_port_max < UINT16_MAX || match->dst_port_max < UINT16_MAX;
}

/* The groups of the key that the tree tests, whether it tests ports, and its lowest rank. */
static void find_groups(struct tree *tree, const struct entry_set *entries, const struct cutting *c)
{
	struct fg_key used;
	uint8_t *bytes = (uint8_t *)&used;

	memset(&used, 0, sizeof(used));
	for (uint32_t at = 0; at < c->lists.count; at += c->lists.at[at] + 1)
		for (uint32_t i = 1; i <= c->lists.at[at]; i++) {
			const struct fg_match *match = entry_set_get(entries, c->lists.at[at + i]);
			const uint8_t *mask = (const uint8_t *)&match->mask;

			for (size_t b = 0; b < sizeof(used); b++)
				bytes[b] |= mask[b];
			tree->ports |= tests_ports(match);
			tree->best = RTE_MIN(tree->best, match->rule - 1);
		}
	for (uint8_t g = 0; g < KEY_GROUPS; g++)
		if (memcmp(bytes + 4 * g, (const uint8_t[4]){0}, 4) != 0)
			tree->groups[tree->n_groups++] = g;
}

/* Fill a lane of a block; without @p match it matches nothing. */
static void fill_lane(const struct tree *tree, uint32_t *block, unsigned int lanes,
		      unsigned int lane, const struct fg_match *match)
{
	uint32_t *row = block + lane;

	for (unsigned int g = 0; g < tree->n_groups; g++) {
		const size_t at = 4 * (size_t)tree->groups[g];

		row[0] = 0;
		row[lanes] = UINT32_MAX;
		if (match != NULL) {
			memcpy(&row[0], (const uint8_t *)&match->mask + at, 4);
			memcpy(&row[lanes], (const uint8_t *)&match->value + at, 4);
		}
		row += 2 * (size_t)lanes;
	}
	if (tree->ports) {
		row[0] = UINT32_MAX;
		row[lanes] = 0;
		if (match != NULL) {
			row[0] = (uint32_t)match->src_port_min << 16 | match->dst_port_min;
			row[lanes] = (uint32_t)match->src_port_max << 16 | match->dst_port_max;
		}
		row += 2 * (size_t)lanes;
	}
	row[0] = match != NULL ? match->rule - 1 : RANK_NONE;
}

/* Write the list of a leaf to blocks from @p block on. @return the number of blocks. */
static uint32_t fill_leaf(struct tree *tree, const struct entry_set *entries, const uint32_t *list,
			  unsigned int lanes, uint32_t block)
{
	const uint32_t blocks = (list[0] + lanes - 1) / lanes;

	for (uint32_t i = 0; i < blocks * lanes; i++) {
		const uint32_t b = block + i / lanes;

		fill_lane(tree, tree->blocks + b * (uint64_t)tree->block_words, lanes, i % lanes,
			  i < list[0] ? entry_set_get(entries, list[1 + i]) : NULL);
		tree->more[b] = b + 1 < block + blocks;
	}
	return blocks;
}

/* The reference of a leaf: the number of its first block instead of the start of its list. */
static uint32_t pack_ref(uint32_t ref, const uint32_t *block_of)
{
	if ((ref & REF_LEAF) == 0 || ref == REF_NONE)
		return ref;
	return REF_LEAF | block_of[ref & ~REF_LEAF];
}

static int tree_alloc(struct tree *tree, const struct cutting *c, struct budget *budget,
		      struct fg_error *error)
{
	void *parts[4] = {NULL};
	const size_t sizes[4] = {
		(c->nodes.count + 1) * sizeof(struct node),
		(c->children.count + 1) * sizeof(uint32_t),
		(size_t)(c->blocks + 1) * tree->block_words * sizeof(uint32_t),
		c->blocks + 1,
	};
	int rc = 0;

	for (unsigned int p = 0; p < RTE_DIM(parts) && rc == 0; p++)
		rc = budget_alloc(budget, sizes[p], &parts[p], error);
	tree->nodes = parts[0];
	tree->children = parts[1];
	tree->blocks = parts[2];
	tree->more = parts[3];
	return rc;
}

void tree_free(struct tree *tree)
{
	rte_free(tree->nodes);
	rte_free(tree->children);
	rte_free(tree->blocks);
	rte_free(tree->more);
}

int tree_pack(struct tree *tree, const struct entry_set *entries, const struct cutting *c,
	      struct budget *budget, struct fg_error *error)
{
	uint32_t *block_of = malloc((c->lists.count + 1) * sizeof(*block_of));
	uint32_t block = 0;
	int rc;

	if (block_of == NULL)
		return fg_error_set(error, ENOMEM, "no memory for a tree of %u rule entries",
				    entries->count);
	tree->best = RANK_NONE;
	find_groups(tree, entries, c);
	tree->block_words = (2u * tree->n_groups + (tree->ports ? 2u : 0u) + 1u) * c->lanes;
	rc = tree_alloc(tree, c, budget, error);
	for (uint32_t at = 0; at < c->lists.count && rc == 0; at += c->lists.at[at] + 1) {
		block_of[at] = block;
		block += fill_leaf(tree, entries, c->lists.at + at, c->lanes, block);
	}
	for (uint32_t k = 0; k < c->children.count && rc == 0; k++)
		tree->children[k] = pack_ref(c->children.at[k], block_of);
	if (rc == 0 && c->nodes.count > 0)
		memcpy(tree->nodes, c->nodes.at, c->nodes.count * sizeof(*tree->nodes));
	if (rc == 0)
		tree->root = pack_ref(c->root, block_of);
	free(block_of);
	return rc;
}

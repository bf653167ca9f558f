/* SPDX-License-Identifier: MIT */
/*
 * Lookups in a tiered table. Compiled once for each variant, which names its
 * function: lookup_scalar(), lookup_sse(), ... Hot: all of it.
 *
 * Each step is done for the whole burst before the next one begins: the loads of
 * the other keys hide the latency of a key's load.
 */
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include <fg_burst.h>
#include <fg_meta.h>

#include "tiered_table.h"
#include "vector.h"

#define LOOKUP_PASTE(name) lookup_##name
#define LOOKUP_NAME(name)  LOOKUP_PASTE(name)

static_assert(LANES == ISA_LANES(ISA_WIDTH), "the builder fills blocks of as many lanes");

static inline uint64_t key_word(const struct fg_key *key, size_t offset)
{
	return *(const uint64_t *)((const uint8_t *)key + offset);
}

static inline uint32_t key_group(const struct fg_key *key, size_t offset)
{
	return *(const uint32_t *)((const uint8_t *)key + offset);
}

/* Keys with equal tags may differ: compare the words. */
static inline void verify(const struct hash *hash, uint64_t bucket, unsigned int tags,
			  const struct fg_key *key, uint32_t *rank, const unsigned int n_words)
{
	for (; tags != 0; tags &= tags - 1) {
		const uint64_t place = bucket * BUCKET_TAGS + (unsigned int)__builtin_ctz(tags);
		const uint64_t *entry = hash->entries + place * (n_words + 1);
		uint64_t differs = 0;

		for (unsigned int w = 0; w < n_words; w++)
			differs |= (key_word(key, hash->offsets[w]) & hash->masks[w]) ^ entry[w];
		if (likely(differs == 0))
			*rank = RTE_MIN(*rank, (uint32_t)entry[n_words]);
	}
}

/* Two hashed groups: the usual case. */
static inline void hash_pairs(const struct hash *hash, const struct fg_key *keys,
			      union place *places, unsigned int count)
{
	const size_t first = hash->group_offsets[0], second = hash->group_offsets[1];

#pragma GCC unroll 4
	for (unsigned int i = 0; i < count; i++)
		places[i].both = key_group(&keys[i], first) | (uint64_t)key_group(&keys[i], second)
								      << 32;
	places_of_pairs(places, count, hash->group_masks[0] | (uint64_t)hash->group_masks[1] << 32,
			hash->factors[0], hash->factors[1], hash->shift);
}

static inline void hash_groups(const struct hash *hash, const struct fg_key *keys,
			       union place *places, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		places[i].hash = hash_of(hash, &keys[i]);
		places[i].bucket = places[i].hash >> hash->shift;
	}
}

static inline __attribute__((always_inline)) void hash_burst(const struct hash *hash,
							     const struct fg_key *keys,
							     uint32_t *ranks, unsigned int count,
							     const unsigned int n_words)
{
	/* places_of_pairs() takes several at a time, and so may write beyond count. */
	union place places[FG_BURST_MAX] __attribute__((aligned(64)));
	/* Of each key whose bucket holds its tag: the places of the tag, and the index of the key.
	 */
	uint32_t tags[FG_BURST_MAX];
	uint8_t found[FG_BURST_MAX];
	unsigned int n = 0;

	if (likely(hash->n_hashed == 2))
		hash_pairs(hash, keys, places, count);
	else
		hash_groups(hash, keys, places, count);
#pragma GCC unroll 4
	for (unsigned int i = 0; i < count; i++) {
		tags[n] = tags_equal(hash->tags[places[i].bucket], &places[i].tag);
		found[n] = (uint8_t)i;
		n += tags[n] != 0;
	}
	for (unsigned int f = 0; f < n; f++)
		verify(hash, places[found[f]].bucket, tag_places(tags[f]), &keys[found[f]],
		       &ranks[found[f]], n_words);
}

/*
 * The usual numbers of words are constants, so that the compiler unrolls the
 * loops over them. Destination address and port are three words, with the one
 * that holds protocol and family; a source address or IPv6 adds more.
 */
static void hash_lookup(const struct hash *hash, const struct fg_key *keys, uint32_t *ranks,
			unsigned int count)
{
	if (hash->n_words == 3)
		hash_burst(hash, keys, ranks, count, 3);
	else if (hash->n_words == 4)
		hash_burst(hash, keys, ranks, count, 4);
	else
		hash_burst(hash, keys, ranks, count, hash->n_words);
}

/* The child of a node that a key goes to. */
static inline uint32_t next_ref(const struct tree *tree, const struct node *node,
				const struct fg_key *key)
{
	const uint64_t *words = (const uint64_t *)key;
	const uint64_t low = gather(words[node->words[0]], node->masks[0]);
	const uint64_t high = gather(words[node->words[1]], node->masks[1]);

	return tree->children[node->first_child + (low | high << node->shift)];
}

/* Bit i: lane i of the block matches. */
static inline __attribute__((always_inline)) unsigned int
block_match(const struct tree *tree, const uint32_t *row, const struct fg_key *key,
	    const unsigned int n_groups, const bool has_ports)
{
	const uint32_t *groups = (const uint32_t *)key;
	vec differs = vec_all(0);

	for (unsigned int g = 0; g < n_groups; g++) {
		const vec group = vec_all(groups[tree->groups[g]]);

		differs = vec_or(differs,
				 vec_xor(vec_and(group, vec_load(row)), vec_load(row + LANES)));
		row += 2 * LANES;
	}
	if (has_ports) {
		const vec ports = vec_all(rte_be_to_cpu_32(groups[PORTS_GROUP]));

		differs = vec_or(differs, vec_xor(vec_max16(ports, vec_load(row)), ports));
		differs = vec_or(differs, vec_xor(vec_min16(ports, vec_load(row + LANES)), ports));
	}
	return vec_zeros(differs);
}

/* The keys of a burst that are not done yet: their indexes. */
struct active {
	uint8_t at[FG_BURST_MAX];
	unsigned int n;
};

/* Add key @p i to the keys at nodes or to those at leaves, or to neither: it is done. */
static inline void sort_ref(uint32_t ref, uint8_t i, struct active *nodes, struct active *leaves)
{
	leaves->at[leaves->n] = i;
	nodes->at[nodes->n] = i;
	leaves->n += ref + REF_LEAF < REF_MAX;
	nodes->n += ref < REF_LEAF;
}

/*
 * Go from the root to the leaves. A key for which the other tables found a rule
 * better than all of the tree is done.
 */
static inline void descend(const struct tree *tree, const struct fg_key *keys,
			   const uint32_t *ranks, unsigned int count, uint32_t *refs,
			   struct active *leaves)
{
	const struct node root = tree->nodes[tree->root];
	struct active nodes = {.n = 0};

	leaves->n = 0;
	for (unsigned int i = 0; i < count; i++) {
		refs[i] = next_ref(tree, &root, &keys[i]);
		sort_ref(ranks[i] > tree->best ? refs[i] : REF_NONE, (uint8_t)i, &nodes, leaves);
	}
	while (nodes.n > 0) {
		const unsigned int n_nodes = nodes.n;

		nodes.n = 0;
		for (unsigned int n = 0; n < n_nodes; n++) {
			const uint8_t i = nodes.at[n];

			refs[i] = next_ref(tree, &tree->nodes[refs[i]], &keys[i]);
			sort_ref(refs[i], i, &nodes, leaves);
		}
	}
}

static inline const uint32_t *block_rows(const struct tree *tree, uint32_t block)
{
	return tree->blocks + block * (uint64_t)tree->block_words;
}

/* The rows of a tree's blocks. */
struct block_shape {
	unsigned int n_groups;
	bool has_ports;
};

/* Compare one block of each leaf at a time, until one matches or the leaf ends. */
static inline __attribute__((always_inline)) void
scan_blocks(const struct tree *tree, const struct fg_key *keys, uint32_t *refs, uint32_t *ranks,
	    struct active *leaves, const struct block_shape shape)
{
	while (leaves->n > 0) {
		unsigned int remaining = 0;

		for (unsigned int n = 0; n < leaves->n; n++) {
			const uint8_t i = leaves->at[n];
			const uint32_t block = refs[i] & (REF_MAX - 1);
			const uint32_t *rows = block_rows(tree, block);
			const unsigned int lanes =
				block_match(tree, rows, &keys[i], shape.n_groups, shape.has_ports);
			const unsigned int lane =
				(unsigned int)__builtin_ctz(lanes | 1u << (LANES - 1));
			/* Without a match the mask makes it RANK_NONE: no branch to mispredict. */
			const uint32_t rank =
				rows[2 * (shape.n_groups + shape.has_ports) * LANES + lane] |
				(0u - (lanes == 0));

			ranks[i] = RTE_MIN(ranks[i], rank);
			refs[i]++;
			leaves->at[remaining] = i;
			remaining += (lanes == 0) & tree->more[block];
		}
		leaves->n = remaining;
	}
}

/* The usual shape, with addresses, protocol and ports, is a constant: its loops unroll. */
static inline void scan_leaves(const struct tree *tree, const struct fg_key *keys, uint32_t *refs,
			       uint32_t *ranks, struct active *leaves)
{
	const struct block_shape usual = {3, true}, shape = {tree->n_groups, tree->ports};

	if (tree->n_groups == 3 && tree->ports)
		scan_blocks(tree, keys, refs, ranks, leaves, usual);
	else
		scan_blocks(tree, keys, refs, ranks, leaves, shape);
}

/* A tree that is one leaf. */
static inline void start_at_leaf(const struct tree *tree, const uint32_t *ranks, unsigned int count,
				 uint32_t *refs, struct active *leaves)
{
	leaves->n = 0;
	for (unsigned int i = 0; i < count; i++) {
		refs[i] = tree->root;
		leaves->at[leaves->n] = (uint8_t)i;
		leaves->n += ranks[i] > tree->best;
	}
}

static inline void tree_lookup(const struct tree *tree, const struct fg_key *keys, uint32_t *ranks,
			       unsigned int count)
{
	uint32_t refs[FG_BURST_MAX];
	struct active leaves = {.n = 0};

	if ((tree->root & REF_LEAF) == 0)
		descend(tree, keys, ranks, count, refs, &leaves);
	else
		start_at_leaf(tree, ranks, count, refs, &leaves);
	scan_leaves(tree, keys, refs, ranks, &leaves);
}

void LOOKUP_NAME(VARIANT)(const struct tiered *tiered, const struct fg_key *keys, uint32_t *rules,
			  unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		rules[i] = RANK_NONE;
	for (uint32_t h = 0; h < tiered->n_hashes; h++)
		hash_lookup(&tiered->hashes[h], keys, rules, count);
	for (uint32_t t = 0; t < tiered->n_trees; t++)
		tree_lookup(&tiered->trees[t], keys, rules, count);
	for (unsigned int i = 0; i < count; i++)
		rules[i]++; /* RANK_NONE becomes FG_RULE_NONE. */
}

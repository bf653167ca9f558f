/* SPDX-License-Identifier: MIT */
/*
 * The tiered table as lookups read it. hashes.c builds the exact tier, forest.c
 * the wildcard tier; lookup.c, compiled once for each variant, looks keys up.
 *
 * Within a table a rule is its rank: its number less one. So the lowest rank
 * wins, and RANK_NONE, the highest number, loses to all.
 */
#ifndef CLASSIFY_TIERED_TABLE_H
#define CLASSIFY_TIERED_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fg_classify.h>
#include <fg_isa.h>
#include <fg_key.h>

#define RANK_NONE UINT32_MAX

/* 32-bit numbers that a variant compares at once. */
#define ISA_LANES(isa) ((isa) >= 2 ? 8u : 4u)

enum {
	KEY_WORDS = sizeof(struct fg_key) / 8,  /* hashes and nodes read words of 64 bits */
	KEY_GROUPS = sizeof(struct fg_key) / 4, /* blocks read groups of 32 bits */
	BUCKET_TAGS = 16,
	HASHES_MAX = 16,
	TREES_MAX = 4,
	PORTS_GROUP = 2, /* both ports */
};

static_assert(KEY_WORDS == 8, "a key is eight words");
static_assert(offsetof(struct fg_key, src_port_be) == PORTS_GROUP * 4 &&
		      offsetof(struct fg_key, dst_port_be) == PORTS_GROUP * 4 + 2,
	      "the ports are one group, the source port first");

/*
 * Exact tier: one combination of fields, hashed. A bucket is 16 tags of 16 bits
 * of the hash, compared at once. Entry number BUCKET_TAGS * bucket + tag holds
 * the words that are compared and the rank, which is RANK_NONE if it is empty.
 */
struct hash {
	uint32_t n_words;            /* of 64 bits: compared */
	uint64_t offsets[KEY_WORDS]; /* [n_words], in the key, bytes */
	uint64_t masks[KEY_WORDS];   /* [n_words], in memory order */
	uint32_t n_hashed;           /* groups of 32 bits that are hashed, 2 at least */
	uint32_t group_offsets[KEY_GROUPS];
	uint32_t group_masks[KEY_GROUPS];
	uint32_t factors[KEY_GROUPS]; /* odd */
	unsigned int shift;           /* bucket = hash >> shift */
	uint32_t best;                /* lowest rank in it */
	uint16_t (*tags)[BUCKET_TAGS];
	uint64_t *entries;
};

static_assert(sizeof(((struct hash *)0)->tags[0]) == 32,
	      "a bucket is half a cache line: it never lies across two");

/* The halves of a sum of groups times factors, xor-ed: every bit of a group reaches all of it. */
static inline uint32_t hash_fold(uint64_t sum)
{
	return (uint32_t)(sum ^ sum >> 32);
}

/*
 * The hash of the key at @p groups. The builder and lookups use it, but lookups
 * hash two groups by places_of_pairs(), several keys at a time.
 */
static inline uint32_t hash_of(const struct hash *hash, const void *groups)
{
	uint64_t sum = 0;

	for (unsigned int g = 0; g < hash->n_hashed; g++) {
		const uint32_t *group =
			(const uint32_t *)((const uint8_t *)groups + hash->group_offsets[g]);

		sum += (uint64_t)(*group & hash->group_masks[g]) * hash->factors[g];
	}
	return hash_fold(sum);
}

/* Words of an entry: those compared, and the rank. */
static inline size_t hash_stride(const struct hash *hash)
{
	return hash->n_words + (size_t)1;
}

/* The 16 bits of a hash that a bucket holds. */
static inline uint16_t hash_tag(uint32_t hash)
{
	return (uint16_t)hash;
}

/* The bits of @p value under @p mask, moved together: for CPUs without PEXT. */
static inline uint64_t bits_gather(uint64_t value, uint64_t mask)
{
	uint64_t bits = 0;

	for (unsigned int to = 0; mask != 0; mask &= mask - 1, to++)
		bits |= (value >> __builtin_ctzll(mask) & 1) << to;
	return bits;
}

/*
 * Wildcard tier: a node gathers bits of up to two words of the key into the
 * number of a child. A child is a node, a leaf, or nothing.
 */
struct node {
	uint64_t masks[2];
	uint8_t words[2];
	uint8_t shift;        /* bits in masks[0] */
	uint32_t first_child; /* in children[] */
} __attribute__((aligned(32)));

static_assert(sizeof(struct node) == 32, "a node is half a cache line: it never lies across two");

#define REF_LEAF (UINT32_C(1) << 31) /* the rest is the number of a block; else of a node */
#define REF_NONE UINT32_MAX          /* a leaf without entries */
#define REF_MAX  (UINT32_C(1) << 30)

/*
 * A leaf is one or more blocks. A block holds `lanes` entries, rank ascending, as
 * rows of `lanes` numbers: for each group that the tree tests a row of masks and
 * one of values; if it tests ports, a row of minima and one of maxima (source
 * port in the high half, destination port in the low half, host order); the
 * ranks. A lane without an entry matches nothing.
 */
struct tree {
	uint32_t root;
	uint32_t best; /* lowest rank in it */
	uint8_t n_groups;
	uint8_t groups[KEY_GROUPS]; /* [n_groups] */
	bool ports;
	uint32_t block_words; /* 32-bit words of a block */
	struct node *nodes;
	uint32_t *children;
	uint32_t *blocks;
	uint8_t *more; /* by block: the leaf has another one after it */
};

struct tiered;

typedef void tiered_lookup_fn(const struct tiered *tiered, const struct fg_key *keys,
			      uint32_t *rules, unsigned int count);

/* The lookup, compiled for a set of vector instructions. */
struct variant {
	unsigned int lanes;
	tiered_lookup_fn *lookup;
};

struct tiered {
	uint32_t n_hashes, n_trees;
	struct hash hashes[HASHES_MAX]; /* by their lowest rank */
	struct tree trees[TREES_MAX];   /* by their lowest rank */
	const struct variant *variant;  /* of isa */
	enum fg_isa isa;
	uint64_t bytes;
	uint32_t worst_compares;
};

tiered_lookup_fn lookup_scalar, lookup_sse, lookup_avx2;

#endif /* CLASSIFY_TIERED_TABLE_H */

/* SPDX-License-Identifier: MIT */
/*
 * The tiered table as lookups see it. Built by hashes.c and forest.c, walked
 * by lookup.c, which is compiled once for each variant.
 *
 * Within a table a rule is its rank: its number less one, so that the lowest
 * rank wins and RANK_NONE, the highest there is, loses to all.
 */
#ifndef CLASSIFY_TIERED_H
#define CLASSIFY_TIERED_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <fg_classify.h>
#include <fg_isa.h>
#include <fg_key.h>

#define RANK_NONE UINT32_MAX

enum {
	KEY_WORDS = sizeof(struct fg_key) / 8,  /* as hashes and nodes read it */
	KEY_GROUPS = sizeof(struct fg_key) / 4, /* as blocks read it */
	BUCKET_TAGS = 16,
	HASHES_MAX = 16,
	TREES_MAX = 4,
	PORTS_GROUP = 2, /* both ports */
};

static_assert(KEY_WORDS == 8, "a key is eight words");

/*
 * Exact tier: one combination of fields, hashed. A bucket is 16 tags, 16 bits
 * of the hash each, compared at once; entry number (bucket, place of the tag)
 * holds the words themselves and then the rank. Empty places have rank RANK_NONE.
 */
struct hash {
	uint32_t n_words;            /* of 64 bits: compared */
	uint64_t offsets[KEY_WORDS]; /* [n_words], in the key, bytes */
	uint64_t masks[KEY_WORDS];   /* as the words lie in memory */
	uint32_t n_hashed;           /* groups of 32 bits that are hashed, 2 at least */
	uint32_t group_offsets[KEY_GROUPS];
	uint32_t group_masks[KEY_GROUPS];
	uint32_t factors[KEY_GROUPS]; /* odd */
	unsigned int shift;           /* bucket = hash >> shift */
	uint32_t best;                /* lowest rank in it */
	uint16_t (*tags)[BUCKET_TAGS];
	uint64_t *entries;
};

/*
 * The hash of a key: groups times factors, summed up, and the halves of the
 * sum xor-ed; so every bit of a group reaches bits all over the 32.
 */
static inline uint32_t hash_fold(uint64_t sum)
{
	return (uint32_t)(sum ^ sum >> 32);
}

/*
 * The hash of a key as builder and lookups compute it, but for those of pairs,
 * which are taken several at a time. @p groups: where the key begins.
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

/* The 16 bits that a bucket keeps of a hash. */
static inline uint16_t hash_tag(uint32_t hash)
{
	return (uint16_t)hash;
}

/* The bits of @p value under @p mask, moved together: where there is no PEXT. */
static inline uint64_t bits_gather(uint64_t value, uint64_t mask)
{
	uint64_t bits = 0;

	for (unsigned int to = 0; mask != 0; mask &= mask - 1, to++)
		bits |= (value >> __builtin_ctzll(mask) & 1) << to;
	return bits;
}

/*
 * Wildcard tier: nodes gather bits of up to two words of the key into the
 * number of a child. A child is a node, a leaf, or nothing.
 */
struct node {
	uint64_t masks[2];
	uint8_t words[2];
	uint8_t shift;      /* bits in masks[0] */
	uint32_t first_kid; /* in kids[] */
} __attribute__((aligned(32)));

#define REF_LEAF (UINT32_C(1) << 31) /* the rest is the number of a block; else of a node */
#define REF_NONE UINT32_MAX          /* a leaf without entries */
#define REF_MAX  (UINT32_C(1) << 30)

/*
 * A block holds `lanes` entries, rank ascending, in rows of `lanes` numbers:
 * for each group of the key that counts its mask and its value; if ports
 * count, the least and the greatest (destination port in the low half, host order);
 * the ranks. Lanes without entry match nothing.
 */
struct tree {
	uint32_t root;
	uint32_t best; /* lowest rank in it */
	uint8_t n_groups;
	uint8_t groups[KEY_GROUPS]; /* [n_groups] */
	bool ports;
	uint32_t block_words; /* 32-bit words of a block */
	struct node *nodes;
	uint32_t *kids;
	uint32_t *blocks;
	uint8_t *more; /* by block: the leaf goes on */
};

struct tiered;

typedef void tiered_lookup_fn(const struct tiered *tiered, const struct fg_key *keys,
			      uint32_t *rules, unsigned int count);

/* One compiled form of the lookup. */
struct variant {
	unsigned int lanes;
	tiered_lookup_fn *lookup;
};

struct tiered {
	uint32_t n_hashes, n_trees;
	struct hash hashes[HASHES_MAX]; /* best first */
	struct tree trees[TREES_MAX];   /* best first */
	const struct variant *variant;  /* of isa */
	enum fg_isa isa;
	uint64_t bytes;
	uint32_t worst_compares;
};

tiered_lookup_fn lookup_scalar, lookup_sse, lookup_avx2, lookup_avx512;

#endif /* CLASSIFY_TIERED_H */

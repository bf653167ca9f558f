/* SPDX-License-Identifier: MIT */
/* Exact tier: from entries of one combination of fields to buckets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_malloc.h>

#include "build.h"

/* Attempts to place what overflowed in a hash of its own. */
#define OVERFLOW_LEVELS 3u

#define VALUES_MAX 4u /* see hash_words() */

static uint64_t next_random(uint64_t *state)
{
	/* splitmix64, Steele, Lea, Flood 2014 */
	uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static bool port_as_words(uint16_t min, uint16_t max, uint16_t *value, uint16_t *mask)
{
	if (min == 0 && max == UINT16_MAX)
		return true;
	*value = rte_cpu_to_be_16(min);
	*mask = UINT16_MAX;
	return min == max;
}

bool match_as_words(const struct fg_match *match, uint64_t *values, uint64_t *masks)
{
	struct fg_key value = match->value, mask = match->mask;

	if (!port_as_words(match->src_port_min, match->src_port_max, &value.src_port_be,
			   &mask.src_port_be) ||
	    !port_as_words(match->dst_port_min, match->dst_port_max, &value.dst_port_be,
			   &mask.dst_port_be))
		return false;
	memcpy(values, &value, sizeof(value));
	memcpy(masks, &mask, sizeof(mask));
	return true;
}

/* Named not at all, or whole: all 16 bytes, or the four of IPv4. */
static bool is_whole(const uint8_t *mask, const struct fg_match *match)
{
	static const uint8_t zeros[16], ones[16] = {[0 ... 15] = 0xff};
	const bool v4 = match->mask.family != 0 && match->value.family == FG_FAMILY_IPV4;

	if (mask[0] == 0)
		return true; /* A mask is a prefix. */
	if (v4)
		return memcmp(mask, ones, 4) == 0 && memcmp(mask + 4, zeros, 12) == 0;
	return memcmp(mask, ones, 16) == 0;
}

bool hash_fits(const struct fg_match *match, uint64_t *masks)
{
	uint64_t values[KEY_WORDS];

	return is_whole(match->mask.src_ip, match) && is_whole(match->mask.dst_ip, match) &&
	       match_as_words(match, values, masks);
}

/* The entry's groups of 32 bits, as they lie in memory. */
static void match_groups(const struct fg_match *match, uint32_t *groups)
{
	uint64_t values[KEY_WORDS], masks[KEY_WORDS];

	(void)match_as_words(match, values, masks);
	memcpy(groups, values, sizeof(values));
}

/* How many values a group of the entries has, up to @p most. */
static uint32_t count_values(const struct fg_match *matches, const uint32_t *ids, uint32_t count,
			     unsigned int group, uint32_t most)
{
	uint32_t seen[VALUES_MAX + 1];
	uint32_t n = 0;

	for (uint32_t i = 0; i < count && n < most; i++) {
		uint32_t groups[KEY_GROUPS], s = 0;

		match_groups(&matches[ids[i]], groups);
		while (s < n && seen[s] != groups[group])
			s++;
		if (s == n)
			seen[n++] = groups[group];
	}
	return n;
}

static void add_group(struct hash *hash, unsigned int group, uint32_t mask, uint64_t *seed)
{
	hash->group_offsets[hash->n_hashed] = group * (uint32_t)sizeof(uint32_t);
	hash->group_masks[hash->n_hashed] = mask;
	hash->factors[hash->n_hashed++] = (uint32_t)(next_random(seed) >> 32) | 1;
}

/*
 * All words are compared. Groups that hardly tell entries apart, as the one
 * that says IPv4 and UDP, are not hashed: a hash then stands for VALUES_MAX
 * entries at most.
 */
static void hash_words(struct hash *hash, const struct fg_match *matches, const uint32_t *ids,
		       uint32_t count, const uint64_t *masks, uint64_t seed)
{
	uint32_t group_masks[KEY_GROUPS], left_out = 1;

	memcpy(group_masks, masks, sizeof(group_masks));
	for (unsigned int w = 0; w < KEY_WORDS; w++)
		if (masks[w] != 0) {
			hash->offsets[hash->n_words] = w * sizeof(uint64_t);
			hash->masks[hash->n_words++] = masks[w];
		}
	for (unsigned int g = 0; g < KEY_GROUPS; g++) {
		const uint32_t most = VALUES_MAX / left_out + 1;
		uint32_t values;

		if (group_masks[g] == 0)
			continue;
		values = count_values(matches, ids, count, g, most);
		if (values < most)
			left_out *= values;
		else
			add_group(hash, g, group_masks[g], &seed);
	}
	/* Lookups take pairs: a group without a bit does no harm. */
	while (hash->n_hashed < 2)
		add_group(hash, 0, 0, &seed);
}

/* All but memory: words, factors, and how many buckets. */
static void hash_shape(struct hash *hash, const struct fg_match *matches, const uint32_t *ids,
		       uint32_t count, const uint64_t *masks, unsigned int level)
{
	unsigned int bits = 1 + level;

	memset(hash, 0, sizeof(*hash));
	hash_words(hash, matches, ids, count, masks, level + 1);
	/* A third of the places in use at most: then buckets hardly ever overflow. */
	while ((UINT64_C(1) << bits) * BUCKET_TAGS / 3 < count)
		bits++;
	hash->shift = 32 - bits;
	hash->best = RANK_NONE;
}

static int hash_alloc(struct hash *hash, struct budget *budget, struct fg_error *error)
{
	const size_t buckets = (size_t)1 << (32 - hash->shift);
	const size_t places = buckets * BUCKET_TAGS, stride = hash_stride(hash);
	void *tags, *entries;
	int rc;

	rc = budget_alloc(budget, buckets * sizeof(hash->tags[0]), &tags, error);
	if (rc != 0)
		return rc;
	hash->tags = tags;
	rc = budget_alloc(budget, places * stride * sizeof(uint64_t), &entries, error);
	if (rc != 0)
		return rc;
	hash->entries = entries;
	memset(hash->tags, 0, buckets * sizeof(hash->tags[0]));
	for (size_t p = 0; p < places; p++) {
		memset(hash->entries + p * stride, 0, hash->n_words * sizeof(uint64_t));
		hash->entries[p * stride + hash->n_words] = RANK_NONE;
	}
	return 0;
}

void hash_free(struct hash *hash)
{
	rte_free(hash->tags);
	rte_free(hash->entries);
}

/* Insert, or better the rank of an equal entry. false: the bucket is full. */
static bool hash_insert(struct hash *hash, const struct fg_match *match)
{
	uint64_t values[KEY_WORDS], masks[KEY_WORDS], words[KEY_WORDS];
	uint32_t code, bucket;

	(void)match_as_words(match, values, masks);
	for (unsigned int w = 0; w < hash->n_words; w++)
		words[w] = values[hash->offsets[w] / sizeof(uint64_t)];
	code = hash_of(hash, values);
	bucket = code >> hash->shift;
	for (unsigned int i = 0; i < BUCKET_TAGS; i++) {
		uint64_t *entry =
			hash->entries + (bucket * (size_t)BUCKET_TAGS + i) * hash_stride(hash);
		uint64_t *rank = &entry[hash->n_words];
		const bool empty = *rank == RANK_NONE;

		if (!empty && (hash->tags[bucket][i] != hash_tag(code) ||
			       memcmp(entry, words, hash->n_words * sizeof(uint64_t)) != 0))
			continue;
		hash->tags[bucket][i] = hash_tag(code);
		memcpy(entry, words, hash->n_words * sizeof(uint64_t));
		*rank = RTE_MIN(*rank, match->rule - 1);
		hash->best = RTE_MIN(hash->best, match->rule - 1);
		return true;
	}
	return false;
}

int hashes_build(struct tiered *tiered, const struct fg_match *matches, uint32_t *ids,
		 uint32_t count, const uint64_t *masks, struct budget *budget, uint32_t *n_left,
		 struct fg_error *error)
{
	*n_left = count;
	for (unsigned int level = 0;
	     level<OVERFLOW_LEVELS && * n_left> 0 && tiered->n_hashes < HASHES_MAX; level++) {
		struct hash *hash = &tiered->hashes[tiered->n_hashes++];
		uint32_t left = 0;
		int rc;

		hash_shape(hash, matches, ids, *n_left, masks, level);
		rc = hash_alloc(hash, budget, error);
		if (rc != 0)
			return rc;
		for (uint32_t i = 0; i < *n_left; i++)
			if (!hash_insert(hash, &matches[ids[i]]))
				ids[left++] = ids[i];
		*n_left = left;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Exact tier: entries of one combination of fields into buckets. */
#include "hashes.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_malloc.h>

/* Hash tables of one combination: the first, and those for what overflows the one before. */
#define OVERFLOW_LEVELS 3u

/* Entries that may share a hash because groups are not hashed, see hash_words(). */
#define VALUES_MAX 4u

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

/* The entry as words, ports included. false: a port is a range, which no mask expresses. */
static bool match_as_words(const struct fg_match *match, uint64_t *values, uint64_t *masks)
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

/* Is an address tested whole, all 16 bytes or the four of IPv4, or not at all? */
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

/* The values of the entry as groups of 32 bits, in memory order. */
static void match_groups(const struct fg_match *match, uint32_t *groups)
{
	uint64_t values[KEY_WORDS], masks[KEY_WORDS];

	(void)match_as_words(match, values, masks);
	memcpy(groups, values, sizeof(values));
}

/* The number of values that a group has in @p entries, counted up to @p max. */
static uint32_t count_values(const struct entry_set *entries, unsigned int group, uint32_t max)
{
	uint32_t seen[VALUES_MAX + 1];
	uint32_t n = 0;

	for (uint32_t i = 0; i < entries->count && n < max; i++) {
		uint32_t groups[KEY_GROUPS], s = 0;

		match_groups(entry_set_get(entries, i), groups);
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
 * All words of the combination are compared. Groups with few values, as the one
 * with protocol and family, hardly spread entries and are not hashed; at most
 * VALUES_MAX entries share a hash for that.
 */
static void hash_words(struct hash *hash, const struct entry_set *entries, const uint64_t *masks,
		       uint64_t seed)
{
	uint32_t group_masks[KEY_GROUPS], sharing = 1;

	memcpy(group_masks, masks, sizeof(group_masks));
	for (unsigned int w = 0; w < KEY_WORDS; w++)
		if (masks[w] != 0) {
			hash->offsets[hash->n_words] = w * sizeof(uint64_t);
			hash->masks[hash->n_words++] = masks[w];
		}
	for (unsigned int g = 0; g < KEY_GROUPS; g++) {
		const uint32_t max = VALUES_MAX / sharing + 1;
		uint32_t values;

		if (group_masks[g] == 0)
			continue;
		values = count_values(entries, g, max);
		if (values < max)
			sharing *= values;
		else
			add_group(hash, g, group_masks[g], &seed);
	}
	/* Lookups hash at least two groups: one whose mask is 0 adds nothing. */
	while (hash->n_hashed < 2)
		add_group(hash, 0, 0, &seed);
}

/* Everything but the memory: words, factors, and the number of buckets. */
static void hash_shape(struct hash *hash, const struct entry_set *entries, const uint64_t *masks,
		       unsigned int level)
{
	unsigned int bits = 1 + level;

	memset(hash, 0, sizeof(*hash));
	hash_words(hash, entries, masks, level + 1);
	/* At most a third of the places is used: then buckets hardly ever overflow. */
	while ((UINT64_C(1) << bits) * BUCKET_TAGS / 3 < entries->count)
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

/* Insert an entry; of two equal ones, the lower rank stays. false: the bucket is full. */
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

int hashes_build(struct tiered *tiered, struct entry_set *entries, const uint64_t *masks,
		 struct budget *budget, struct fg_error *error)
{
	for (unsigned int level = 0; level < OVERFLOW_LEVELS; level++) {
		struct hash *hash;
		uint32_t remaining = 0;
		int rc;

		if (entries->count == 0 || tiered->n_hashes == HASHES_MAX)
			break;
		hash = &tiered->hashes[tiered->n_hashes++];
		hash_shape(hash, entries, masks, level);
		rc = hash_alloc(hash, budget, error);
		if (rc != 0)
			return rc;
		for (uint32_t i = 0; i < entries->count; i++)
			if (!hash_insert(hash, entry_set_get(entries, i)))
				entries->ids[remaining++] = entries->ids[i];
		entries->count = remaining;
	}
	return 0;
}

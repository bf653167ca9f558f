/* SPDX-License-Identifier: MIT */
/*
 * Decides which entry goes into which tier.
 *
 * Entries that test whole fields only can be hashed, one hash table for each
 * combination of fields. But every packet is looked up in every hash table, so a
 * small combination is hashed only if that costs less than cutting it into trees.
 */
#include "tiers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "box.h"
#include "forest.h"
#include "hashes.h"

#define HASH_ENTRIES_MIN 16u   /* a smaller combination is never hashed */
#define HASH_ENTRIES_BIG 1024u /* one of this size or larger is always hashed */
#define COMBINATIONS_MAX 8u    /* hashed; the rest of HASHES_MAX is for what overflows */
#define SAMPLE_KEYS      1024u
#define COST_HASH        20u /* of a lookup in one hash table, in the unit of forest_cost() */

/* Entries that test the same combination of fields. */
struct combination {
	uint64_t masks[KEY_WORDS];
	uint32_t number; /* in combination_of[] */
	uint32_t count;
};

#define NO_COMBINATION UINT16_MAX /* of entries that no hash table can hold */

/* All entries by combination. */
struct combinations {
	struct combination *at;
	uint32_t n, room;
	uint16_t *combination_of; /* [count] */
};

/* The number of a combination, which is added if it is new and there is room. */
static uint16_t find_combination(struct combinations *s, const uint64_t *masks, uint16_t last)
{
	if (last != NO_COMBINATION && memcmp(s->at[last].masks, masks, sizeof(s->at[0].masks)) == 0)
		return last;
	for (uint16_t i = 0; i < s->n; i++)
		if (memcmp(s->at[i].masks, masks, sizeof(s->at[0].masks)) == 0)
			return i;
	if (s->n == s->room)
		return NO_COMBINATION;
	s->at[s->n] = (struct combination){.number = s->n};
	memcpy(s->at[s->n].masks, masks, sizeof(s->at[0].masks));
	return (uint16_t)s->n++;
}

/* Find the combination of each entry. */
static void find_combinations(struct combinations *s, const struct fg_match *matches,
			      uint32_t count)
{
	uint16_t last = NO_COMBINATION;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t masks[KEY_WORDS];

		s->combination_of[i] = NO_COMBINATION;
		if (matches[i].expr != NULL || !hash_fits(&matches[i], masks))
			continue;
		last = find_combination(s, masks, last);
		s->combination_of[i] = last;
		if (last != NO_COMBINATION)
			s->at[last].count++;
	}
}

static int compare_combinations(const void *a, const void *b)
{
	const struct combination *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return (left->number > right->number) - (left->number < right->number);
}

static int compare_hashes(const void *a, const void *b)
{
	const struct hash *left = a, *right = b;

	return (left->best > right->best) - (left->best < right->best);
}

/* Working memory of the build. */
struct work {
	const struct fg_match *matches;
	uint32_t count;
	uint8_t *tiers;
	struct combinations combinations;
	struct samples samples;
	uint32_t *ids; /* [count], for lists of entries */
};

static int work_open(struct work *work, const struct fg_match *matches, uint32_t count,
		     uint8_t *tiers)
{
	enum { ROOM = 256 };

	*work = (struct work){.matches = matches, .count = count, .tiers = tiers};
	work->combinations.room = ROOM;
	work->combinations.at = malloc(ROOM * sizeof(struct combination));
	work->combinations.combination_of = malloc((count + 1) * sizeof(uint16_t));
	work->samples.words = malloc(SAMPLE_KEYS * sizeof(work->samples.words[0]));
	work->ids = malloc((count + 1) * sizeof(uint32_t));
	return work->combinations.at != NULL && work->combinations.combination_of != NULL &&
			       work->samples.words != NULL && work->ids != NULL
		       ? 0
		       : -ENOMEM;
}

static void work_close(struct work *work)
{
	free(work->combinations.at);
	free(work->combinations.combination_of);
	free(work->samples.words);
	free(work->ids);
}

static uint64_t draw_word(uint64_t *state)
{
	/* Knuth's MMIX generator; its low bits are poor, so the high ones are folded in. */
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state ^ (*state >> 29);
}

/* Keys that match entries of all tiers; bits that an entry leaves open are pseudo-random. */
static void draw_samples(struct work *work)
{
	struct samples *samples = &work->samples;
	uint64_t state = 1;

	samples->count = RTE_MIN(work->count, SAMPLE_KEYS);
	for (uint32_t s = 0; s < samples->count; s++) {
		struct box box;

		box_make(&box, &work->matches[(uint64_t)s * work->count / samples->count]);
		for (unsigned int w = 0; w < KEY_WORDS; w++)
			samples->words[s][w] = (draw_word(&state) & ~box.masks[w]) | box.values[w];
	}
}

/* The entries without an expression that are not in the first @p hashed combinations. */
static struct entry_set list_others(const struct work *work, uint32_t hashed)
{
	const struct combinations *s = &work->combinations;
	struct entry_set others = {.matches = work->matches, .ids = work->ids};
	bool is_hashed[UINT8_MAX + 1] = {false};

	for (uint32_t c = 0; c < hashed; c++)
		is_hashed[s->at[c].number] = true;
	for (uint32_t i = 0; i < work->count; i++)
		if (work->matches[i].expr == NULL &&
		    (s->combination_of[i] == NO_COMBINATION || !is_hashed[s->combination_of[i]]))
			others.ids[others.count++] = i;
	return others;
}

/* How many of the combinations, largest first, have @p entries_min entries or more. */
static uint32_t count_combinations(const struct combinations *s, uint32_t entries_min)
{
	uint32_t n = 0;

	while (n < RTE_MIN(s->n, COMBINATIONS_MAX) && s->at[n].count >= entries_min)
		n++;
	return n;
}

/* How many combinations to hash: all that can be, or only the big ones, if that costs less. */
static int choose_hashed(struct work *work, unsigned int lanes, uint64_t budget_bytes,
			 uint32_t *hashed, struct fg_error *error)
{
	const uint32_t all = count_combinations(&work->combinations, HASH_ENTRIES_MIN);
	const uint32_t big = count_combinations(&work->combinations, HASH_ENTRIES_BIG);
	struct entry_set others = list_others(work, all);
	uint64_t cost_all, cost_big;
	int rc;

	*hashed = all;
	/* If one hash table holds everything, there is nothing to compare. */
	if (all == big || (others.count == 0 && all == 1))
		return 0;
	rc = forest_cost(&others, lanes, &work->samples, budget_bytes, &cost_all, error);
	if (rc == 0) {
		others = list_others(work, big);
		rc = forest_cost(&others, lanes, &work->samples, budget_bytes, &cost_big, error);
	}
	if (rc != 0)
		return rc;
	cost_all += (all - big) * (uint64_t)COST_HASH * work->samples.count;
	if (cost_big < cost_all)
		*hashed = big;
	return 0;
}

/* Hash the first combinations, and mark the entries that the hash tables hold. */
static int build_hashes(struct tiered *tiered, struct work *work, uint32_t hashed,
			struct budget *budget, struct fg_error *error)
{
	const struct combinations *s = &work->combinations;
	int rc = 0;

	for (uint32_t c = 0; c < hashed && rc == 0; c++) {
		struct entry_set entries = {.matches = work->matches, .ids = work->ids};

		for (uint32_t i = 0; i < work->count; i++)
			if (s->combination_of[i] == s->at[c].number) {
				entries.ids[entries.count++] = i;
				work->tiers[i] = FG_TIER_EXACT;
			}
		rc = hashes_build(tiered, &entries, s->at[c].masks, budget, error);
		for (uint32_t i = 0; i < entries.count && rc == 0; i++)
			work->tiers[entries.ids[i]] = FG_TIER_WILDCARD;
	}
	qsort(tiered->hashes, tiered->n_hashes, sizeof(tiered->hashes[0]), compare_hashes);
	return rc;
}

static int build_both(struct tiered *tiered, struct work *work, struct budget *budget,
		      struct fg_error *error)
{
	struct combinations *s = &work->combinations;
	struct entry_set others = {.matches = work->matches, .ids = work->ids};
	uint32_t hashed;
	int rc;

	find_combinations(s, work->matches, work->count);
	qsort(s->at, s->n, sizeof(s->at[0]), compare_combinations);
	draw_samples(work);
	rc = choose_hashed(work, tiered->variant->lanes, budget->bytes, &hashed, error);
	if (rc == 0)
		rc = build_hashes(tiered, work, hashed, budget, error);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < work->count; i++)
		if (work->tiers[i] == FG_TIER_WILDCARD)
			others.ids[others.count++] = i;
	return forest_build(tiered, &others, &work->samples, budget, error);
}

int tiers_build(struct tiered *tiered, const struct fg_match *matches, uint32_t count,
		uint8_t *tiers, struct budget *budget, struct fg_error *error)
{
	struct work work;
	int rc = work_open(&work, matches, count, tiers);

	if (rc == 0)
		rc = build_both(tiered, &work, budget, error);
	else
		(void)fg_error_set(error, ENOMEM, "no memory for %u rule entries", count);
	work_close(&work);
	return rc;
}

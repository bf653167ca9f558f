/* SPDX-License-Identifier: MIT */
/*
 * Which entry goes into which tier. Those that name whole fields can be
 * hashed, a combination of fields each; but every hash costs every packet, so
 * small combinations are hashed only if that is cheaper than cutting them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "build.h"

#define HASH_ENTRIES_MIN 16u   /* a smaller combination is never hashed */
#define HASH_ENTRIES_BIG 1024u /* and from here on always */
#define COMBINATIONS_MAX 8u    /* hashed; what overflows takes the rest of HASHES_MAX */
#define SAMPLE_KEYS      1024u
#define COST_HASH        20u /* of one lookup, in the units of forest_cost() */

/* Entries that have one combination of fields. */
struct combination {
	uint64_t masks[KEY_WORDS];
	uint32_t number; /* as combination_of[] has it */
	uint32_t count;
};

#define NO_COMBINATION UINT16_MAX

/* Entries sorted into combinations, and the rest. */
struct sorting {
	struct combination *combinations;
	uint32_t n, room;
	uint16_t *combination_of; /* [count] */
};

/* Number of the combination; new ones are made while there is room for them. */
static uint16_t find_combination(struct sorting *s, const uint64_t *masks, uint16_t last)
{
	if (last != NO_COMBINATION &&
	    memcmp(s->combinations[last].masks, masks, sizeof(s->combinations[0].masks)) == 0)
		return last;
	for (uint16_t i = 0; i < s->n; i++)
		if (memcmp(s->combinations[i].masks, masks, sizeof(s->combinations[0].masks)) == 0)
			return i;
	if (s->n == s->room)
		return NO_COMBINATION;
	s->combinations[s->n] = (struct combination){.number = s->n};
	memcpy(s->combinations[s->n].masks, masks, sizeof(s->combinations[0].masks));
	return (uint16_t)s->n++;
}

static void sort_entries(struct sorting *s, const struct fg_match *matches, uint32_t count)
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
			s->combinations[last].count++;
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

/* The builder's working memory. */
struct work {
	const struct fg_match *matches;
	uint32_t count;
	uint8_t *tiers;
	struct sorting sorting;
	struct samples samples;
	uint32_t *ids; /* room for all entries */
};

static int work_open(struct work *work, const struct fg_match *matches, uint32_t count,
		     uint8_t *tiers)
{
	enum { ROOM = 256 };

	*work = (struct work){.matches = matches, .count = count, .tiers = tiers};
	work->sorting.room = ROOM;
	work->sorting.combinations = malloc(ROOM * sizeof(struct combination));
	work->sorting.combination_of = malloc((count + 1) * sizeof(uint16_t));
	work->samples.words = malloc(SAMPLE_KEYS * sizeof(work->samples.words[0]));
	work->ids = malloc((count + 1) * sizeof(uint32_t));
	return work->sorting.combinations != NULL && work->sorting.combination_of != NULL &&
			       work->samples.words != NULL && work->ids != NULL
		       ? 0
		       : -ENOMEM;
}

static void work_close(struct work *work)
{
	free(work->sorting.combinations);
	free(work->sorting.combination_of);
	free(work->samples.words);
	free(work->ids);
}

static uint64_t draw_word(uint64_t *state)
{
	/* Knuth's MMIX generator; its low bits are poor, so the high ones are folded in. */
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state ^ (*state >> 29);
}

/* Keys that match entries, all tiers' alike, the rest of them random. Always the same ones. */
static void draw_samples(struct work *work)
{
	struct samples *samples = &work->samples;
	uint64_t state = 1;

	samples->count = RTE_MIN(work->count, SAMPLE_KEYS);
	for (uint32_t s = 0; s < samples->count; s++) {
		struct cube cube;

		cube_make(&cube, &work->matches[(uint64_t)s * work->count / samples->count]);
		for (unsigned int w = 0; w < KEY_WORDS; w++)
			samples->words[s][w] =
				(draw_word(&state) & ~cube.masks[w]) | cube.values[w];
	}
}

/* Entries that are not in the first @p hashed combinations, and have no expression. */
static uint32_t list_others(const struct work *work, uint32_t hashed)
{
	const struct sorting *s = &work->sorting;
	bool is_hashed[UINT8_MAX + 1] = {false};
	uint32_t n = 0;

	for (uint32_t c = 0; c < hashed; c++)
		is_hashed[s->combinations[c].number] = true;
	for (uint32_t i = 0; i < work->count; i++)
		if (work->matches[i].expr == NULL &&
		    (s->combination_of[i] == NO_COMBINATION || !is_hashed[s->combination_of[i]]))
			work->ids[n++] = i;
	return n;
}

/* How many of the combinations, largest first, have @p entries_min entries or more. */
static uint32_t count_combinations(const struct sorting *s, uint32_t entries_min)
{
	uint32_t n = 0;

	while (n < RTE_MIN(s->n, COMBINATIONS_MAX) && s->combinations[n].count >= entries_min)
		n++;
	return n;
}

/* How many combinations to hash: all that may be, or the big ones alone. */
static int choose_hashed(struct work *work, unsigned int lanes, uint64_t budget_bytes,
			 uint32_t *hashed, struct fg_error *error)
{
	const uint32_t all = count_combinations(&work->sorting, HASH_ENTRIES_MIN);
	const uint32_t big = count_combinations(&work->sorting, HASH_ENTRIES_BIG);
	const uint32_t others = list_others(work, all);
	uint64_t cost_all, cost_big;
	int rc;

	*hashed = all;
	/* Nothing to be cut but what could be hashed: then hashing is best. */
	if (all == big || (others == 0 && all == 1))
		return 0;
	rc = forest_cost(work->matches, work->ids, others, lanes, &work->samples, budget_bytes,
			 &cost_all, error);
	if (rc == 0)
		rc = forest_cost(work->matches, work->ids, list_others(work, big), lanes,
				 &work->samples, budget_bytes, &cost_big, error);
	if (rc != 0)
		return rc;
	cost_all += (all - big) * (uint64_t)COST_HASH * work->samples.count;
	if (cost_big < cost_all)
		*hashed = big;
	return 0;
}

/* Hash the first combinations. Entries that found their place are marked in tiers. */
static int build_hashes(struct tiered *tiered, struct work *work, uint32_t hashed,
			struct budget *budget, struct fg_error *error)
{
	const struct sorting *s = &work->sorting;
	int rc = 0;

	for (uint32_t c = 0; c < hashed && rc == 0; c++) {
		uint32_t n = 0, left = 0;

		for (uint32_t i = 0; i < work->count; i++)
			if (s->combination_of[i] == s->combinations[c].number) {
				work->ids[n++] = i;
				work->tiers[i] = FG_TIER_EXACT;
			}
		rc = hashes_build(tiered, work->matches, work->ids, n, s->combinations[c].masks,
				  budget, &left, error);
		for (uint32_t i = 0; i < left && rc == 0; i++)
			work->tiers[work->ids[i]] = FG_TIER_WILDCARD;
	}
	qsort(tiered->hashes, tiered->n_hashes, sizeof(tiered->hashes[0]), compare_hashes);
	return rc;
}

static int build_both(struct tiered *tiered, struct work *work, struct budget *budget,
		      struct fg_error *error)
{
	struct sorting *s = &work->sorting;
	uint32_t hashed, n = 0;
	int rc;

	sort_entries(s, work->matches, work->count);
	qsort(s->combinations, s->n, sizeof(s->combinations[0]), compare_combinations);
	draw_samples(work);
	rc = choose_hashed(work, tiered->variant->lanes, budget->bytes, &hashed, error);
	if (rc == 0)
		rc = build_hashes(tiered, work, hashed, budget, error);
	for (uint32_t i = 0; i < work->count; i++)
		if (work->tiers[i] == FG_TIER_WILDCARD)
			work->ids[n++] = i;
	return rc != 0 ? rc
		       : forest_build(tiered, work->matches, work->ids, n, &work->samples, budget,
				      error);
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

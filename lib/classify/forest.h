/* SPDX-License-Identifier: MIT */
/* Builds the wildcard tier: a few trees. */
#ifndef CLASSIFY_FOREST_H
#define CLASSIFY_FOREST_H

#include <stdint.h>

#include "budget.h"
#include "entry_set.h"
#include "tiered_table.h"

/* Keys that match the entries of all tiers: the lookups by which ways to cut are compared. */
struct samples {
	uint64_t (*words)[KEY_WORDS];
	uint32_t count;
};

/* Put @p entries into trees. 0, -E2BIG or -ENOMEM. */
int forest_build(struct tiered *tiered, const struct entry_set *entries,
		 const struct samples *samples, struct budget *budget, struct fg_error *error);

/*
 * The cost of looking all the samples up in trees of @p entries, in tenths of a
 * nanosecond; of many entries, only some are put into trees. 0 or -ENOMEM.
 */
int forest_cost(const struct entry_set *entries, unsigned int lanes, const struct samples *samples,
		uint64_t budget_bytes, uint64_t *cost, struct fg_error *error);

#endif /* CLASSIFY_FOREST_H */

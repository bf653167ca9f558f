/* SPDX-License-Identifier: MIT */
/* Decides which entry goes into which tier, and builds both. */
#ifndef CLASSIFY_TIERS_H
#define CLASSIFY_TIERS_H

#include <stdint.h>

#include "budget.h"
#include "tiered_table.h"

/*
 * Build both tiers of @p tiered from the entries without an expression.
 * tiers[i] becomes FG_TIER_EXACT for entries that are hashed.
 * 0, -E2BIG or -ENOMEM; on error, @p tiered holds what was built.
 */
int tiers_build(struct tiered *tiered, const struct fg_match *matches, uint32_t count,
		uint8_t *tiers, struct budget *budget, struct fg_error *error);

#endif /* CLASSIFY_TIERS_H */

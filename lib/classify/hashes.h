/* SPDX-License-Identifier: MIT */
/* Builds the exact tier: hash tables of entries that test whole fields only. */
#ifndef CLASSIFY_HASHES_H
#define CLASSIFY_HASHES_H

#include <stdbool.h>
#include <stdint.h>

#include "budget.h"
#include "entry_set.h"
#include "tiered_table.h"

/*
 * Can a hash table hold the entry? It can if each field is tested whole or not at
 * all. Then @p masks, [KEY_WORDS], is the combination of fields that it tests.
 */
bool hash_fits(const struct fg_match *match, uint64_t *masks);

/*
 * Put @p entries, all of one combination of fields, into a hash table, and what
 * overflows its buckets into a few more. @p entries becomes the entries that then
 * remain. 0, -E2BIG or -ENOMEM.
 */
int hashes_build(struct tiered *tiered, struct entry_set *entries, const uint64_t *masks,
		 struct budget *budget, struct fg_error *error);

void hash_free(struct hash *hash);

#endif /* CLASSIFY_HASHES_H */

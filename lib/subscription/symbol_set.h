/* SPDX-License-Identifier: MIT */
/* A set of symbols for the hot path: those that a message filter matches. */
#ifndef SUBSCRIPTION_SYMBOL_SET_H
#define SUBSCRIPTION_SYMBOL_SET_H

#include "number_set.h"
#include "symbol.h"

struct symbol_set {
	struct number_set keys; /* short symbols as numbers; in a wide set, hashes of symbols */
	struct symbol *symbols; /* by slot of `keys` */
	uint64_t seed;          /* of the hashes; no two symbols of the set share a hash */
	bool wide;              /* a symbol to look up may be longer than SYMBOL_SHORT */
};

/**
 * Make a set of @p count symbols, none of them empty.
 * @param wide  A symbol to look up may be longer than SYMBOL_SHORT.
 * @return 0 or -ENOMEM. Free it with symbol_set_free().
 */
int symbol_set_build(struct symbol_set *set, const struct symbol *list, uint32_t count, bool wide,
		     int socket_id);

void symbol_set_free(struct symbol_set *set);

/** Bytes of memory that it takes. */
uint64_t symbol_set_bytes(const struct symbol_set *set);

/** Number of slots: every slot is below this. */
static inline uint32_t symbol_set_slots(const struct symbol_set *set)
{
	return number_set_slots(&set->keys);
}

/** The slot of a symbol, or NUMBER_SET_NONE. Hot. */
uint32_t symbol_set_find(const struct symbol_set *set, const struct symbol *symbol);

/** Whether the symbol that symbol_short() gave as @p text is in the set. Hot. */
static __rte_always_inline bool symbol_set_has_short(const struct symbol_set *set, uint64_t text)
{
	if (unlikely(set->wide)) {
		const struct symbol symbol = {{rte_cpu_to_le_64(text)}};

		return symbol_set_find(set, &symbol) != NUMBER_SET_NONE;
	}
	return number_set_has_sized(&set->keys, text, 8);
}

/* The number that stands for a symbol in `keys`; not 0. */
static __rte_always_inline uint64_t symbol_set_key(const struct symbol_set *set,
						   const uint64_t words[FG_SYMBOL_BYTES / 8])
{
	uint64_t hash = rte_le_to_cpu_64(words[0]);

	if (!set->wide)
		return hash;
	hash ^= set->seed;
#pragma GCC unroll 4
	for (unsigned int i = 1; i < FG_SYMBOL_BYTES / 8; i++)
		hash = (hash ^ hash >> 29 ^ words[i]) * UINT64_C(0xbf58476d1ce4e5b9);
	return hash == 0 ? 1 : hash;
}

/** Whether a symbol of at most 16 bytes is in a wide set, without a branch on the result. Hot. */
static __rte_always_inline bool symbol_set_has_wide(const struct symbol_set *set, uint64_t low,
						    uint64_t high)
{
	const struct symbol sought = {{rte_cpu_to_le_64(low), rte_cpu_to_le_64(high)}};
	const uint64_t key = symbol_set_key(set, sought.words);
	uint32_t at = number_set_line(&set->keys, key), lanes;
	const uint64_t *found;

	lanes = number_line_compare(number_set_line_at(&set->keys, at), key, 8);
	for (uint32_t i = 1;
	     unlikely((lanes == 0) & number_line_full(number_set_line_at(&set->keys, at), 8)) &&
	     i < set->keys.run;
	     i++) {
		at = (at + 1) & set->keys.mask;
		lanes = number_line_compare(number_set_line_at(&set->keys, at), key, 8);
	}
	/* Where no lane has the key, any symbol of the line is another one. */
	found = set->symbols[at * NUMBER_LINE_LANES + (uint32_t)__builtin_ctz(lanes | 0x80)].words;
	return ((found[0] ^ sought.words[0]) | (found[1] ^ sought.words[1]) | found[2] |
		found[3]) == 0;
}

#endif /* SUBSCRIPTION_SYMBOL_SET_H */

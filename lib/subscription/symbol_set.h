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

#endif /* SUBSCRIPTION_SYMBOL_SET_H */

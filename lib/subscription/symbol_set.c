/* SPDX-License-Identifier: MIT */
#include "symbol_set.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

#define SEEDS 4u

/* The number that stands for a symbol in `keys`; not 0. */
static uint64_t key_of(const struct symbol_set *set, const struct symbol *symbol)
{
	uint64_t hash = rte_le_to_cpu_64(symbol->words[0]);

	if (!set->wide)
		return hash;
	hash ^= set->seed;
	for (unsigned int i = 1; i < RTE_DIM(symbol->words); i++)
		hash = (hash ^ hash >> 29 ^ symbol->words[i]) * UINT64_C(0xbf58476d1ce4e5b9);
	return hash == 0 ? 1 : hash;
}

uint32_t symbol_set_find(const struct symbol_set *set, const struct symbol *symbol)
{
	uint32_t slot;

	if (!set->wide && (symbol->words[1] | symbol->words[2] | symbol->words[3]) != 0)
		return NUMBER_SET_NONE;
	slot = number_set_find(&set->keys, key_of(set, symbol));
	if (slot == NUMBER_SET_NONE || !set->wide)
		return slot;
	return memcmp(&set->symbols[slot], symbol, sizeof(*symbol)) == 0 ? slot : NUMBER_SET_NONE;
}

/* Store each symbol in its slot. @return false: two of them have the same hash. */
static bool place_symbols(struct symbol_set *set, const struct symbol *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t slot = number_set_find(&set->keys, key_of(set, &list[i]));
		struct symbol *symbol = &set->symbols[slot];

		if (symbol->words[0] != 0 && memcmp(symbol, &list[i], sizeof(*symbol)) != 0)
			return false;
		*symbol = list[i];
	}
	return true;
}

static int build(struct symbol_set *set, const struct symbol *list, uint64_t *keys, uint32_t count,
		 int socket_id)
{
	for (set->seed = 0; set->seed < SEEDS; set->seed++) {
		for (uint32_t i = 0; i < count; i++)
			keys[i] = key_of(set, &list[i]);
		if (number_set_build(&set->keys, 8, keys, count, socket_id) != 0)
			return -ENOMEM;
		set->symbols =
			rte_zmalloc_socket(NULL, sizeof(*set->symbols) * symbol_set_slots(set),
					   RTE_CACHE_LINE_SIZE, socket_id);
		if (set->symbols != NULL && place_symbols(set, list, count))
			return 0;
		symbol_set_free(set);
	}
	return -ENOMEM;
}

int symbol_set_build(struct symbol_set *set, const struct symbol *list, uint32_t count, bool wide,
		     int socket_id)
{
	uint64_t *keys = calloc((size_t)count + 1, sizeof(*keys));
	int rc = -ENOMEM;

	memset(set, 0, sizeof(*set));
	set->wide = wide;
	if (keys != NULL)
		rc = build(set, list, keys, count, socket_id);
	free(keys);
	return rc;
}

void symbol_set_free(struct symbol_set *set)
{
	rte_free(set->symbols);
	set->symbols = NULL;
	number_set_free(&set->keys);
}

uint64_t symbol_set_bytes(const struct symbol_set *set)
{
	uint64_t bytes = number_set_bytes(&set->keys);

	if (set->symbols != NULL)
		bytes += sizeof(*set->symbols) * symbol_set_slots(set);
	return bytes;
}

/* SPDX-License-Identifier: MIT */
#include "symbol_set.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

#define SEEDS 4u

uint32_t symbol_set_find(const struct symbol_set *set, const struct symbol *symbol)
{
	uint32_t slot;

	if (!set->wide && (symbol->words[1] | symbol->words[2] | symbol->words[3]) != 0)
		return NUMBER_SET_NONE;
	slot = number_set_find(&set->keys, symbol_set_key(set, symbol->words));
	if (slot == NUMBER_SET_NONE || !set->wide)
		return slot;
	return memcmp(&set->symbols[slot], symbol, sizeof(*symbol)) == 0 ? slot : NUMBER_SET_NONE;
}

/* Store each symbol in its slot. @return false: two of them have the same hash. */
static bool place_symbols(struct symbol_set *set, const struct symbol *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t slot =
			number_set_find(&set->keys, symbol_set_key(set, list[i].words));
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
			keys[i] = symbol_set_key(set, list[i].words);
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

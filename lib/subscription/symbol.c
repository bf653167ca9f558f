/* SPDX-License-Identifier: MIT */
#include "symbol.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

#define SEEDS 4u

static bool is_pad(uint8_t byte)
{
	return byte == 0 || byte == ' ';
}

bool symbol_read(struct symbol *symbol, const uint8_t *at, uint32_t bytes)
{
	while (bytes > 0 && is_pad(at[bytes - 1]))
		bytes--;
	memset(symbol, 0, sizeof(*symbol));
	memcpy(symbol, at, bytes);
	return bytes > 0;
}

bool symbol_of_text(struct symbol *symbol, const char *text)
{
	const size_t bytes = strlen(text);

	return bytes <= FG_SYMBOL_BYTES &&
	       symbol_read(symbol, (const uint8_t *)text, (uint32_t)bytes);
}

/* What stands for a symbol in ids. Not 0. */
static uint64_t key_of(const struct symbols *symbols, const struct symbol *symbol)
{
	uint64_t hash = rte_le_to_cpu_64(symbol->words[0]);

	if (!symbols->wide)
		return hash;
	hash ^= symbols->seed;
	for (unsigned int i = 1; i < RTE_DIM(symbol->words); i++)
		hash = (hash ^ hash >> 29 ^ symbol->words[i]) * UINT64_C(0xbf58476d1ce4e5b9);
	return hash == 0 ? 1 : hash;
}

uint32_t symbols_find(const struct symbols *symbols, const struct symbol *symbol)
{
	uint32_t place;

	if (!symbols->wide && (symbol->words[1] | symbol->words[2] | symbol->words[3]) != 0)
		return IDS_NONE;
	place = ids_find(&symbols->ids, key_of(symbols, symbol));
	if (place == IDS_NONE || !symbols->wide)
		return place;
	return memcmp(&symbols->names[place], symbol, sizeof(*symbol)) == 0 ? place : IDS_NONE;
}

/* Names to their places. @return false: two of them share one. */
static bool place_names(struct symbols *symbols, const struct symbol *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t place = ids_find(&symbols->ids, key_of(symbols, &list[i]));
		struct symbol *name = &symbols->names[place];

		if (name->words[0] != 0 && memcmp(name, &list[i], sizeof(*name)) != 0)
			return false;
		*name = list[i];
	}
	return true;
}

static int build(struct symbols *symbols, const struct symbol *list, uint64_t *keys, uint32_t count,
		 int socket_id)
{
	for (symbols->seed = 0; symbols->seed < SEEDS; symbols->seed++) {
		for (uint32_t i = 0; i < count; i++)
			keys[i] = key_of(symbols, &list[i]);
		if (ids_build(&symbols->ids, 8, keys, count, socket_id) != 0)
			return -ENOMEM;
		symbols->names = rte_zmalloc_socket(
			NULL, sizeof(*symbols->names) * ids_places(&symbols->ids),
			RTE_CACHE_LINE_SIZE, socket_id);
		if (symbols->names != NULL && place_names(symbols, list, count))
			return 0;
		symbols_free(symbols);
	}
	return -ENOMEM;
}

int symbols_build(struct symbols *symbols, const struct symbol *list, uint32_t count, bool wide,
		  int socket_id)
{
	uint64_t *keys = calloc((size_t)count + 1, sizeof(*keys));
	int rc = -ENOMEM;

	memset(symbols, 0, sizeof(*symbols));
	symbols->wide = wide;
	if (keys != NULL)
		rc = build(symbols, list, keys, count, socket_id);
	free(keys);
	return rc;
}

void symbols_free(struct symbols *symbols)
{
	rte_free(symbols->names);
	symbols->names = NULL;
	ids_free(&symbols->ids);
}

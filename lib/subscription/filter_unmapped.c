/* SPDX-License-Identifier: MIT */
/* Which symbols of a filter have no number, for reports. */
#include <stdlib.h>

#include "filter.h"

/* The filter's symbols that have a number, by slot of its set. */
struct search {
	const struct symbol_set *set;
	uint64_t *mapped;
	uint32_t words;
};

static void begin(void *context)
{
	const struct search *search = context;

	memset(search->mapped, 0, sizeof(*search->mapped) * search->words);
}

static void found(void *context, const struct symbol_seen *seen)
{
	const struct search *search = context;
	const uint32_t slot = symbol_set_find(search->set, &seen->symbol);

	if (slot != NUMBER_SET_NONE)
		search->mapped[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* Keep the first @max names in alphabetical order. @return how many there are now. */
static uint32_t keep_name(char (*names)[FG_SYMBOL_BYTES + 1], uint32_t count, uint32_t max,
			  const struct symbol *symbol)
{
	char name[FG_SYMBOL_BYTES + 1] = {0};
	uint32_t at = count;

	memcpy(name, symbol, FG_SYMBOL_BYTES);
	while (at > 0 && strcmp(names[at - 1], name) > 0)
		at--;
	if (at == max)
		return count;
	count = RTE_MIN(count + 1, max);
	memmove(names + at + 1, names + at, sizeof(*names) * (count - at - 1));
	memcpy(names[at], name, sizeof(name));
	return count;
}

int fg_msg_filter_unmapped(const struct fg_msg_filter *filter, char (*names)[FG_SYMBOL_BYTES + 1],
			   uint32_t max, uint32_t *count)
{
	const struct symbol_set *set = &filter->symbol_set;
	struct search search = {.set = set};
	struct symbol_moment moment;
	uint32_t n = 0;
	int rc;

	*count = 0;
	if (!filter->by_symbol)
		return 0;
	search.words = RTE_ALIGN_CEIL(symbol_set_slots(set), 64) / 64;
	search.mapped = calloc(search.words, sizeof(*search.mapped));
	if (search.mapped == NULL)
		return -ENOMEM;
	rc = symbol_map_visit(filter->symbols, begin, found, &search, &moment);
	for (uint32_t slot = 0; rc == 0 && slot < symbol_set_slots(set); slot++) {
		if (set->symbols[slot].words[0] == 0 ||
		    (search.mapped[slot / 64] >> slot % 64 & 1) != 0)
			continue;
		(*count)++;
		n = keep_name(names, n, max, &set->symbols[slot]);
	}
	free(search.mapped);
	return rc != 0 ? rc : (int)n;
}

/* SPDX-License-Identifier: MIT */
/* New entries of the symbol map, applied to the numbers that a filter matches. */
#include "filter_symbols.h"

#include "filter.h"

/* A matched symbol, by its slot, has one number more, or one less. */
static void count_number(struct fg_msg_filter *filter, uint32_t slot, bool more)
{
	uint32_t unmapped =
		atomic_load_explicit(&filter->n_symbols_without_number, memory_order_relaxed);

	if (more)
		unmapped -= filter->symbol_numbers[slot]++ == 0;
	else
		unmapped += --filter->symbol_numbers[slot] == 0;
	atomic_store_explicit(&filter->n_symbols_without_number, unmapped, memory_order_relaxed);
}

/* A number of two bytes has a symbol; @matched: one that is matched. */
static void set_flags(uint8_t *flags, bool matched)
{
	*flags &= (uint8_t)~FLAG_UNMAPPED;
	if (matched)
		*flags |= FLAG_MATCHED;
	else if ((*flags & FLAG_LISTED) == 0)
		*flags &= (uint8_t)~FLAG_MATCHED;
}

static void apply_entry(struct fg_msg_filter *filter, const struct symbol_entry *entry)
{
	const uint32_t symbol = symbol_set_find(&filter->symbol_set, &entry->symbol);
	const uint64_t bit = UINT64_C(1) << entry->slot % 64;
	const bool matched = symbol != NUMBER_SET_NONE;

	if (entry->previous != 0) {
		const struct symbol_entry *previous = &filter->symbols->log[entry->previous - 1];
		const uint32_t old = symbol_set_find(&filter->symbol_set, &previous->symbol);

		if (old != NUMBER_SET_NONE)
			count_number(filter, old, false);
	}
	if (matched)
		count_number(filter, symbol, true);
	if (filter->number_flags != NULL)
		set_flags(&filter->number_flags[number_index(entry->slot)], matched);
	else if (matched)
		filter->slots_matched[entry->slot / 64] |= bit;
	else
		filter->slots_matched[entry->slot / 64] &= ~bit;
}

void filter_catch_up(struct fg_msg_filter *filter)
{
	/* Partner: the release of symbol_map_add(). */
	const uint32_t count = atomic_load_explicit(&filter->symbols->count, memory_order_acquire);

	for (; filter->by_symbol && filter->entries_seen < count; filter->entries_seen++)
		apply_entry(filter, &filter->symbols->log[filter->entries_seen]);
	filter->entries_seen = count;
}

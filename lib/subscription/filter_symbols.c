/* SPDX-License-Identifier: MIT */
/* From symbols to numbers, as the feed's directory tells them. */
#include "filter.h"

/* A matched symbol has one number more, or one less. */
static void count_holder(struct fg_msg_filter *filter, uint32_t symbol, bool more)
{
	uint32_t unresolved =
		atomic_load_explicit(&filter->n_unmapped_symbols, memory_order_relaxed);

	if (more) {
		unresolved -= filter->holders[symbol]++ == 0;
	} else {
		unresolved += --filter->holders[symbol] == 0;
	}
	atomic_store_explicit(&filter->n_unmapped_symbols, unresolved, memory_order_relaxed);
}

/* A number has a symbol, @matched or not. */
static void set_direct(uint8_t *bits, bool matched)
{
	*bits &= (uint8_t)~BITS_UNNAMED;
	if (matched)
		*bits |= BITS_WANTED;
	else if ((*bits & BITS_LISTED) == 0)
		*bits &= (uint8_t)~BITS_WANTED;
}

/* What an entry of the directory match of its number. */
static void take_entry(struct fg_msg_filter *filter, const struct named *entry)
{
	const uint32_t place = symbols_find(&filter->symbols, &entry->symbol);
	const uint64_t bit = UINT64_C(1) << entry->place % 64;

	if (entry->before != 0) {
		const uint32_t old = symbols_find(&filter->symbols,
						  &filter->known->log[entry->before - 1].symbol);

		if (old != IDS_NONE)
			count_holder(filter, old, false);
	}
	if (place != IDS_NONE)
		count_holder(filter, place, true);
	if (filter->direct != NULL)
		set_direct(&filter->direct[direct_place(entry->place)], place != IDS_NONE);
	else if (place != IDS_NONE)
		filter->resolved[entry->place / 64] |= bit;
	else
		filter->resolved[entry->place / 64] &= ~bit;
}

void filter_catch_up(struct fg_msg_filter *filter)
{
	/* Partner: the release of known_name(). */
	const uint32_t count = atomic_load_explicit(&filter->known->count, memory_order_acquire);

	for (; filter->symbolic && filter->seen < count; filter->seen++)
		take_entry(filter, &filter->known->log[filter->seen]);
	filter->seen = count;
}

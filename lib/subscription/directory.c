/* SPDX-License-Identifier: MIT */
/*
 * Which symbol a number stands for: a log that only grows, so that control and
 * filters may read it while the worker writes, and an index for the worker.
 */
#include "known.h"

uint32_t known_places(const struct fg_known *known)
{
	if (known->capacity == 0)
		return 0;
	return known->direct ? NUMBERS : ids_places(&known->numbers);
}

static bool no_room(struct fg_known *known)
{
	atomic_store_explicit(&known->full, true, memory_order_relaxed);
	fg_counter_add(&known->counters[FG_KNOWN_symbols_full], 1);
	return false;
}

bool known_name(struct fg_known *known, uint64_t number, const struct symbol *symbol)
{
	const uint32_t count = atomic_load_explicit(&known->count, memory_order_relaxed);
	uint32_t place = known_place(known, number);
	const uint32_t before = place == IDS_NONE ? 0 : known->last[place];
	struct named *entry = &known->log[count];

	if (before != 0 && memcmp(&known->log[before - 1].symbol, symbol, sizeof(*symbol)) == 0)
		return true;
	if (count == known->capacity)
		return no_room(known);
	if (place == IDS_NONE)
		place = known->direct ? (uint32_t)number : ids_add(&known->numbers, number);
	if (place == IDS_NONE)
		return no_room(known);
	entry->number = number;
	entry->place = place;
	entry->before = before;
	entry->symbol = *symbol;
	known->last[place] = count + 1;
	/* Partner: the acquire of filter_catch_up(). */
	atomic_store_explicit(&known->count, count + 1, memory_order_release);
	fg_counter_add(&known->counters[before == 0 ? FG_KNOWN_symbols : FG_KNOWN_symbols_changed],
		       1);
	return true;
}

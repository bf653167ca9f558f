/* SPDX-License-Identifier: MIT */
/* Changes of the symbol map, applied to the numbers that a filter matches. */
#include "filter_symbols.h"

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

/* The number of a slot has the symbol @to. @from: the one it had; NULL: none. */
static void apply(struct fg_msg_filter *filter, uint32_t slot, const struct symbol *from,
		  const struct symbol *to)
{
	const uint64_t bit = UINT64_C(1) << slot % 64;
	uint32_t old, new;

	if (filter->number_flags != NULL)
		filter->number_flags[number_index(slot)] &= (uint8_t)~FLAG_UNNAMED;
	if (!filter->by_symbol)
		return;
	old = from != NULL ? symbol_set_find(&filter->symbol_set, from) : NUMBER_SET_NONE;
	new = symbol_set_find(&filter->symbol_set, to);
	if (old != NUMBER_SET_NONE)
		count_number(filter, old, false);
	if (new != NUMBER_SET_NONE)
		count_number(filter, new, true);
	if (filter->number_flags != NULL)
		set_flags(&filter->number_flags[number_index(slot)], new != NUMBER_SET_NONE);
	else if (new != NUMBER_SET_NONE)
		filter->slots_matched[slot / 64] |= bit;
	else
		filter->slots_matched[slot / 64] &= ~bit;
}

void filter_forget_flags(struct fg_msg_filter *filter)
{
	const uint8_t listed =
		FLAG_LEARN | FLAG_FALLBACK | FLAG_MATCHED | FLAG_UNNAMED | FLAG_LISTED;
	const uint8_t other = FLAG_LEARN | FLAG_FALLBACK | FLAG_UNMAPPED | FLAG_UNNAMED |
			      (filter->any_instrument ? FLAG_MATCHED : 0);

	for (uint32_t i = 0; i < SHORT_NUMBERS; i++)
		filter->number_flags[i] =
			(filter->number_flags[i] & FLAG_LISTED) != 0 ? listed : other;
	filter->number_flags[0] &= (uint8_t) ~(FLAG_UNNAMED | FLAG_FALLBACK);
}

void filter_give_up(struct fg_msg_filter *filter, uint64_t number)
{
	if (filter->number_flags != NULL && number < SHORT_NUMBERS)
		filter->number_flags[number_index((uint32_t)number)] &= (uint8_t)~FLAG_UNNAMED;
}

/* No number has a symbol. */
static void forget(void *context)
{
	struct fg_msg_filter *filter = context;

	if (filter->number_flags != NULL)
		filter_forget_flags(filter);
	if (!filter->by_symbol)
		return;
	if (filter->number_flags == NULL)
		memset(filter->slots_matched, 0, RTE_ALIGN_CEIL(filter->symbols->slots, 64) / 8);
	memset(filter->symbol_numbers, 0,
	       sizeof(*filter->symbol_numbers) * symbol_set_slots(&filter->symbol_set));
	atomic_store_explicit(&filter->n_symbols_without_number, filter->n_symbols,
			      memory_order_relaxed);
}

static void apply_entry(void *context, const struct symbol_seen *seen)
{
	apply(context, seen->slot, NULL, &seen->symbol);
}

static void apply_change(struct fg_msg_filter *filter, const struct symbol_change *change)
{
	const struct symbol from = shared_symbol_get(&change->from);
	const struct symbol to = shared_symbol_get(&change->to);
	const bool first = atomic_load_explicit(&change->previous, memory_order_relaxed) == 0;

	apply(filter, atomic_load_explicit(&change->slot, memory_order_relaxed),
	      first ? NULL : &from, &to);
}

void filter_follow(struct fg_msg_filter *filter)
{
	struct symbol_moment moment;

	filter->follows = filter->by_symbol || filter->number_flags != NULL;
	if (!filter->follows)
		return;
	if (symbol_map_visit(filter->symbols, forget, apply_entry, filter, &moment) != 0)
		/* The worker visits all numbers when it first matches a packet. */
		moment = (struct symbol_moment){.change = UINT64_MAX, .cleared = UINT64_MAX};
	filter->changes_seen = moment.change;
	filter->cleared_seen = moment.cleared;
}

void filter_catch_up(struct fg_msg_filter *filter)
{
	const struct fg_symbols *symbols = filter->symbols;
	const uint64_t changes = atomic_load_explicit(&symbols->changes, memory_order_relaxed);
	const uint64_t cleared = atomic_load_explicit(&symbols->cleared, memory_order_relaxed);
	struct symbol_moment moment;

	if (filter->follows && filter->cleared_seen != cleared) {
		forget(filter);
		filter->cleared_seen = cleared;
		filter->changes_seen = cleared;
	}
	if (filter->follows && changes - filter->changes_seen > symbols->ring_mask)
		(void)symbol_map_visit(symbols, forget, apply_entry, filter, &moment);
	else if (filter->follows)
		while (filter->changes_seen < changes)
			apply_change(filter,
				     &symbols->ring[++filter->changes_seen & symbols->ring_mask]);
	filter->changes_seen = changes;
}

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
static void set_short(struct short_numbers *shorts, uint32_t number, bool matched)
{
	const bool listed = (short_numbers_bit(shorts->listed, number) & 1) != 0;

	short_numbers_set_bit(shorts->unmapped, number, false);
	short_numbers_set_code(shorts, number, CODE_MATCHED, matched || listed);
}

/* The number of a slot has the symbol @to. @from: the one it had; NULL: none. */
static void apply(struct fg_msg_filter *filter, uint32_t slot, const struct symbol *from,
		  const struct symbol *to)
{
	const uint64_t bit = UINT64_C(1) << slot % 64;
	uint32_t old, new;

	if (filter->shorts != NULL)
		short_numbers_set_code(filter->shorts, slot, CODE_UNNAMED, false);
	if (!filter->by_symbol)
		return;
	old = from != NULL ? symbol_set_find(&filter->symbol_set, from) : NUMBER_SET_NONE;
	new = symbol_set_find(&filter->symbol_set, to);
	if (old != NUMBER_SET_NONE)
		count_number(filter, old, false);
	if (new != NUMBER_SET_NONE)
		count_number(filter, new, true);
	if (filter->shorts != NULL)
		set_short(filter->shorts, slot, new != NUMBER_SET_NONE);
	else if (new != NUMBER_SET_NONE)
		filter->slots_matched[slot / 64] |= bit;
	else
		filter->slots_matched[slot / 64] &= ~bit;
}

void filter_forget_shorts(struct fg_msg_filter *filter)
{
	struct short_numbers *shorts = filter->shorts;
	const uint32_t any = filter->any_instrument ? UINT32_MAX : 0;

	for (uint32_t i = 0; i < RTE_DIM(shorts->listed); i++) {
		const uint32_t listed = shorts->listed[i];

		shorts->codes[2 * i] = short_numbers_codes((listed | any) & UINT16_MAX);
		shorts->codes[2 * i + 1] = short_numbers_codes((listed | any) >> 16);
		shorts->unmapped[i] = ~listed;
	}
	short_numbers_set_code(shorts, 0, CODE_UNNAMED, false);
}

void filter_give_up(struct fg_msg_filter *filter, uint64_t number)
{
	if (filter->shorts != NULL && number < SHORT_NUMBERS)
		short_numbers_set_code(filter->shorts, (uint32_t)number, CODE_UNNAMED, false);
}

/* No number has a symbol. */
static void forget(void *context)
{
	struct fg_msg_filter *filter = context;

	if (filter->shorts != NULL)
		filter_forget_shorts(filter);
	if (!filter->by_symbol)
		return;
	if (filter->shorts == NULL)
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

	filter->follows = filter->by_symbol || filter->shorts != NULL;
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

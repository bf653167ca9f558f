/* SPDX-License-Identifier: MIT */
/* From symbols to numbers, as the feed's directory tells them. */
#include "content.h"

/* A wanted symbol has one number more, or one less. */
static void count_holder(struct fg_content *content, uint32_t symbol, bool more)
{
	uint32_t unresolved = atomic_load_explicit(&content->n_unresolved, memory_order_relaxed);

	if (more) {
		unresolved -= content->holders[symbol]++ == 0;
	} else {
		unresolved += --content->holders[symbol] == 0;
	}
	atomic_store_explicit(&content->n_unresolved, unresolved, memory_order_relaxed);
}

/* A number has a symbol, @wanted or not. */
static void set_direct(uint8_t *bits, bool wanted)
{
	*bits &= (uint8_t)~BITS_UNNAMED;
	if (wanted)
		*bits |= BITS_WANTED;
	else if ((*bits & BITS_LISTED) == 0)
		*bits &= (uint8_t)~BITS_WANTED;
}

/* What an entry of the directory says of its number. */
static void take_entry(struct fg_content *content, const struct named *entry)
{
	const uint32_t place = symbols_find(&content->symbols, &entry->symbol);
	const uint64_t bit = UINT64_C(1) << entry->place % 64;

	if (entry->before != 0) {
		const uint32_t old = symbols_find(&content->symbols,
						  &content->known->log[entry->before - 1].symbol);

		if (old != IDS_NONE)
			count_holder(content, old, false);
	}
	if (place != IDS_NONE)
		count_holder(content, place, true);
	if (content->direct != NULL)
		set_direct(&content->direct[direct_place(entry->place)], place != IDS_NONE);
	else if (place != IDS_NONE)
		content->resolved[entry->place / 64] |= bit;
	else
		content->resolved[entry->place / 64] &= ~bit;
}

void content_catch_up(struct fg_content *content)
{
	/* Partner: the release of known_name(). */
	const uint32_t count = atomic_load_explicit(&content->known->count, memory_order_acquire);

	for (; content->symbolic && content->seen < count; content->seen++)
		take_entry(content, &content->known->log[content->seen]);
	content->seen = count;
}

/* SPDX-License-Identifier: MIT */
#ifndef SUBSCRIPTION_FILTER_SYMBOLS_H
#define SUBSCRIPTION_FILTER_SYMBOLS_H

#include "filter.h"

/** Whether the symbol map has changed since the filter last looked. Hot. Threads: the worker. */
static __rte_always_inline bool filter_is_behind(const struct fg_msg_filter *filter)
{
	const struct fg_symbols *symbols = filter->symbols;

	return symbols != NULL &&
	       unlikely(atomic_load_explicit(&symbols->changes, memory_order_relaxed) !=
			filter->changes_seen);
}

/**
 * Apply what changed in the symbol map to a filter that has one. It takes one step for each change;
 * if there were more than the map's ring holds, one for each number of the map. Hot, seldom called.
 * Threads: the worker.
 */
void filter_catch_up(struct fg_msg_filter *filter);

/** The same for a new filter, of a map that the worker may be changing. Threads: control. */
void filter_follow(struct fg_msg_filter *filter);

/** Set `shorts`, of which only `listed` counts, to those of an empty symbol map. */
void filter_forget_shorts(struct fg_msg_filter *filter);

/** The map has no room for @p number: do not try again in this session. Hot. */
void filter_give_up(struct fg_msg_filter *filter, uint64_t number);

#endif /* SUBSCRIPTION_FILTER_SYMBOLS_H */

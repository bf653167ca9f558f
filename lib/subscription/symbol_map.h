/* SPDX-License-Identifier: MIT */
/* The fields of struct fg_symbols, and what the worker does with it. */
#ifndef SUBSCRIPTION_SYMBOL_MAP_H
#define SUBSCRIPTION_SYMBOL_MAP_H

#include <stdatomic.h>

#include <fg_stats.h>
#include <fg_symbols.h>

#include "number_set.h"
#include "symbol.h"

#define SHORT_NUMBERS 65536u /* numbers of two bytes */

/* A number was given a symbol. Never changes once `count` includes it. */
struct symbol_entry {
	uint64_t number;
	uint32_t slot;     /* of the number: in `numbers`, or, where direct, the number itself */
	uint32_t previous; /* index of the number's entry before this one, plus 1; 0: none */
	struct symbol symbol;
};

struct fg_symbols {
	const struct fg_protocol *protocol;
	struct symbol_entry *log;
	uint32_t *last;            /* by slot: index of the number's last entry, plus 1; 0: none */
	struct number_set numbers; /* those with a symbol; not used where direct */
	uint32_t capacity;         /* entries of the log */
	_Atomic uint32_t count;    /* entries in use; written by the worker */
	bool direct;               /* the protocol's numbers have two bytes at most */
	_Atomic bool full;         /* a number was given a symbol that found no room */
	struct fg_counter counters[FG_SYMBOLS_COUNTER_COUNT];
};

/** Number of slots that numbers may have. */
uint32_t symbol_map_slots(const struct fg_symbols *symbols);

/**
 * Add that @p number, which is not 0, stands for @p symbol. Hot.
 * @return false: there is no room.
 */
bool symbol_map_add(struct fg_symbols *symbols, uint64_t number, const struct symbol *symbol);

#endif /* SUBSCRIPTION_SYMBOL_MAP_H */

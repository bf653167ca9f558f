/* SPDX-License-Identifier: MIT */
/*
 * The fields of struct fg_symbols, and what worker and control do with it.
 *
 * Each change of the map has a number, from 1 on. An entry has the number of its
 * last change, and a ring has the last changes in full. So a filter follows the
 * map by the changes since it last looked, and control takes the map as it was at
 * one change while the worker writes on (symbol_map_visit()).
 *
 * Clearing the map is a change, too: entries of changes before it are not valid.
 */
#ifndef SUBSCRIPTION_SYMBOL_MAP_H
#define SUBSCRIPTION_SYMBOL_MAP_H

#include <stdatomic.h>

#include <fg_stats.h>
#include <fg_symbols.h>

#include "number_set.h"
#include "short_numbers.h"
#include "symbol.h"

/* A symbol that control reads while the worker writes it. */
struct shared_symbol {
	_Atomic uint64_t words[FG_SYMBOL_BYTES / 8];
};

/* A number and its symbol. The worker writes it, control reads it. */
struct symbol_entry {
	_Atomic uint64_t change; /* the last one of the number; 0: the entry is being written */
	_Atomic uint64_t number;
	struct shared_symbol symbol;
	_Atomic uint32_t slot; /* of the number: in `numbers`, or, where direct, the number */
};

/* A number was given a symbol. The worker writes it, control reads it. */
struct symbol_change {
	_Atomic uint64_t change;   /* 0: it is being written */
	_Atomic uint64_t previous; /* the change before it of the same number; 0: it is the first */
	struct shared_symbol from; /* valid unless it is the first */
	struct shared_symbol to;
	_Atomic uint32_t slot;
};

struct fg_symbols {
	struct fg_symbols_head head; /* first: see there */
	const struct fg_protocol *protocol;
	struct symbol_entry *entries; /* [capacity] */
	struct symbol_change *ring;   /* change c is at c & ring_mask */
	uint32_t *entry_of;        /* by slot: index of its entry, plus 1; 0: none; worker only */
	struct number_set numbers; /* those with a symbol; not used where direct; worker only */
	struct number_set spare;   /* empty from line spare_clean on; the next session's */
	uint32_t spare_clean;      /* lines of `spare` before this one may hold numbers */
	uint32_t capacity, ring_mask;
	uint32_t slots; /* each slot is below this */
	bool direct;    /* the protocol's numbers have two bytes at most */
	/* Written by the worker, read by control. */
	_Atomic uint64_t changes; /* so far */
	_Atomic uint64_t cleared; /* the change that last cleared the map; 0: none did */
	_Atomic uint32_t count;   /* entries in use */
	_Atomic bool full;        /* a number was given a symbol that found no room */
	/* Of the file, written by control before the worker runs. */
	uint64_t file_session[FG_SESSION_BYTES / 8];
	bool has_file_session;
	/* How long packets have been of another session; worker only. */
	uint64_t pending_session[FG_SESSION_BYTES / 8];
	uint64_t pending_packet; /* the last of them */
	uint32_t pending_count;
	struct fg_counter counters[FG_SYMBOLS_COUNTER_COUNT];
};

/** Copy a symbol to where others read it. Hot. */
static inline void shared_symbol_set(struct shared_symbol *to, const struct symbol *symbol)
{
	for (unsigned int i = 0; i < RTE_DIM(to->words); i++)
		atomic_store_explicit(&to->words[i], symbol->words[i], memory_order_relaxed);
}

/** Copy it from there. Hot. */
static inline struct symbol shared_symbol_get(const struct shared_symbol *from)
{
	struct symbol symbol;

	for (unsigned int i = 0; i < RTE_DIM(from->words); i++)
		symbol.words[i] = atomic_load_explicit(&from->words[i], memory_order_relaxed);
	return symbol;
}

/**
 * Add that @p number, which is not 0, stands for @p symbol. Hot. Threads: the worker.
 * @return false: there is no room.
 */
bool symbol_map_add(struct fg_symbols *symbols, uint64_t number, const struct symbol *symbol);

/** Whether @p number has a symbol. Hot. Threads: the worker. */
bool symbol_map_has(const struct fg_symbols *symbols, uint64_t number);

/** What symbol_map_visit() found: an entry, as it was at the change of the visit. */
struct symbol_seen {
	uint64_t number;
	uint32_t slot;
	struct symbol symbol;
};

typedef void symbol_visitor(void *context, const struct symbol_seen *seen);

/** At which change a visit saw the map. */
struct symbol_moment {
	uint64_t change;
	uint64_t cleared;
};

/**
 * Call @p visit for every entry of the map as it was at one change, while the worker may write.
 * @param begin   Called first, and again when the visit has to start anew: forget what was seen.
 * @param moment  Set on success.
 * @return 0; -EAGAIN: the map changed too fast. Threads: control, or the worker.
 */
int symbol_map_visit(const struct fg_symbols *symbols, void (*begin)(void *context),
		     symbol_visitor *visit, void *context, struct symbol_moment *moment);

#endif /* SUBSCRIPTION_SYMBOL_MAP_H */

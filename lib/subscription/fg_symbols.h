/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The symbol map of a feed: which symbol each instrument number stands for.
 *
 * Many protocols name an instrument by a number, and say in a message of their
 * own (ITCH's stock directory, MDP 3.0's instrument definitions) which symbol a
 * number has. A rule names symbols, so the feed keeps this map. Message filters
 * (fg_msg_filter.h) fill it from the packets they walk over, and read it;
 * fg_symbols_load() fills it from a file before the first packet.
 *
 * The map is a log with a limit. An entry never changes once it is written: a
 * number that gets another symbol gets a new entry, and its last entry is valid.
 * So a filter that control makes while the worker runs reads the log from its
 * beginning, and each filter later reads only what is new.
 *
 * The feed's worker is the only writer; before the worker runs, control is.
 */
#ifndef FG_SYMBOLS_H
#define FG_SYMBOLS_H

#include <stdint.h>

#include <fg_error.h>
#include <fg_protocol.h>

struct fg_symbols_conf {
	const struct fg_protocol *protocol; /**< Must outlive the map. */
	/** Entries at most, up to 4 Mi; 0: 65,536 where the protocol's messages map symbols. */
	uint32_t symbols_max;
	int socket_id; /**< NUMA node of the worker, or SOCKET_ID_ANY. */
};

/** X(name, help): the counters of a symbol map. */
#define FG_SYMBOLS_COUNTERS(X)                                                                     \
	X(symbols, "instrument numbers whose symbol is known")                                     \
	X(symbols_changed, "numbers that were given another symbol")                               \
	X(symbols_full, "symbols that found no room in the symbol map")

enum fg_symbols_counter {
#define X(name, help) FG_SYMBOLS_##name,
	FG_SYMBOLS_COUNTERS(X)
#undef X
		FG_SYMBOLS_COUNTER_COUNT
};

/** Opaque. */
struct fg_symbols;

/**
 * Make an empty map; fg_symbols_free() frees it.
 * @return 0; -EINVAL: symbols_max is out of range, @p error has the range; -ENOMEM.
 * Threads: control, after EAL has started.
 */
int fg_symbols_create(const struct fg_symbols_conf *conf, struct fg_symbols **out,
		      struct fg_error *error);

/** Free a map that no message filter uses; NULL is allowed. Threads: control. */
void fg_symbols_free(struct fg_symbols *symbols);

/**
 * Add the symbols of a file: lines `NUMBER SYMBOL`, separated by blanks or one
 * comma; `#` begins a comment.
 * @return 0; -errno if the file cannot be opened or read; -EINVAL with file, line and what was
 *         expected; -ENOSPC: the file has more symbols than the map has room for.
 * Threads: control, before the feed's worker runs.
 */
int fg_symbols_load(struct fg_symbols *symbols, const char *path, struct fg_error *error);

/** Read all counters into @p out, [FG_SYMBOLS_COUNTER_COUNT]. Threads: any. */
void fg_symbols_counters(const struct fg_symbols *symbols, uint64_t *out);

/** Name and meaning of a counter, as printed. Static strings. Threads: any. */
const char *fg_symbols_counter_name(enum fg_symbols_counter counter);
const char *fg_symbols_counter_help(enum fg_symbols_counter counter);

#endif /* FG_SYMBOLS_H */

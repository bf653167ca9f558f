/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What a feed has told so far: which symbol each instrument number stands for
 * (the directory), and which instrument each order is of (the orders).
 *
 * Both are bounded and belong to one feed. The directory only grows: entries
 * are never changed once written, a number that is given another symbol gets a
 * new entry, and the last one counts. So control may read it at any time, and a
 * message filter catches up by reading on from where it was.
 *
 * Its one writer is the feed's worker; before the worker runs, control.
 */
#ifndef FG_KNOWN_H
#define FG_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_protocol.h>

struct fg_known_conf {
	const struct fg_protocol *protocol; /**< Outlives it. */
	uint32_t symbols_max; /**< Entries at most, up to 4 M; 0: 65,536 where the protocol has one.
			       */
	/** Orders at most, a power of two; 0: no order table. Of use where messages name orders
	 * alone. */
	uint32_t orders;
	int socket_id; /**< NUMA node of the worker, or SOCKET_ID_ANY. */
};

/** X(name, help): what became of what a feed told. */
#define FG_KNOWN_COUNTERS(X)                                                                       \
	X(symbols, "instrument numbers whose symbol is known")                                     \
	X(symbols_changed, "numbers that were given another symbol")                               \
	X(symbols_full, "directory messages that found no room")                                   \
	X(orders, "orders whose instrument is known now")                                          \
	X(orders_evicted, "orders forgotten to make room")                                         \
	X(orders_missed, "messages about orders that are not known")

enum fg_known_counter {
#define X(name, help) FG_KNOWN_##name,
	FG_KNOWN_COUNTERS(X)
#undef X
		FG_KNOWN_COUNT
};

struct fg_known;

/**
 * Make an empty one; fg_known_free() frees it.
 * @return 0; -EINVAL, @p error match which number and what it may be; -ENOMEM.
 * Threads: control, with EAL started.
 */
int fg_known_create(const struct fg_known_conf *conf, struct fg_known **out,
		    struct fg_error *error);

/** Free it; NULL is allowed. No message filter may use it any more. Threads: control. */
void fg_known_free(struct fg_known *known);

/**
 * Preload the directory: a file of lines `NUMBER SYMBOL`, separated by blanks or one comma; `#`
 * begins a comment. Threads: control, before the feed's worker runs.
 * @return 0; -errno of opening and reading; -EINVAL with file, line and what was expected;
 *         -ENOSPC: more lines than the directory has entries.
 */
int fg_known_load(struct fg_known *known, const char *path, struct fg_error *error);

/** Counters: [FG_KNOWN_COUNT]. Threads: any. */
void fg_known_counters(const struct fg_known *known, uint64_t *out);

/** Name and meaning of a counter, as printed. */
const char *fg_known_counter_name(enum fg_known_counter counter);
const char *fg_known_counter_help(enum fg_known_counter counter);

#endif /* FG_KNOWN_H */

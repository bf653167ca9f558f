/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The symbol map of a feed: which symbol each instrument number stands for.
 *
 * Many protocols name an instrument by a number, and say in some messages which
 * symbol a number has: in messages for this purpose (ITCH's stock directory, MDP
 * 3.0's instrument definitions), or beside the number (ITCH's added orders). A rule
 * names symbols, so the feed keeps this map. Message filters (fg_msg_filter.h) fill
 * it from the packets they learn from, and read it. A file keeps it across a restart.
 *
 * The map has room for a fixed count of numbers. A number that is given another
 * symbol takes no further room.
 *
 * The map belongs to one session, since exchanges assign numbers anew each day: another
 * session starts with an empty map (fg_symbols_session()). A packet of any other
 * session is matched as if the map were empty (fg_msg_filter_match_unmapped()).
 *
 * The feed's owner, the lcore that processes its packets, is the only writer; before it
 * runs, control is.
 */
#ifndef FG_SYMBOLS_H
#define FG_SYMBOLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <fg_error.h>
#include <fg_feed_packet.h>
#include <fg_protocol.h>

struct fg_symbols_conf {
	const struct fg_protocol *protocol; /**< Must outlive the map. */
	/** Numbers at most, up to 4 Mi; 0: 65,536 where the protocol's messages map symbols. */
	uint32_t symbols_max;
	int socket_id; /**< NUMA node of the owner, or SOCKET_ID_ANY. */
};

/** X(name, help): the counters of a symbol map. */
#define FG_SYMBOLS_COUNTERS(X)                                                                     \
	X(symbols, "instrument numbers whose symbol is known")                                     \
	X(symbols_changed, "numbers that were given another symbol")                               \
	X(symbols_full, "symbols that found no room in the symbol map")                            \
	X(symbols_cleared, "times that a new session emptied the symbol map")

enum fg_symbols_counter {
#define X(name, help) FG_SYMBOLS_##name,
	FG_SYMBOLS_COUNTERS(X)
#undef X
		FG_SYMBOLS_COUNTER_COUNT
};

/** Opaque, but for its first member. */
struct fg_symbols;

/** The first member of struct fg_symbols: the session that the map is of. */
struct fg_symbols_head {
	_Atomic uint64_t session[FG_SESSION_BYTES / 8]; /**< The owner writes it. */
	_Atomic bool has_session;                       /**< The same. */
};

/**
 * Make an empty map; fg_symbols_free() frees it.
 * @return 0; -EINVAL: symbols_max is out of range, @p error has the range; -ENOMEM.
 * Threads: control, after EAL has started.
 */
int fg_symbols_create(const struct fg_symbols_conf *conf, struct fg_symbols **out,
		      struct fg_error *error);

/** Free a map that no message filter uses; NULL is allowed. Threads: control. */
void fg_symbols_free(struct fg_symbols *symbols);

/** What fg_symbols_load() found. */
enum fg_symbols_file {
	FG_SYMBOLS_FILE_NONE,  /**< There is no such file. */
	FG_SYMBOLS_FILE_HAND,  /**< It has neither session nor day: it is of the first session. */
	FG_SYMBOLS_FILE_SAVED, /**< fg_symbols_save() wrote it. */
	FG_SYMBOLS_FILE_OLD,   /**< The same, on another day: it was not read. */
};

/**
 * Add the symbols of a file, if there is one. Its lines are `NUMBER SYMBOL`, separated by blanks
 * or one comma; `#` begins a comment. A file of fg_symbols_save() has a line `session HEX` or
 * `day DATE`, too: it is valid for that session, or where the protocol has none, on that day (UTC).
 * @param now_ns  The time now, UTC.
 * @return 0; -errno if the file cannot be opened or read; -EINVAL with file, line and what was
 *         expected; -ENOSPC: the file has more symbols than the map has room for.
 * Threads: control, before the feed's owner runs.
 */
int fg_symbols_load(struct fg_symbols *symbols, const char *path, uint64_t now_ns,
		    enum fg_symbols_file *found, struct fg_error *error);

/**
 * Write the map to a file, which is replaced at once when all of it is on the disk.
 * @return 0; -errno, with @p error set; -EAGAIN: the map changes too fast, try again later.
 * Threads: control; the owner may run.
 */
int fg_symbols_save(const struct fg_symbols *symbols, const char *path, uint64_t now_ns,
		    struct fg_error *error);

/** A number that differs whenever the map has changed. Threads: any. */
uint64_t fg_symbols_version(const struct fg_symbols *symbols);

/** Whether a packet is of the session that the map is of. Hot. Threads: the owner. */
static inline bool fg_symbols_same_session(const struct fg_symbols *symbols,
					   const struct fg_feed_packet *pkt)
{
	const struct fg_symbols_head *head = (const struct fg_symbols_head *)symbols;
	uint64_t words[FG_SESSION_BYTES / 8];

	memcpy(words, pkt->session, sizeof(words));
	return ((words[0] ^ atomic_load_explicit(&head->session[0], memory_order_relaxed)) |
		(words[1] ^ atomic_load_explicit(&head->session[1], memory_order_relaxed))) == 0;
}

/** What the arbiter knows of a packet's session. */
enum fg_symbols_evidence {
	FG_SYMBOLS_SESSION_NEW,     /**< With this packet its session became the current one. */
	FG_SYMBOLS_SESSION_OTHER,   /**< Nothing new. */
	FG_SYMBOLS_SESSION_UNKNOWN, /**< There is no arbiter. */
};

/**
 * Call it for a packet that is not of the map's session. If a new session begins, this empties the
 * map, which then belongs to that session. Hot.
 *
 * The time that it takes is bounded: it does not visit the numbers.
 *
 * Without an arbiter, a session begins with 16 of its packets in a row. The very first session
 * begins with its first packet or, if the map was read from a file of another session, with its
 * second.
 * @param n_packets  Packets of the feed so far, with this one: these make a row.
 * @return whether the map is now of the packet's session; if not, match the packet by
 *         fg_msg_filter_match_unmapped().
 * Threads: the owner.
 */
bool fg_symbols_session(struct fg_symbols *symbols, const struct fg_feed_packet *pkt,
			uint64_t n_packets, enum fg_symbols_evidence evidence);

/** Empty the map. Hot, as fg_symbols_session(). Threads: the owner. */
void fg_symbols_clear(struct fg_symbols *symbols);

/**
 * Call it when the sequence numbers of a channel start anew within the session: this empties the
 * map, but not at an announced reset of a protocol whose instrument numbers stay the same
 * (fg_messages.keeps_numbers). Hot, as fg_symbols_session(). @param pkt  The first packet of the
 * new numbers. Threads: the owner.
 * @return whether the map is empty now.
 */
bool fg_symbols_reset(struct fg_symbols *symbols, const struct fg_feed_packet *pkt);

/** Read all counters into @p out, [FG_SYMBOLS_COUNTER_COUNT]. Threads: any. */
void fg_symbols_counters(const struct fg_symbols *symbols, uint64_t *out);

/** Name and meaning of a counter, as printed. Static strings. Threads: any. */
const char *fg_symbols_counter_name(enum fg_symbols_counter counter);
const char *fg_symbols_counter_help(enum fg_symbols_counter counter);

#endif /* FG_SYMBOLS_H */

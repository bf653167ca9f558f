/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The order map of a feed: which instrument each resting order is of.
 *
 * In some protocols (PITCH) an order is added with its symbol, and executions,
 * changes and deletes name the order alone. A rule names instruments, so the feed
 * keeps this map. Message filters (fg_msg_filter.h) fill it from the packets they
 * walk over, and read it.
 *
 * The map has a fixed size. When it has no room for an order, it removes an older
 * one and counts it; messages of an order that is not in the map are unmapped. A
 * new session starts with an empty map (fg_orders_clear()).
 *
 * Only the feed's owner (its lcore) reads and writes the map; any thread may read counters.
 */
#ifndef FG_ORDERS_H
#define FG_ORDERS_H

#include <stdint.h>

#include <fg_error.h>
#include <fg_protocol.h>

struct fg_orders_conf {
	const struct fg_protocol *protocol; /**< Of use for fg_orders_create() only. */
	/**
	 * Orders at most, a power of two from 8 on. 0: the map stays empty, as it does where no
	 * message of the protocol names an order alone.
	 */
	uint32_t orders_max;
	int socket_id; /**< NUMA node of the owner, or SOCKET_ID_ANY. */
};

/** X(name, help): the counters of an order map. */
#define FG_ORDERS_COUNTERS(X)                                                                      \
	X(orders, "orders whose instrument is known now")                                          \
	X(orders_evicted, "orders removed to make room for others")                                \
	X(orders_cleared, "orders removed because their session ended")                            \
	X(orders_missed, "messages of orders that are not in the order map")

enum fg_orders_counter {
#define X(name, help) FG_ORDERS_##name,
	FG_ORDERS_COUNTERS(X)
#undef X
		FG_ORDERS_COUNTER_COUNT
};

/** Opaque. */
struct fg_orders;

/**
 * Make an empty map; fg_orders_free() frees it.
 * @return 0; -EINVAL: orders_max is no power of two or out of range, or the protocol's messages add
 *         orders in a form that the map cannot hold; @p error has the reason; -ENOMEM.
 * Threads: control, after EAL has started.
 */
int fg_orders_create(const struct fg_orders_conf *conf, struct fg_orders **out,
		     struct fg_error *error);

/** Free a map that no message filter uses; NULL is allowed. Threads: control. */
void fg_orders_free(struct fg_orders *orders);

/**
 * Remove all orders, for a new session, in which order ids start anew. The call clears a bit for
 * each line of the map; the lines themselves are emptied step by step, when the map is used. Hot.
 * Threads: the owner.
 */
void fg_orders_clear(struct fg_orders *orders);

/** Read all counters into @p out, [FG_ORDERS_COUNTER_COUNT]. Threads: any. */
void fg_orders_counters(const struct fg_orders *orders, uint64_t *out);

/** Name and meaning of a counter, as printed. Static strings. Threads: any. */
const char *fg_orders_counter_name(enum fg_orders_counter counter);
const char *fg_orders_counter_help(enum fg_orders_counter counter);

#endif /* FG_ORDERS_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Counters of an lcore. The lcore writes them, the control thread reads them at any time.
 *
 * A counter has exactly one writer. So an increment is a relaxed load and a relaxed store,
 * without a lock prefix, and a reader never sees half a value. `clear` does not write
 * counters: the control thread keeps a copy of their values and subtracts it.
 *
 * CONTRIBUTING.md ("Adding a counter") lists what else a counter needs.
 */
#ifndef FG_STATS_H
#define FG_STATS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include <rte_common.h>

#include <fg_drop.h>

/** A counter with one writer. */
struct fg_counter {
	_Atomic uint64_t value;
};

/** Add. Hot. Threads: the counter's one writer. */
static inline void fg_counter_add(struct fg_counter *counter, uint64_t n)
{
	const uint64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);

	atomic_store_explicit(&counter->value, value + n, memory_order_relaxed);
}

/** Read. Threads: any. */
static inline uint64_t fg_counter_read(const struct fg_counter *counter)
{
	return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

/** Packets and bytes (frame bytes without FCS, as captured). */
struct fg_flow_counter {
	struct fg_counter packets;
	struct fg_counter bytes;
};

/** Add @p packets and @p bytes. Hot. Threads: the one writer. */
static inline void fg_flow_counter_add(struct fg_flow_counter *counter, uint64_t packets,
				       uint64_t bytes)
{
	fg_counter_add(&counter->packets, packets);
	fg_counter_add(&counter->bytes, bytes);
}

/** Set the value, as of a gauge. Hot. Threads: the counter's one writer. */
static inline void fg_counter_set(struct fg_counter *counter, uint64_t value)
{
	atomic_store_explicit(&counter->value, value, memory_order_relaxed);
}

/** The counters of one rule on the lcore that classified its packets. */
struct fg_rule_counter {
	struct fg_flow_counter hits; /**< Packets that matched this rule. */
	struct fg_counter dropped;   /**< Of these, dropped later: ring_full, sink_full. */
	struct fg_counter last;      /**< rx_ticks of the last burst with one; 0: none. */
};

/** Packets of one rule that its feed dropped, on the lcore that owns the feed. */
struct fg_rule_feed_counter {
	struct fg_counter duplicates; /**< duplicate, stale */
	struct fg_counter unmatched;  /**< no_matching_message, unmapped, wrong_protocol */
};

static_assert(sizeof(struct fg_rule_counter) == 32, "the counters of a rule lie in one cache line");

/** All counters of one lcore. Lcores share no cache line, and no adjacent pair of cache lines. */
struct fg_lcore_stats {
	struct fg_flow_counter received;          /**< Packets from sources. */
	struct fg_flow_counter delivered;         /**< Packets that at least one sink accepted. */
	struct fg_counter dropped[FG_DROP_COUNT]; /**< Packets, by enum fg_drop. */
	struct fg_counter busy_ticks;             /**< TSC, in turns of the loop with packets. */
	struct fg_counter idle_ticks;             /**< TSC, in turns without. */
	struct fg_rule_counter *rules; /**< [FG_RULE_IDS_MAX], by rule id; see fg_names.h. */
	struct fg_rule_feed_counter *rule_feeds; /**< [FG_RULE_IDS_MAX], by rule id. */
} __attribute__((aligned(128)));

/** Ids of rule names are below this: the names of all rule sets since the process started. */
#define FG_RULE_IDS_MAX (1u << 20)

/**
 * Allocate the counters of one lcore, zeroed, on NUMA node @p socket_id; negative: any. The arrays
 * by rule are reserved address space for all ids: they take memory only where counters are used,
 * and never move.
 * @return NULL: no memory. Threads: control.
 */
struct fg_lcore_stats *fg_lcore_stats_alloc(int socket_id);

/** Free it; NULL is allowed. Threads: control, when its lcore has stopped. */
void fg_lcore_stats_free(struct fg_lcore_stats *stats);

/** The sum over all lcores at one time. All fields are uint64_t counts. */
struct fg_totals {
	uint64_t received_packets, received_bytes;
	uint64_t delivered_packets, delivered_bytes;
	uint64_t dropped[FG_DROP_COUNT];
};

/** Add the counters of an lcore to @p totals. Exact if the lcore is idle. Threads: any. */
void fg_totals_add(struct fg_totals *totals, const struct fg_lcore_stats *stats);

/**
 * Subtract @p before from @p totals, down to 0: packets that counted as delivered then may have
 * been lost by their sinks since. Threads: any.
 */
void fg_totals_subtract(struct fg_totals *totals, const struct fg_totals *before);

/** Packets dropped, for all reasons. Threads: any. */
uint64_t fg_totals_dropped(const struct fg_totals *totals);

#endif /* FG_STATS_H */

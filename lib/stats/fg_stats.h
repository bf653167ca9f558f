/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Counters: written by one lcore, read by control at any time.
 *
 * Every counter has exactly one writer, so an increment is a plain load and a
 * relaxed atomic store: no lock prefix, no torn read. `clear` never writes
 * them: control keeps what it saw then, and subtracts.
 */
#ifndef FG_STATS_H
#define FG_STATS_H

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

/** Replace the value. Hot. Threads: the counter's one writer. */
static inline void fg_counter_set(struct fg_counter *counter, uint64_t value)
{
	atomic_store_explicit(&counter->value, value, memory_order_relaxed);
}

/** Counters of one rule on one lcore. */
struct fg_rule_counter {
	struct fg_flow_counter
		hits;              /**< Packets that the rule won; by the lcore that classified. */
	struct fg_counter dropped; /**< Of those, dropped by ring_full or sink_full. */
	struct fg_counter last;    /**< rx_ticks of the burst with the last of them; 0: none. */
};

/** Of a rule's packets, those that its feed dropped; by the lcore that owns the feed. */
struct fg_rule_feed_counter {
	struct fg_counter duplicates; /**< duplicate, stale */
	struct fg_counter unmatched;  /**< no_matching_message, unmapped, wrong_protocol */
};

/** What one lcore did. Lines of different lcores are never shared. */
struct fg_lcore_stats {
	struct fg_flow_counter received;  /**< Handed over by sources. */
	struct fg_flow_counter delivered; /**< Taken by at least one sink. */
	struct fg_counter dropped[FG_DROP_COUNT];
	struct fg_counter bursts;      /**< Turns of the loop that found packets. */
	struct fg_counter empty;       /**< Turns that found none. */
	struct fg_rule_counter *rules; /**< [FG_RULE_IDS_MAX], by rule id; see fg_names.h. */
	struct fg_rule_feed_counter *rule_feeds; /**< The same length. */
} __attribute__((aligned(128)));

/** Most rule names in a process's life; ids stay below. */
#define FG_RULE_IDS_MAX (1u << 20)

/**
 * One zeroed set of counters. The per-rule arrays are address space that takes
 * memory only where it is touched, so they never move when rules are added.
 * @return NULL if there is no memory. Threads: control.
 */
struct fg_lcore_stats *fg_lcore_stats_alloc(void);

/** Free it; NULL is allowed. Threads: control, when its lcore has stopped. */
void fg_lcore_stats_free(struct fg_lcore_stats *stats);

/** A sum over lcores at one moment. */
struct fg_totals {
	uint64_t received_packets, received_bytes;
	uint64_t delivered_packets, delivered_bytes;
	uint64_t dropped[FG_DROP_COUNT];
};

/** Add what @p stats holds to @p totals. Threads: any; exact when its lcore is idle. */
void fg_totals_add(struct fg_totals *totals, const struct fg_lcore_stats *stats);

/** Take @p before away, field by field. */
void fg_totals_subtract(struct fg_totals *totals, const struct fg_totals *before);

/** All that was dropped, whatever the reason. */
uint64_t fg_totals_dropped(const struct fg_totals *totals);

#endif /* FG_STATS_H */

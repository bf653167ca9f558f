/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Match packet keys against a rule set.
 *
 * Build a table once on the control thread, then look bursts up from any
 * number of lcores. A built table never changes: to edit rules, build a new
 * one, publish it, and free the old one after a grace period (fg_pipeline.h).
 *
 * How a table is made is an engine's business. The engines are listed in one
 * visible array; all of them give the same answers. "linear" compares entry
 * after entry: slow, plain, and what tests hold the others against.
 */
#ifndef FG_CLASSIFY_H
#define FG_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_key.h>

#define FG_MATCHES_MAX    1000000u          /**< Entries in a table. */
#define FG_MATCH_RULE_MAX ((1u << 29) - 2u) /**< More ranks no engine tells apart. */

/**
 * One entry: the keys it matches, and the rule they belong to. A rule has one
 * entry per combination of its values ("any of").
 *
 * A key matches when, byte by byte, (key & mask) == value, and both ports are
 * in their ranges.
 *
 * Masks are prefixes for src_ip and dst_ip, all or nothing for the other
 * fields, and zero for the ports and payload_off, payload_len. A key without
 * ports has them 0: an entry that needs ports also sets l4.
 */
struct fg_match {
	struct fg_key value; /**< No bit set that mask has not. */
	struct fg_key mask;
	uint16_t src_port_min, src_port_max; /**< Host order; 0..65535: any. */
	uint16_t dst_port_min, dst_port_max;
	uint32_t rule; /**< 1..FG_MATCH_RULE_MAX; when several entries match, the lowest rule wins.
			*/
};

/** An immutable, compiled rule set. Opaque. */
struct fg_table;

struct fg_table_conf {
	int socket_id;      /**< NUMA node, or SOCKET_ID_ANY. */
	const char *engine; /**< "acl" or "linear"; NULL: the best. */
};

/**
 * Compile entries into a table. Cold: allocates, may take seconds with many
 * wildcards.
 *
 * @param conf     Copied.
 * @param matches  Array of @p count entries; copied.
 * @param count    0..FG_MATCHES_MAX. 0 gives a table matching nothing.
 * @param out      Set on success only; free with fg_table_free().
 *
 * @return
 *   0        Success.
 *   -EINVAL  An entry is not as struct fg_match says, or no such engine.
 *   -E2BIG   @p count is over FG_MATCHES_MAX.
 *   -ENOMEM  Not enough memory, DPDK's or the process's.
 *
 * Threads: control. EAL must be up.
 */
int fg_table_build(const struct fg_table_conf *conf, const struct fg_match *matches, uint32_t count,
		   struct fg_table **out, struct fg_error *error);

/** Free a table that no lcore can still see. NULL is allowed. Threads: control. */
void fg_table_free(struct fg_table *table);

/**
 * Look up a burst. Hot: no allocation, no lock, no system call, no log.
 *
 * @param keys   Array of @p count keys.
 * @param rules  Array of @p count; rules[i] is set to the lowest rule whose
 *               entry matches keys[i], or to FG_RULE_NONE (0).
 * @param count  1..FG_BURST_MAX.
 *
 * Cannot fail. Threads: any number at once on one table.
 */
void fg_table_lookup(const struct fg_table *table, const struct fg_key *keys, uint32_t *rules,
		     unsigned int count);

/** The engine that serves @p table: "acl", ... Threads: any. */
const char *fg_table_engine(const struct fg_table *table);

/** Does @p match match @p key? The definition, in plain code. Threads: any. */
int fg_match_test(const struct fg_match *match, const struct fg_key *key);

#endif /* FG_CLASSIFY_H */

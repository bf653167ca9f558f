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
 * visible array; all of them give the same answers. "tiered" is the one to use:
 * hash tables for entries that name whole fields, cutting trees for the rest.
 * "acl" is DPDK's rte_acl. "linear" compares entry after entry: slow, plain,
 * and what tests hold the others against. Entries with an expression are not
 * the engine's: they are a tier of their own behind every engine.
 */
#ifndef FG_CLASSIFY_H
#define FG_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_expr.h>
#include <fg_isa.h>
#include <fg_key.h>
#include <fg_option.h>

struct rte_mbuf;

#define FG_RULE_NONE      0u                /**< No rule matched: the default action applies. */
#define FG_MATCHES_MAX    1000000u          /**< Entries in a table. */
#define FG_MATCH_RULE_MAX ((1u << 29) - 2u) /**< More ranks no engine tells apart. */

/** Memory that a table may take unless told otherwise. */
#define FG_TABLE_BUDGET_BYTES (UINT64_C(256) << 20)

/**
 * One entry: the keys it matches, and the rule they belong to. A rule has one
 * entry per combination of its values ("any of").
 *
 * A packet matches when, byte by byte, (key & mask) == value, both ports are
 * in their ranges, and the expression, if there is one, accepts it.
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
	const struct fg_expr *expr; /**< The packet must match this, too. NULL: nothing more. */
};

/** An immutable, compiled rule set. Opaque. */
struct fg_table;

/** Names for fg_table_conf, NULL-terminated, best first. */
extern const char *const fg_table_engines[];

struct fg_table_conf {
	int socket_id;         /**< NUMA node, or SOCKET_ID_ANY. */
	const char *engine;    /**< One of fg_table_engines; NULL: the best. */
	const char *variant;   /**< One of fg_isa_options; NULL: "auto". For "tiered". */
	uint64_t budget_bytes; /**< 0: FG_TABLE_BUDGET_BYTES. For "tiered". */
};

/** Settings; the rows are in fg_classify_options[]. */
struct fg_classify_conf {
	uint64_t engine;       /**< Index in fg_table_engines. */
	uint64_t variant;      /**< Index in fg_isa_options. */
	uint64_t budget_bytes; /**< For a table. */
};

/** `classify:` of the configuration file; ends with an empty row. */
extern const struct fg_option fg_classify_options[];

/** The settings in a table's terms. */
struct fg_table_conf fg_classify_table_conf(const struct fg_classify_conf *conf, int socket_id);

/** Where an entry lives. */
enum fg_tier {
	FG_TIER_EXACT,      /**< A hash table. */
	FG_TIER_WILDCARD,   /**< A tree, or whatever the engine has for all. */
	FG_TIER_EXPRESSION, /**< Its expression is run. */
};

/** "exact", "wildcard", "expression". */
const char *fg_tier_name(enum fg_tier tier);

/** What a table is made of. */
struct fg_table_info {
	const char *engine;  /**< "tiered", ... */
	const char *variant; /**< "avx2", ...; "-" where the engine has none. */
	uint64_t bytes;      /**< Memory it takes; 0 if the engine does not say. */
	uint32_t n_hashes;   /**< Exact tier: tables, one per combination of fields. */
	uint32_t n_trees;    /**< Wildcard tier. */
	uint32_t n_exact;    /**< Entries in each tier. */
	uint32_t n_wildcard;
	uint32_t n_expressions;
	uint32_t
		worst_compares; /**< Wildcard tier: most entries that one packet is held against. */
};

/**
 * Compile entries into a table. Cold: allocates. Time and memory are bounded
 * whatever the entries are ("acl" excepted: rte_acl bounds neither).
 *
 * @param conf     Copied.
 * @param matches  Array of @p count entries; copied, but not their expressions,
 *                 which must outlive the table.
 * @param count    0..FG_MATCHES_MAX. 0 gives a table matching nothing.
 * @param out      Set on success only; free with fg_table_free().
 *
 * @return
 *   0        Success.
 *   -EINVAL  An entry is not as struct fg_match says, or no such engine or variant.
 *   -E2BIG   @p count is over FG_MATCHES_MAX, or the table would not fit the budget.
 *   -ENOTSUP The variant is not available on this CPU.
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
 * @param pkts   Their packets, for expressions. May be NULL if no entry of the
 *               table has one.
 * @param rules  Array of @p count; rules[i] is set to the lowest rule whose
 *               entry matches keys[i], or to FG_RULE_NONE (0).
 * @param count  1..FG_BURST_MAX.
 *
 * Cannot fail. Threads: any number at once on one table.
 */
void fg_table_lookup(const struct fg_table *table, const struct fg_key *keys,
		     struct rte_mbuf *const *pkts, uint32_t *rules, unsigned int count);

/** What @p table is made of. Threads: any. */
void fg_table_info(const struct fg_table *table, struct fg_table_info *info);

/** The tier of entry number @p match of the array it was built from. Threads: any. */
enum fg_tier fg_table_tier(const struct fg_table *table, uint32_t match);

/**
 * Do the header fields of @p match match @p key? The definition, in plain
 * code. The expression is not asked: see fg_expr_test(). Threads: any.
 */
int fg_match_test(const struct fg_match *match, const struct fg_key *key);

#endif /* FG_CLASSIFY_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Find the rule that a packet's key matches.
 *
 *     fg_table_build(&conf, matches, count, &table, &error);    // control thread
 *     fg_table_lookup(table, keys, pkts, rules, burst_size);    // any lcore
 *     fg_table_free(table);                                     // after a grace period
 *
 * The control thread builds a table, and any number of lcores look bursts of keys
 * up in it. A table never changes: to edit the rules, build a new table, publish
 * it, and free the old one after a grace period (fg_pipeline.h).
 *
 * An engine compiles the entries. All engines give the same answers:
 * - "tiered", the one to use: hash tables for entries that test whole fields only,
 *   trees for the others;
 * - "acl": DPDK's rte_acl;
 * - "linear": compares entry after entry. Slow and simple: the reference
 *   implementation that the others are tested against.
 * Entries with an expression are a tier of their own, the same for all engines.
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
#define FG_MATCH_RULE_MAX ((1u << 29) - 2u) /**< Highest rule number: priorities of rte_acl. */

/** Default of fg_table_conf.budget_bytes. */
#define FG_TABLE_BUDGET_BYTES (UINT64_C(256) << 20)

/**
 * One entry: the keys it matches, and the rule it belongs to. A rule has one entry
 * for each combination of its values ("any of").
 *
 * A packet matches if (key & mask) == value for each byte, both ports are within
 * their ranges, and the expression, if there is one, accepts the packet.
 *
 * The masks of src_ip and dst_ip are prefixes; those of the ports, payload_off and
 * payload_len are zero; each other field is masked whole or not at all. The ports
 * of a key without ports are 0: an entry that tests ports also tests l4.
 */
struct fg_match {
	struct fg_key value; /**< Zero where mask is. */
	struct fg_key mask;
	uint16_t src_port_min, src_port_max; /**< Host order; 0..65535: any. */
	uint16_t dst_port_min, dst_port_max;
	uint32_t rule; /**< 1..FG_MATCH_RULE_MAX; of all that match, the lowest wins. */
	const struct fg_expr *expr; /**< Must accept the packet; NULL: none. */
};

/** Compiled entries; immutable. Opaque. */
struct fg_table;

/** Names of the engines, best first; NULL-terminated. */
extern const char *const fg_table_engines[];

/** How to build a table. */
struct fg_table_conf {
	int socket_id;         /**< NUMA node of its memory, or SOCKET_ID_ANY. */
	const char *engine;    /**< One of fg_table_engines; NULL: the best. */
	const char *variant;   /**< One of fg_isa_options; NULL: "auto". Only "tiered" uses it. */
	uint64_t budget_bytes; /**< Memory it may take; 0: FG_TABLE_BUDGET_BYTES. Only "tiered". */
};

/** `classify:` of the configuration file, read by fg_option_read(). */
struct fg_classify_conf {
	uint64_t engine;       /**< Index in fg_table_engines. */
	uint64_t variant;      /**< Index in fg_isa_options. */
	uint64_t budget_bytes; /**< See struct fg_table_conf. */
};

/** Option rows of struct fg_classify_conf; end with an empty row. */
extern const struct fg_option fg_classify_options[];

/** The same as a struct fg_table_conf. Threads: any. */
struct fg_table_conf fg_classify_table_conf(const struct fg_classify_conf *conf, int socket_id);

/** The part of a table that holds an entry. */
enum fg_tier {
	FG_TIER_EXACT,      /**< A hash table. */
	FG_TIER_WILDCARD,   /**< A tree; in engines without tiers, everything. */
	FG_TIER_EXPRESSION, /**< The list of entries with an expression. */
};

/** "exact", "wildcard", "expression". */
const char *fg_tier_name(enum fg_tier tier);

/** What a table consists of. */
struct fg_table_info {
	const char *engine;  /**< "tiered", ... */
	const char *variant; /**< "avx2", ...; "-" if the engine has none. */
	uint64_t bytes;      /**< Memory it takes; 0: not known. */
	uint32_t n_hashes;   /**< Exact tier: tables, one per combination of fields. */
	uint32_t n_trees;    /**< Wildcard tier. */
	uint32_t n_exact;    /**< Entries in each tier. */
	uint32_t n_wildcard;
	uint32_t n_expressions;
	uint32_t worst_compares;     /**< Wildcard tier: most entries compared with one key. */
	uint32_t n_programs;         /**< Different expressions. */
	uint32_t worst_programs;     /**< Most of them that may run for one packet. */
	uint64_t worst_instructions; /**< Most of their instructions, as libpcap made them. */
};

/**
 * Compile entries into a table. Cold: allocates. Time and memory are bounded for
 * any entries, except by "acl": rte_acl bounds neither.
 *
 * @param conf     Copied.
 * @param matches  Array of @p count entries; copied, but not their expressions,
 *                 which must outlive the table.
 * @param count    0..FG_MATCHES_MAX. With 0 the table matches nothing.
 * @param out      Set on success only; free with fg_table_free().
 *
 * @return
 *   0        Success.
 *   -EINVAL  An entry is not valid, see struct fg_match; or no such engine or variant.
 *   -E2BIG   @p count is over FG_MATCHES_MAX, a limit of fg_expr.h is exceeded, or the
 *            table does not fit the budget.
 *   -ENOTSUP This CPU lacks the instructions of the variant.
 *   -ENOMEM  Not enough memory, of DPDK or of the process.
 *
 * Threads: control. EAL must be up.
 */
int fg_table_build(const struct fg_table_conf *conf, const struct fg_match *matches, uint32_t count,
		   struct fg_table **out, struct fg_error *error);

/** Free a table that no lcore uses any more. NULL is allowed. Threads: control. */
void fg_table_free(struct fg_table *table);

/**
 * Look up a burst. Hot: no allocation, no lock, no system call, no log.
 *
 * @param keys   Array of @p count keys.
 * @param pkts   Array of @p count packets, one for each key, for expressions. May be
 *               NULL if no entry of the table has one.
 * @param rules  Array of @p count; rules[i] is set to the lowest rule whose
 *               entry matches keys[i], or to FG_RULE_NONE (0).
 * @param count  1..FG_BURST_MAX.
 *
 * Cannot fail. Threads: any number at once on one table.
 */
void fg_table_lookup(const struct fg_table *table, const struct fg_key *keys,
		     struct rte_mbuf *const *pkts, uint32_t *rules, unsigned int count);

/** Describe @p table. Threads: any. */
void fg_table_info(const struct fg_table *table, struct fg_table_info *info);

/** The tier of an entry; @p match: its index in the array given to fg_table_build(). Threads: any.
 */
enum fg_tier fg_table_tier(const struct fg_table *table, uint32_t match);

/**
 * Does @p match match @p key, its expression aside (for that: fg_expr_test())? The
 * reference implementation. Threads: any.
 */
int fg_match_test(const struct fg_match *match, const struct fg_key *key);

#endif /* FG_CLASSIFY_H */

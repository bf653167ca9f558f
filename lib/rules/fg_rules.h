/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Rule sets: checks `rules` and `default` of a configuration file, and compiles them
 * to the entries of a classify table (fg_classify.h) and to subscriptions.
 *
 *     fg_rules_load(list, default_action, &scope, &rules, &error);
 *     fg_table_build(&conf, rules->matches, rules->n_matches, &table, &error);
 *
 * A lookup returns a rule number, the index in fg_rules.rules.
 * docs/configuration.md is the reference of the language.
 */
#ifndef FG_RULES_H
#define FG_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fg_classify.h>
#include <fg_error.h>
#include <fg_msg_filter.h>
#include <fg_protocol.h>

struct fg_node;

#define FG_RULES_MAX      100000u
#define FG_NAME_BYTES_MAX 64u

/** The names that rules may refer to. A name stands for its index. */
struct fg_scope {
	const char *const *sources;
	const char *const *sinks;
	const char *const *feeds;
	uint32_t n_sources, n_sinks, n_feeds;
	/**
	 * [n_feeds]: the protocol of each feed; NULL: the feed has none, so its rules cannot
	 * have a subscription. If the array is NULL, protocols are not known, and
	 * messages and instruments are not checked.
	 */
	const struct fg_protocol *const *protocols;
};

/** The messages and instruments of a feed that a rule selects. */
struct fg_subscription {
	uint32_t *types; /**< [n_types]; 0: any. */
	uint32_t n_types;
	const char **instruments; /**< [n_instruments], in `text`. */
	uint32_t n_instruments;
	char *text;
	bool any_instrument; /**< Neither `instruments` nor `instruments_file` was given. */
	bool slice;          /**< Deliver only the messages that match. */
	uint8_t unmapped;    /**< enum fg_unmapped. */
	char *file;          /**< `instruments_file`; NULL: none. */
};

#define FG_FEED_NONE UINT16_MAX

/** A rule. Its number is its index in fg_rules.rules: from 1; 0 is the default action. */
struct fg_rule {
	char *name;        /**< Owned by the set; "-" for the default. */
	uint32_t id;       /**< The name's id, fg_names.h. */
	uint32_t line;     /**< Line in the file, from 1; 0 for the default. */
	uint64_t sinks;    /**< Bit i: sink i. 0: drop. */
	uint16_t feed;     /**< Index in fg_scope.feeds, or FG_FEED_NONE. */
	uint8_t feed_line; /**< Line of its packets, 1 for A; 0: the line of their source. */
	struct fg_subscription *subscription; /**< Owned by the set; NULL: all messages. */
	uint32_t n_matches;                   /**< Its entries in fg_rules.matches. */
	uint32_t first_match;                 /**< Index of the first of them. */
	char *text; /**< Its `match` as one line of YAML; owned by the set. */
};

/** A compiled set of rules. Read-only after fg_rules_load(). */
struct fg_rules {
	struct fg_rule *rules; /**< [count + 1]; rules[0] is the default action. */
	uint32_t count;
	struct fg_match *matches; /**< [n_matches], by rule. */
	uint32_t n_matches;
	struct fg_expr **exprs; /**< [n_exprs], owned, by text; entries point to them. */
	uint32_t n_exprs;       /**< At most FG_EXPRS_MAX. */
};

/**
 * Compile `rules` and `default`.
 *
 * @param rules          The list, or NULL for none.
 * @param default_action The value of `default`, or NULL for drop.
 * @param scope          The names that rules may refer to; not used after the call.
 * @param out            Set on success; free with fg_rules_free().
 * @return 0; -EINVAL, -E2BIG (over FG_RULES_MAX rules, FG_MATCHES_MAX entries,
 *         FG_EXPRS_MAX expressions or FG_EXPR_MATCHES_MAX entries with one), -ENOMEM,
 *         -ENOSPC (see fg_names_id()); @p error has file, line, column and reason.
 * Threads: control.
 */
int fg_rules_load(const struct fg_node *rules, const struct fg_node *default_action,
		  const struct fg_scope *scope, struct fg_rules **out, struct fg_error *error);

/**
 * Free a set with its expressions, which no table may use any more. NULL is allowed.
 * Threads: control.
 */
void fg_rules_free(struct fg_rules *rules);

/**
 * The message filter (fg_msg_filter.h) of a subscription. The result points into
 * @p subscription. Threads: control.
 */
struct fg_msg_filter_conf fg_rules_msg_filter_conf(const struct fg_subscription *subscription,
						   const struct fg_protocol *protocol,
						   struct fg_symbols *symbols,
						   struct fg_orders *orders, int socket_id);

/**
 * Check the name of a source, feed, sink or rule: 1 to FG_NAME_BYTES_MAX printable
 * characters, no blank.
 * @param at  Its location, for @p error; may be NULL.
 * @return 0, or -EINVAL with @p error set. Threads: any.
 */
int fg_name_check(const char *name, const struct fg_node *at, struct fg_error *error);

/** Read the letter of a line, "A" to "Z", as 1 to 26. @return 0 or -EINVAL. Threads: any. */
int fg_line_read(const char *text, uint8_t *line);

#endif /* FG_RULES_H */

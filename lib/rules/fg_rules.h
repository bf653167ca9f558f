/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Rule text to rules: the `rules` and `default` parts of a configuration file,
 * checked and compiled to entries that classify takes. docs/configuration.md
 * is the reference of the language.
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

/** What rules may refer to by name. Arrays of names; index = number used in keys and masks. */
struct fg_scope {
	const char *const *sources;
	const char *const *sinks;
	const char *const *feeds;
	uint32_t n_sources, n_sinks, n_feeds;
	/**
	 * By feed; NULL in it: has none, so that its rules can want no messages. NULL
	 * itself: not known; then messages and instruments are accepted as they are.
	 */
	const struct fg_protocol *const *protocols;
};

/** What a rule wants of a feed. */
struct fg_subscription {
	uint32_t *types; /**< [n_types]; 0: any. */
	uint32_t n_types;
	const char **instruments; /**< [n_instruments], in `text`. */
	uint32_t n_instruments;
	char *text;
	bool any_instrument; /**< No list was given. */
	bool slice;          /**< Hand on the subscription messages alone. */
	uint8_t unmapped;    /**< enum fg_unmapped. */
	char *file;          /**< `instruments_file`; NULL: none. */
};

#define FG_FEED_NONE UINT16_MAX

/** One rule; rule number = index in fg_rules.rules, 1-based; 0 is the default action. */
struct fg_rule {
	char *name;        /**< Owned by the set; "-" for the default. */
	uint32_t id;       /**< The name's id, fg_names.h. */
	uint32_t line;     /**< Where it stands in the file; 0 for the default. */
	uint64_t sinks;    /**< Bit i: sink i. 0: drop. */
	uint16_t feed;     /**< Index or FG_FEED_NONE. */
	uint8_t feed_line; /**< Line of its packets, 1 for A; 0: that of their source. */
	struct fg_subscription *subscription; /**< Owned; NULL: all of its packets. */
	uint32_t n_matches;                   /**< Entries it compiled to. */
	uint32_t first_match;                 /**< Index of the first. */
	char *text; /**< Its match as one line of YAML; owned by the set. */
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
 * @param scope          Names that exist.
 * @param out            Set on success; free with fg_rules_free().
 * @return 0; -EINVAL, -E2BIG (over FG_RULES_MAX rules, FG_MATCHES_MAX entries,
 *         FG_EXPRS_MAX expressions or FG_EXPR_MATCHES_MAX entries with one), -ENOMEM, -ENOSPC; @p
 * error names file, line, column and reason. Threads: control.
 */
int fg_rules_load(const struct fg_node *rules, const struct fg_node *default_action,
		  const struct fg_scope *scope, struct fg_rules **out, struct fg_error *error);

/** Free a set that nobody uses. NULL is allowed. Threads: control. */
void fg_rules_free(struct fg_rules *rules);

/** How @p rule, which wants something, is compiled for its feed. Threads: control. */
struct fg_msg_filter_conf fg_rules_msg_filter_conf(const struct fg_subscription *subscription,
						   const struct fg_protocol *protocol,
						   struct fg_symbols *symbols,
						   struct fg_orders *orders, int socket_id);

/** Is @p name fit for a source, feed, sink or rule: 1..64 printable characters, no blank? */
int fg_name_check(const char *name, const struct fg_node *at, struct fg_error *error);

/** Letter of a line, "A".."Z", to 1..26; -EINVAL if it is none. */
int fg_line_read(const char *text, uint8_t *line);

#endif /* FG_RULES_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What is odd about a rule set: rules that no packet can reach, and rules
 * without which every packet would go the same way.
 *
 * Every finding is true. Not everything that is true is found: what would take
 * more than a bounded amount of work to show is left out.
 */
#ifndef FG_ANALYSE_H
#define FG_ANALYSE_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_rules.h>

enum fg_finding {
	FG_FINDING_SHADOWED,  /**< Earlier rules take every packet that the rule matches. */
	FG_FINDING_REDUNDANT, /**< What it wins would go the same way without it. */
};

#define FG_FINDING_BY_SEVERAL UINT32_MAX

/** One finding. A rule has at most one. */
struct fg_rule_finding {
	uint32_t rule; /**< Index in fg_rules.rules. */
	enum fg_finding kind;
	/**
	 * The rule that covers it, earlier if shadowed, later if redundant; 0:
	 * the default action (redundant only); FG_FINDING_BY_SEVERAL: several.
	 */
	uint32_t by;
};

/** "shadowed", "redundant". */
const char *fg_finding_name(enum fg_finding kind);

/**
 * Look for shadowed and redundant rules. Every packet goes the same way without
 * any of the rules found, and without all of them at once.
 *
 * The same set gives the same findings on every machine: the work is bounded
 * by a count of comparisons, not by time.
 *
 * @param findings  Set on success: an array to free(), sorted by rule; NULL if empty.
 * @param count     Its length.
 * @param complete  Set to false if the work had to end before all rules were
 *                  looked at as closely as can be; NULL is allowed.
 * @return 0, or -ENOMEM.
 * Threads: control. Reads @p rules only.
 */
int fg_rules_analyse(const struct fg_rules *rules, struct fg_rule_finding **findings,
		     uint32_t *count, bool *complete, struct fg_error *error);

#endif /* FG_ANALYSE_H */

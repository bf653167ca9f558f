/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Finds rules that a rule set does not need: rules that no packet can match, and
 * rules without which every packet would get the same action.
 *
 * Every finding is right, but not every such rule is found: the work is bounded.
 */
#ifndef FG_ANALYSE_H
#define FG_ANALYSE_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_rules.h>

enum fg_finding {
	FG_FINDING_SHADOWED,  /**< Earlier rules match every packet that the rule matches. */
	FG_FINDING_REDUNDANT, /**< Without the rule its packets would get the same action. */
};

/** fg_rule_finding.by: several rules together. */
#define FG_FINDING_BY_SEVERAL UINT32_MAX

/** A finding. There is at most one for each rule. */
struct fg_rule_finding {
	uint32_t rule; /**< Index in fg_rules.rules. */
	enum fg_finding kind;
	/**
	 * The rule that its packets match instead: an earlier one if shadowed, a later
	 * one if redundant; 0: the default action (only if redundant);
	 * FG_FINDING_BY_SEVERAL: several.
	 */
	uint32_t by;
};

/** "shadowed", "redundant". */
const char *fg_finding_name(enum fg_finding kind);

/**
 * Find shadowed and redundant rules. Without any of them, or without all of them,
 * every packet gets the same action.
 *
 * The same set gives the same findings on every machine: the bound is a number of
 * comparisons, not a time. The bound is reached after about a second for each part.
 *
 * @param findings  Set on success: an array to free(), sorted by rule; NULL if empty.
 * @param count     Its length.
 * @param complete  Set to false if the bound was reached, so that there may be more
 *                  to find, else to true; NULL is allowed.
 * @return 0, or -ENOMEM with @p error set.
 * Threads: control. Reads @p rules only.
 */
int fg_rules_analyse(const struct fg_rules *rules, struct fg_rule_finding **findings,
		     uint32_t *count, bool *complete, struct fg_error *error);

#endif /* FG_ANALYSE_H */

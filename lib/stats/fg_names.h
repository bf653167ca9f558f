/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Ids of rule names. A name gets an id when the first rule set uses it, and keeps it until
 * the process ends.
 *
 * Counters of rules are arrays indexed by id. So a rule keeps its counters when the rule
 * set is reloaded, and a packet that is in a ring during the reload keeps the name of its rule.
 * Id 0 is the default action, "-".
 */
#ifndef FG_NAMES_H
#define FG_NAMES_H

#include <stdint.h>

/**
 * Find the id of @p name, or give it one.
 * @return 0, with @p id set: 1 to FG_RULE_IDS_MAX - 1; -ENOMEM; -ENOSPC: no ids remain.
 * Threads: control.
 */
int fg_names_id(const char *name, uint32_t *id);

/** The name of an id: 0 or one from fg_names_id(). The text is never freed. Threads: any. */
const char *fg_names_get(uint32_t id);

/** How many names have ids: a mark for fg_names_forget(). Threads: control. */
uint32_t fg_names_count(void);

/**
 * Take the ids above @p mark back, which is what fg_names_count() was: those of a rule set that was
 * refused. No packet and no running rule set may have one. Threads: control.
 */
void fg_names_forget(uint32_t mark);

/** Free all names. No id may be in use any more. Threads: control. */
void fg_names_reset(void);

#endif /* FG_NAMES_H */

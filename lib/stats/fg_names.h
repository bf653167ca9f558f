/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Rule names and their ids: a name gets an id when it is first seen and keeps
 * it as long as the process lives, whatever rule sets come and go.
 *
 * So counters carry over a reload, and a packet that is still queued when its
 * rule set is replaced can be named. Id 0 is the default action, "-".
 */
#ifndef FG_NAMES_H
#define FG_NAMES_H

#include <stdint.h>

/**
 * The id of @p name, new if it was never seen.
 * @return 0 and @p id set; -ENOMEM; -ENOSPC when FG_RULE_IDS_MAX names are in use.
 * Threads: control.
 */
int fg_names_id(const char *name, uint32_t *id);

/** The name of an id that fg_names_id() gave. Threads: any; the text lives for ever. */
const char *fg_names_get(uint32_t id);

/** Forget all names: only when nothing refers to an id any more. Threads: control. */
void fg_names_reset(void);

#endif /* FG_NAMES_H */

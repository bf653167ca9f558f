/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The moment by which the program must have ended. A signal that ends the program sets it; who
 * waits for something outside the program (a disk, a pipe) looks at it, and gives up then.
 */
#ifndef FG_DEADLINE_H
#define FG_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/** Set it to @p ms from now, unless it is set. Async-signal-safe. Threads: any. */
void fg_deadline_set(uint32_t ms);

/** Is it set, and past? Threads: any. */
bool fg_deadline_passed(void);

#endif /* FG_DEADLINE_H */

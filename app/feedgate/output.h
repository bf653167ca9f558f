/* SPDX-License-Identifier: MIT */
/*
 * Standard output and standard error that never block: the control thread must go on whatever the
 * reader of a pipe or a terminal does. What the reader does not take at once waits in memory; what
 * is beyond that is dropped, and a line says how much.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>

/*
 * Open /dev/null where standard input, output or error is closed, so that no file that is opened
 * later takes its number. Before anything is opened. @return whether standard output was closed.
 */
bool output_fill_closed(void);

/* Replace the streams stdout and stderr; their file descriptors stay. No memory: they block. */
void output_open(void);

/*
 * Write what waits, and wait up to @timeout_ms until more can be written, or until standard input
 * is readable if @input.
 * @return false: nothing waits; it did not wait either.
 */
bool output_poll(int timeout_ms, bool input);

/*
 * Write all that waits: as long as the reader takes something every few seconds, and until
 * fg_deadline_passed(). 0, or -errno of standard output.
 */
int output_finish(void);

#endif /* OUTPUT_H */

/* SPDX-License-Identifier: MIT */
/*
 * Standard error while a benchmark runs: what is being measured, and how long the rest will take.
 * On a terminal this is one line that is overwritten, elsewhere a line every ten seconds.
 *
 * A benchmark states its work as a sum of steps with progress_expect() and calls progress_step()
 * before each step. Work has no unit: milliseconds are a good choice. The estimate of the time
 * left assumes that the rest goes as fast as what is done.
 *
 * A process has one standard error, so there is one state, for the main thread only. A child
 * process must not call these.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Show the progress of @p bench from now on; with @p quiet show nothing. The name is kept. */
void progress_open(const char *bench, bool quiet);

/* There is @p work more to do. */
void progress_expect(uint64_t work);

/* @p work of what was expected is left out. */
void progress_leave_out(uint64_t work);

/* The previous step is done; a step of @p work begins. */
void progress_step(uint64_t work, const char *case_name, const char *subject);

/* To be called often during a long step; shows a new estimate when it is due. */
void progress_update(void);

/* Remove the line from the terminal, before something else is printed there. */
void progress_clear(void);

/* The benchmark is over. */
void progress_close(void);

/* Print a line on standard error, after the program's name, also with --quiet. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* PROGRESS_H */

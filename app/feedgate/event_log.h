/* SPDX-License-Identifier: MIT */
/*
 * A file to which lines of text are appended, one per event. It knows nothing of
 * feeds or JSON. Control thread only.
 *
 * A line is in the file whole or not at all. A line that cannot be written is lost
 * and counted; the first lost line is logged. Writing never waits.
 */
#ifndef EVENT_LOG_H
#define EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>

struct event_log;

/* Counted since the log was made. */
struct event_log_totals {
	uint64_t written; /* lines */
	uint64_t bytes;   /* of these */
	uint64_t lost;    /* lines that could not be written */
};

/*
 * A log that appends to @path, which is copied. Opens nothing.
 * @return 0; -EINVAL for "" and "-" (standard output is for people); -ENOMEM. @error is set.
 */
int event_log_new(const char *path, struct event_log **out, struct fg_error *error);

/*
 * Open the file, creating it if need be.
 * @return 0; -EBUSY: another log or process writes it; -ENXIO: a pipe without a reader; or
 *         -errno of open(2). @error is set.
 */
int event_log_open(struct event_log *log, struct fg_error *error);

/*
 * Append @text, which ends with its newline; of no bytes if there was no memory to make it, which
 * loses the line. The log must be open.
 * @return 0; -errno: the line is lost, and counted as such.
 */
int event_log_write(struct event_log *log, const char *text, size_t bytes);

/* As given to event_log_new(). */
const char *event_log_path(const struct event_log *log);

struct event_log_totals event_log_totals(const struct event_log *log);

/* Close the file and free the log. NULL is allowed. */
void event_log_free(struct event_log *log);

#endif /* EVENT_LOG_H */

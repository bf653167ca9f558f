/* SPDX-License-Identifier: MIT */
#include "event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fg_log.h>

struct event_log {
	char *path;
	int fd; /* -1: not open */
	bool regular;
	bool failed; /* the first lost line was logged */
	bool torn;   /* the file ends within a line */
	struct event_log_totals totals;
};

int event_log_new(const char *path, struct event_log **out, struct fg_error *error)
{
	struct event_log *log;

	if (strcmp(path, "-") == 0 || path[0] == '\0')
		return fg_error_set(error, EINVAL,
				    "events: '%s': expected a file's path: events do not go to "
				    "standard output",
				    path);
	log = calloc(1, sizeof(*log));
	if (log != NULL)
		log->path = strdup(path);
	if (log == NULL || log->path == NULL) {
		free(log);
		return fg_error_set(error, ENOMEM, "events: %s: out of memory", path);
	}
	log->fd = -1;
	*out = log;
	return 0;
}

/* O_NONBLOCK: a pipe without a reader is refused, and a full one does not block control. */
static int open_file(struct event_log *log)
{
	struct stat at;

	log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		       0640);
	if (log->fd < 0 || fstat(log->fd, &at) != 0)
		return errno;
	log->regular = S_ISREG(at.st_mode);
	/*
	 * A line written in part is cut off again, so there must be no other writer. File systems
	 * without locks cannot tell.
	 */
	if (log->regular && flock(log->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return EBUSY;
	return 0;
}

int event_log_open(struct event_log *log, struct fg_error *error)
{
	const int code = open_file(log);

	if (code == 0)
		return 0;
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
	return fg_error_set(error, code, "events: %s: %s", log->path,
			    code == EBUSY ? "another event log or process writes it"
					  : strerror(code));
}

/* Only @done bytes of a line are in the file: cut them off. */
static void cut(struct event_log *log, size_t done)
{
	struct stat at;

	if (!log->regular || fstat(log->fd, &at) != 0 ||
	    ftruncate(log->fd, at.st_size - (off_t)done) != 0)
		log->torn = true;
}

static int append(struct event_log *log, const char *text, size_t bytes)
{
	/* A line that could not be cut off ends here, so that this one stands alone. */
	const size_t newline = log->torn ? 1 : 0;
	const struct iovec parts[] = {{(void *)"\n", newline}, {(void *)text, bytes}};
	ssize_t n;
	int code;

	do
		n = writev(log->fd, parts, 2);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)(newline + bytes)) {
		log->torn = false;
		return 0;
	}
	code = n < 0 ? errno : ENOSPC;
	if (n > 0)
		cut(log, (size_t)n);
	return -code;
}

int event_log_write(struct event_log *log, const char *text, size_t bytes)
{
	const int rc = bytes > 0 ? append(log, text, bytes) : -ENOMEM;

	if (rc == 0) {
		log->totals.written++;
		log->totals.bytes += bytes;
		return 0;
	}
	log->totals.lost++;
	if (!log->failed)
		fg_log(ERR, "events: %s: %s: events are lost, and counted as lost", log->path,
		       strerror(-rc));
	log->failed = true;
	return rc;
}

const char *event_log_path(const struct event_log *log)
{
	return log->path;
}

struct event_log_totals event_log_totals(const struct event_log *log)
{
	return log->totals;
}

void event_log_free(struct event_log *log)
{
	if (log == NULL)
		return;
	if (log->fd >= 0)
		close(log->fd);
	free(log->path);
	free(log);
}

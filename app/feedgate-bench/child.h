/* SPDX-License-Identifier: MIT */
/* A program run as a child process, spoken to through its console. */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <fg_error.h>

struct child {
	const char *name; /* For messages. */
	pid_t pid;        /* 0: none runs. */
	int in;           /* Its standard input: a pipe. */
	int out;          /* Its standard output and error: a terminal of its own. */
	bool ended;       /* It has closed its output. */
	size_t used;
	char text[16384]; /* The last of what it said. */
};

/*
 * SIGINT and SIGTERM end whatever function below is at work with -EINTR, so
 * that no child outlives us. To be called once, before the first start.
 */
void child_catch_signals(void);

/* Has one of these signals come? */
bool child_interrupted(void);

/* All of them: 0, or -errno with @p error set. A child that was started is to be ended by
 * child_finish() or child_kill(). */

/* @param argv  NULL-terminated; argv[0] is looked up in PATH if it has no slash. */
int child_start(struct child *child, const char *name, char *const *argv, struct fg_error *error);

/* Send a line to its console. */
int child_say(struct child *child, const char *line, struct fg_error *error);

/*
 * Read what it says until @p label and a whole number behind it were said.
 * What was said up to there is forgotten.
 */
int child_read_number(struct child *child, const char *label, uint64_t timeout_ms, uint64_t *out,
		      struct fg_error *error);

/* Let it run for a while; an error if it ends meanwhile. */
int child_wait(struct child *child, uint64_t duration_ms, struct fg_error *error);

/* Send @p line, its console's last, and wait until it ends; an error unless its status is 0. */
int child_finish(struct child *child, const char *line, uint64_t timeout_ms,
		 struct fg_error *error);

/* End it at once, if it still runs. */
void child_kill(struct child *child);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

#endif /* CHILD_H */

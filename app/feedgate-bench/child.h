/* SPDX-License-Identifier: MIT */
/* A program with a console, such as testpmd or feedgate, run as a child process. */
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
	int in;           /* Pipe to its standard input. */
	int out;          /* Pseudo terminal, its standard output and error. */
	bool ended;       /* It closed its output. */
	size_t used;
	char text[16384]; /* The end of its output that was not read yet. */
};

/*
 * From now on SIGINT and SIGTERM do not end this process; the functions below then return -EINTR.
 * To be called once, before the first child_start().
 */
void child_catch_signals(void);

/* Was one of these signals received? */
bool child_interrupted(void);

/*
 * All of these functions return 0, or -errno with @p error set. The caller ends a child that was
 * started, with child_finish() or child_kill().
 */

/* @param argv  NULL-terminated; argv[0] is looked up in PATH if it has no slash. */
int child_start(struct child *child, const char *name, char *const *argv, struct fg_error *error);

/* Send a line to its console. */
int child_send(struct child *child, const char *line, struct fg_error *error);

/* Read its output up to @p label and the whole number that follows, and return that number. */
int child_read_number(struct child *child, const char *label, uint64_t timeout_ms, uint64_t *out,
		      struct fg_error *error);

/* Let it run for this time. It is an error if it ends earlier. */
int child_wait(struct child *child, uint64_t duration_ms, struct fg_error *error);

/* Send @p line, which ends it, and wait. An exit status other than 0 is an error. */
int child_finish(struct child *child, const char *line, uint64_t timeout_ms,
		 struct fg_error *error);

/* Kill it, if it still runs. */
void child_kill(struct child *child);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

#endif /* CHILD_H */

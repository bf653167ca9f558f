/* SPDX-License-Identifier: MIT */
/*
 * What happens to a pcapng sink's files when they are finished: a command runs for each, and the
 * oldest are deleted. Files of other sinks and of earlier runs are left alone. One thread at a
 * time.
 */
#ifndef PCAPNG_FINISHED_H
#define PCAPNG_FINISHED_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <fg_error.h>

#define PCAPNG_COMMANDS_MAX 2u /* running at once */

struct pcapng_old;

/* Zeroed before first use but for the first four. */
struct pcapng_finished {
	const char *sink_name;
	char *command;                   /* run as `command FILE`; "": none */
	uint64_t keep_files;             /* with the one that is being written; 0: all */
	uint64_t keep_bytes;             /* the same */
	struct pcapng_old *first, *last; /* the oldest first */
	uint64_t n_files, bytes;
	uint32_t n_waiting; /* files whose command has not begun */
	uint32_t n_running;
	uint64_t skipped; /* commands that did not run: too many waited */
};

/* Can the command be run? 0 or -errno with `error` set. */
int pcapng_finished_check(const struct pcapng_finished *finished, struct fg_error *error);

/* A file is complete and closed. Its name is only deleted if it still is this file. */
void pcapng_finished_add(struct pcapng_finished *finished, const char *path,
			 const struct stat *file);

/* Several times a second: end and begin commands, delete files. 0 or 1 file is being written. */
void pcapng_finished_tick(struct pcapng_finished *finished, uint32_t n_writing, uint64_t bytes);

/* Give commands two seconds to begin and end; those that run go on alone. */
void pcapng_finished_wait(struct pcapng_finished *finished);

/* Forget all. */
void pcapng_finished_free(struct pcapng_finished *finished);

#endif /* PCAPNG_FINISHED_H */

/* SPDX-License-Identifier: MIT */
/* Names of the files that one pcapng sink writes; none is given twice. */
#ifndef PCAPNG_PATH_H
#define PCAPNG_PATH_H

#include <limits.h>

#include <fg_error.h>

/* Zeroed before first use but for pattern. */
struct pcapng_path {
	const char *pattern; /* as configured: strftime(3) */
	void *used;          /* tree of the names given so far */
	char text[PATH_MAX]; /* the name given last */
};

/* The pattern that stands for standard output. */
#define PCAPNG_PATH_STDOUT "-"

/* Can a file be created? 0 or -errno with `error` set. */
int pcapng_path_check(struct pcapng_path *path, const char *sink_name, struct fg_error *error);

/*
 * Set path->text to a name for a new file: the pattern at the present time,
 * with .1, .2, ... before its extension if that was given before. 0,
 * -ENAMETOOLONG or -ENOMEM.
 */
int pcapng_path_next(struct pcapng_path *path);

/* Forget all names. */
void pcapng_path_reset(struct pcapng_path *path);

#endif /* PCAPNG_PATH_H */

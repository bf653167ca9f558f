/* SPDX-License-Identifier: MIT */
/* Names for the files that one pcapng sink writes. */
#ifndef PCAPNG_PATH_H
#define PCAPNG_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

/* Zeroed before first use but for pattern. */
struct pcapng_path {
	const char *pattern;  /* as configured: strftime(3) */
	char text[PATH_MAX];  /* the name given last */
	char plain[PATH_MAX]; /* the same without a number */
	uint64_t next;        /* number of the next name of `plain`; 0: plain itself */
};

/* The pattern that stands for standard output. */
#define PCAPNG_PATH_STDOUT "-"

static inline bool pcapng_path_is_stdout(const struct pcapng_path *path)
{
	return path->pattern[0] == '-' && path->pattern[1] == '\0';
}

/* Can a file be created? 0 or -errno with `error` set. */
int pcapng_path_check(struct pcapng_path *path, const char *sink_name, struct fg_error *error);

/*
 * Whether the pattern, at the present time, names what is there already and is no file to create: a
 * named pipe or a device. Sets path->text.
 */
bool pcapng_path_is_special(struct pcapng_path *path);

/*
 * Set path->text to a name for a new file: the pattern at the present time, or that with .1, .2,
 * ... before its extension: above all numbers in the folder if there are such files. Names do not
 * repeat while the pattern's text stays. 0 or -ENAMETOOLONG.
 */
int pcapng_path_next(struct pcapng_path *path);

/* path->text is in use: continue above the numbers that the folder has. */
void pcapng_path_taken(struct pcapng_path *path);

/* No file was made of path->text: it may be given again. */
void pcapng_path_return(struct pcapng_path *path);

#endif /* PCAPNG_PATH_H */

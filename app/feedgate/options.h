/* SPDX-License-Identifier: MIT */
/* The command line after `--`. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdio.h>

#include <fg_error.h>

struct options;

/*
 * Read the whole command line, EAL's part included. @options points into @argv.
 * @return 0; 1: --help, --version or a --list option was served, and all is done; -EINVAL with
 *         @error set.
 */
int options_read(struct options *options, int argc, char **argv, struct fg_error *error);

/* Print what --help prints. */
void options_usage(FILE *out);

#endif /* OPTIONS_H */

/* SPDX-License-Identifier: MIT */
#ifndef OPTIONS_CHECK_H
#define OPTIONS_CHECK_H

#include <fg_error.h>

struct options;

/* EAL's part of the command line: nothing at all, or options that belong after `--`? 0 or -EINVAL.
 */
int options_check_eal(int argc, char **argv, struct fg_error *error);

/* The files that options name: can they be written and read? 0, or -errno with @error set. */
int options_check_files(const struct options *options, struct fg_error *error);

#endif /* OPTIONS_CHECK_H */

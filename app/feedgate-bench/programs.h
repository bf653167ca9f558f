/* SPDX-License-Identifier: MIT */
/* The paths of programs that feedgate-bench runs. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <limits.h>
#include <stdbool.h>

#include <fg_error.h>

/* Find a program in PATH; false: there is none. */
bool program_in_path(const char *name, char out[PATH_MAX]);

/* The program that an option names: 0, or -errno with @p error set. */
int program_given(const char *option, const char *given, char out[PATH_MAX],
		  struct fg_error *error);

/* feedgate: @p given by --feedgate; if that is empty, beside this program, else in PATH. 0, or
 * -errno with @p error set. */
int program_feedgate(const char *given, char out[PATH_MAX], struct fg_error *error);

/* feedgate-bench-report, beside this program or in PATH: 0, or -errno with @p error set. */
int program_report(char out[PATH_MAX], struct fg_error *error);

/* This program's path; false: /proc does not have it. */
bool program_self(char out[PATH_MAX]);

#endif /* PROGRAMS_H */

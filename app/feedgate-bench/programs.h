/* SPDX-License-Identifier: MIT */
/* Programs that a benchmark runs beside itself. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <limits.h>
#include <stdbool.h>

#include <fg_error.h>

/* Is there such a program in PATH? */
bool program_in_path(const char *name, char out[PATH_MAX]);

/* The program that an option named: 0, or -errno with @p error set. */
int program_given(const char *option, const char *given, char out[PATH_MAX],
		  struct fg_error *error);

/* feedgate: @p given by --feedgate, or if that is empty beside this program, or in PATH. */
int program_feedgate(const char *given, char out[PATH_MAX], struct fg_error *error);

/* feedgate-bench-report, beside this program or in PATH: 0, or -errno with @p error set. */
int program_report(char out[PATH_MAX], struct fg_error *error);

/* This program's own path; false: /proc does not have it. */
bool program_self(char out[PATH_MAX]);

#endif /* PROGRAMS_H */

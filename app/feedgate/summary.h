/* SPDX-License-Identifier: MIT */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdbool.h>

#include <fg_error.h>

struct app;
struct snapshot;

/* Write the JSON object of --summary. @balanced: every packet is accounted for. 0 or -errno. */
int summary_write(const struct app *app, const struct snapshot *s, bool balanced, const char *path,
		  struct fg_error *error);

#endif /* SUMMARY_H */

/* SPDX-License-Identifier: MIT */
#ifndef SAVE_H
#define SAVE_H

#include <fg_error.h>

struct app;

/* Write the running rules to @path: all of them, or the file stays as it was. 0 or -errno. */
int save_rules(const struct app *app, const char *path, struct fg_error *error);

#endif /* SAVE_H */

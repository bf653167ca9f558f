/* SPDX-License-Identifier: MIT */
/*
 * Replace the rules while packets flow. Each function compiles the new rules, publishes them, and
 * prints the result to @out. On an error the running rules stay and @error has the reason.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdbool.h>
#include <stdio.h>

#include <fg_error.h>

struct app;
struct rulebook;

/*
 * The rules of a file; @path NULL: of the -c file. A file without `rules` is refused, and, without
 * @force, a change beyond `reload: {max_change}`. 0 or -errno.
 */
int reload_file(struct app *app, const char *path, bool force, FILE *out, struct fg_error *error);

/* @edited was made from app->book, and is taken, also on an error. 0 or -errno. */
int reload_edited(struct app *app, struct rulebook *edited, FILE *out, struct fg_error *error);

/* SIGHUP came: the -c file again. An error goes to standard error. */
void reload_on_signal(struct app *app, FILE *out);

#endif /* RELOAD_H */

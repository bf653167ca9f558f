/* SPDX-License-Identifier: MIT */
/* From the configuration file to an open pipeline, and back. */
#ifndef SETUP_H
#define SETUP_H

#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_node.h>

struct app;
struct fg_table_info;
struct snapshot;
struct fg_rules;
struct rulebook;

/* Names of the sections that app->parts[] has. */
extern const char *const setup_part_names[];

/* Read the file into @app. Opens nothing and needs no EAL. 0 or -errno. */
int setup_read(struct app *app, struct fg_error *error);

/*
 * Check the sections of @root, a file, other than its rules. 0 or -errno. On success
 * @differing gets the names of those that differ from the running configuration.
 */
int setup_compare(const struct app *app, const struct fg_node *root, char *differing, size_t size,
		  struct fg_error *error);

/* Compile a book's rules with the names of @app's sources, sinks and feeds. 0 or -errno. */
int setup_compile(const struct app *app, const struct rulebook *book, struct fg_rules **out,
		  struct fg_error *error);

/* Open event logs, sources and sinks, make the pipeline, publish the rules. 0 or -errno. */
int setup_open(struct app *app, struct fg_error *error);

/* Compile the rules, describe the result in @info, and free it: --check. 0 or -errno. */
int setup_try(struct app *app, struct fg_table_info *info, struct fg_error *error);

/*
 * Close what is open. @final gets what sources lost up to their end: what is left in a socket or a
 * ring is known only then. NULL: not needed. @return packets that never came back to their pools;
 * @error names them.
 */
uint64_t setup_close(struct app *app, struct snapshot *final, struct fg_error *error);

void setup_free(struct app *app);

#endif /* SETUP_H */

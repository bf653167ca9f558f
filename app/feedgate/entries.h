/* SPDX-License-Identifier: MIT */
/* Entries of `sources` and `sinks`. */
#ifndef ENTRIES_H
#define ENTRIES_H

#include <stdint.h>

#include <fg_error.h>
#include <fg_node.h>

struct app;

/* Read one entry into @app. 0; -EINVAL or -ENOMEM with @error set. */
int entries_add_source(struct app *app, const struct fg_node *node, struct fg_error *error);
int entries_add_sink(struct app *app, const struct fg_node *node, struct fg_error *error);

/* Add a source without a file: row 0 of its kind's options is set to @value. */
int entries_make_source(struct app *app, const char *kind, const char *name, const char *value,
			uint16_t n_queues, struct fg_error *error);

/* Free all sources and sinks, which are closed. */
void entries_free(struct app *app);

#endif /* ENTRIES_H */

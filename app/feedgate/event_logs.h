/* SPDX-License-Identifier: MIT */
/* The event logs in use: `events` of the file and of feeds. Equal paths share one log. */
#ifndef EVENT_LOGS_H
#define EVENT_LOGS_H

#include <stdio.h>

#include <fg_error.h>
#include <fg_node.h>

#include "event_log.h"

struct app;
struct snapshot;

/*
 * The log of an `events` value, PATH or {path: PATH}; made if @app has none of that path.
 * Opens nothing. @return 0; -EINVAL or -ENOMEM with @error set.
 */
int event_logs_get(struct app *app, const struct fg_node *node, struct event_log **out,
		   struct fg_error *error);

/* Open all. 0 or -errno with @error set. */
int event_logs_open(struct app *app, struct fg_error *error);

/* Close and free all. */
void event_logs_free(struct app *app);

/* A table: lines written and lost. Nothing if there is no log. */
void report_event_logs(const struct app *app, const struct snapshot *s, FILE *out);

#endif /* EVENT_LOGS_H */

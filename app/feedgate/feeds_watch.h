/* SPDX-License-Identifier: MIT */
/*
 * Events of feeds: control takes them from the arbiters, attributes losses to them, keeps the last
 * ones, logs some, and appends each to its event log.
 */
#ifndef FEEDS_WATCH_H
#define FEEDS_WATCH_H

#include <fg_error.h>

struct app;

/* Begin if any feed tracks its lines; else app->watch stays NULL. 0 or -ENOMEM. */
int feeds_watch_open(struct app *app, struct fg_error *error);

/* Take what is new. Call it several times a second, and once more when lcores have stopped. */
void feeds_watch(struct app *app);

void feeds_watch_free(struct app *app);

#endif /* FEEDS_WATCH_H */

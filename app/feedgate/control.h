/* SPDX-License-Identifier: MIT */
/* The control loop. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stdio.h>

struct app;

/*
 * SIGINT and SIGTERM end the program in order, within 5 s; SIGHUP reloads the rules, once the
 * control loop runs. To be called before anything is opened.
 */
void control_catch_signals(void);

/* Has a signal come that ends the program? */
bool control_ending(void);

/* From an open pipeline to a stopped one; sets app->exit_status. */
void control_run(struct app *app);

/* The commands `start` and `stop`. */
void control_start(struct app *app, FILE *out);
void control_stop(struct app *app, FILE *out);

#endif /* CONTROL_H */

/* SPDX-License-Identifier: MIT */
/* The control loop. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdio.h>

struct app;

/* From an open pipeline to a stopped one; sets app->exit_status. */
void control_run(struct app *app);

/* The commands `start` and `stop`. */
void control_start(struct app *app, FILE *out);
void control_stop(struct app *app, FILE *out);

#endif /* CONTROL_H */

/* SPDX-License-Identifier: MIT */
/* How many packets a sink may hold: a stalled one must not take the mbufs of all others. */
#ifndef BUDGET_H
#define BUDGET_H

#include <fg_error.h>

struct app;

/*
 * Set what the sinks may hold, and their number of lanes. Sources are open, sinks are not. Warns if
 * sinks and feeds together may hold so much that packets run out.
 * 0; -EINVAL: the mbufs of a source leave a sink less than a burst.
 */
int budget_set(struct app *app, struct fg_error *error);

/* Find sinks that stall; they give packets back. A few times a second. */
void budget_watch(struct app *app);

#endif /* BUDGET_H */

/* SPDX-License-Identifier: MIT */
#ifndef REPORT_RULE_H
#define REPORT_RULE_H

#include <stdio.h>

struct app;
struct snapshot;

/* One of the running rules in full. 0, or -1: there is none of that name. */
int report_rule(struct app *app, const struct snapshot *s, const char *name, FILE *out);

#endif /* REPORT_RULE_H */

/* SPDX-License-Identifier: MIT */
/* A rule's subscription in words. */
#ifndef FEEDS_SUBSCRIPTION_H
#define FEEDS_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdio.h>

struct app;
struct fg_rule;

/* Has the rule a feed whose messages can be read? */
bool report_has_protocol(const struct app *app, const struct fg_rule *rule);

/* Messages and instruments that the rule selects; no newline. */
void report_subscription(const struct app *app, const struct fg_rule *rule, FILE *out);

#endif /* FEEDS_SUBSCRIPTION_H */

/* SPDX-License-Identifier: MIT */
#ifndef FEEDS_GAPS_H
#define FEEDS_GAPS_H

#include <stdio.h>

struct app;

/* `show gaps`: the last events of feeds, the newest last. */
void report_gaps(const struct app *app, FILE *out);

#endif /* FEEDS_GAPS_H */

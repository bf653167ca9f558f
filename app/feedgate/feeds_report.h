/* SPDX-License-Identifier: MIT */
/* Tables of feeds. */
#ifndef FEEDS_REPORT_H
#define FEEDS_REPORT_H

#include <stdio.h>

struct app;
struct feed_entry;
struct snapshot;

/* All feeds that have a protocol, a row each. */
void report_feeds(const struct app *app, const struct snapshot *s, FILE *out);

/* One feed in full. 0, or -1: there is none of that name. */
int report_feed(const struct app *app, const struct snapshot *s, const char *name, FILE *out);

/* "name: {protocol: ..., ...}", as `show config` has it; no newline. */
void report_feed_conf(const struct feed_entry *entry, FILE *out);

#endif /* FEEDS_REPORT_H */

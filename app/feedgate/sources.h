/* SPDX-License-Identifier: MIT */
/* Sources for people: kinds, the state of devices, what was received and lost. */
#ifndef SOURCES_H
#define SOURCES_H

#include <stdio.h>

struct app;
struct snapshot;

/* All sources, a row each. */
void report_sources(const struct app *app, const struct snapshot *s, FILE *out);

/* One source in full. 0, or -1: there is none of that name. */
int report_source(const struct app *app, const struct snapshot *s, const char *name, FILE *out);

/* Look at the devices, and log which went away or came back. */
void sources_watch(struct app *app);

/* --list-sources: every kind, and whether this machine supports it. Needs no EAL. */
void sources_list(FILE *out);

#endif /* SOURCES_H */

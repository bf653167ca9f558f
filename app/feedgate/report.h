/* SPDX-License-Identifier: MIT */
/* Tables for people; scripts read --summary instead. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct app;
struct snapshot;

void report_totals(const struct app *app, const struct snapshot *s, FILE *out);
/* @all: also rules that no packet matched, and findings. */
void report_rules(struct app *app, const struct snapshot *s, FILE *out, bool all);
/* @all: also reasons for which no packet was dropped. */
void report_drops(const struct snapshot *s, FILE *out, bool all);
void report_sinks(const struct app *app, const struct snapshot *s, FILE *out);
void report_lcores(const struct app *app, FILE *out);
void report_config(const struct app *app, FILE *out);

/* The tables that end a run. */
void report_all(struct app *app, const struct snapshot *s, FILE *out);
/* One line of progress since the last call. */
void report_progress(const struct app *app, FILE *out);

#endif /* REPORT_H */

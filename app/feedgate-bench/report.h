/* SPDX-License-Identifier: MIT */
/*
 * Parts of `report`: results read from files (report_lines.c), and the page made
 * of them (report_page.c and what it calls). Nothing in a file is trusted: all
 * text goes through put_text().
 */
#ifndef REPORT_H
#define REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fg_error.h>

/* Texts, each once, in the order they first came in. */
struct names {
	json_t *index; /* Text to number. */
	char **texts;
	uint32_t count;
};

/* One result: all but figures are numbers of names. */
struct entry {
	uint32_t bench, metric, unit, in_case, subject;
	double value, min, max;
	uint64_t repeats;
	uint32_t sequence; /* As read. */
	bool lower_wins;   /* Of its metric. */
};

/* What a file says of the machine it comes from. */
struct machine_note {
	char *file;
	json_t *machine;
};

struct results {
	struct names benches, metrics, units, cases, subjects;
	struct entry *entries; /* After results_sort(): by bench, metric, unit, case, best first. */
	uint32_t count;
	uint32_t replaced; /* Given more than once. */
	struct machine_note *machines;
	uint32_t n_machines;
};

/* ---- report_lines.c ---- */

/* Add a file's lines; "-" is standard input. 0, or -errno with @p error set: FILE:LINE: why. */
int results_read(struct results *results, const char *file, struct fg_error *error);

/* Put them in order; of those given more than once the last one stays. */
void results_sort(struct results *results);

/* How many entries from @p first on share bench, metric and unit: what a chart shows. */
uint32_t results_chart(const struct results *results, uint32_t first);

/* How many of @p end there are from @p first on that share the case, too. */
uint32_t results_case(const struct results *results, uint32_t first, uint32_t end);

void results_free(struct results *results);

/* ---- report_metrics.c ---- */

enum better { BETTER_NEITHER, BETTER_LOWER, BETTER_HIGHER };

struct metric_info {
	const char *name;
	const char *title;
	enum better better;
	const char *meaning; /* A sentence or two; may be empty. */
};

/* What is known of a metric; of one nobody told us of, what its name and unit say. */
struct metric_info metric_info(const char *name, const char *unit);

/* What a benchmark does, a sentence; NULL if it is unknown. */
const char *bench_meaning(const char *name);

/* A subject that others are measured against, but that does not do their work. */
bool subject_is_floor(const char *name);

/* ---- report_text.c ---- */

/* Text for XHTML, in an element or an attribute: what would be markup, or is no text, is escaped.
 */
void put_text(FILE *out, const char *text);

/* The same, no longer than @p most characters. */
void put_short_text(FILE *out, const char *text, unsigned int most);

/* Something measured: three digits that count, or a whole number in groups of three. */
void put_figure(FILE *out, double value);

/* Something exact. */
void put_number(FILE *out, double value);

/* "1.25 times" as "1.25&#215;". */
void put_ratio(FILE *out, double ratio);

/* ---- the page ---- */

/* The best of entries [first, first + count) of a case, that is the first but for floors; NULL:
 * none. */
const struct entry *case_best(const struct results *results, uint32_t first, uint32_t count);

/* Which colour a subject has everywhere: 0 .. COLOURS - 1. */
#define COLOURS 10u
uint32_t subject_colour(const struct results *results, uint32_t subject);

/* report_plot.c: bars of one chart. */
void put_plot(FILE *out, const struct results *results, uint32_t first, uint32_t count);

/* Is the chart's scale logarithmic? */
bool plot_is_log(const struct results *results, uint32_t first, uint32_t count);

/* report_table.c: figures of one chart. */
void put_table(FILE *out, const struct results *results, uint32_t first, uint32_t count);

/* report_backends.c: which backend to choose; nothing without results of `capture`. */
void put_backends(FILE *out, const struct results *results);

/* report_page.c: all of it. @p present: the machine that we are on, if no file names one. */
void put_page(FILE *out, const struct results *results, json_t *present);

/* ---- report_machine.c ---- */

/* Describe this machine; NULL: no memory. */
json_t *machine_describe(void);

/* ---- what main.c calls: the exit status ---- */

int report_main(int argc, char **argv);
int machine_main(int argc, char **argv);

#endif /* REPORT_H */

/* SPDX-License-Identifier: MIT */
/*
 * Results on standard output, each as soon as it is known: one JSON object a line, or a table with
 * ratios against a peer. The table shows the rows of a case when the case is over, because a ratio
 * needs the peer's row.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

/* One metric of one subject, over all repeats. */
struct result {
	const char *bench;
	const char *case_name;
	const char *subject; /* "feedgate", a variant of it, or a peer's name. */
	const char *metric;
	const char *unit;
	const char *peer; /* Subject that the table compares with; NULL: no comparison. */
	const double *values;
	uint32_t repeats; /* Number of values, at least 1. */
};

struct output;

/* @return NULL if there is no memory. */
struct output *output_open(bool json);

/* Add a result; everything is copied. JSON is printed at once. 0, or -errno with @p error set. */
int output_add(struct output *out, const struct result *result, struct fg_error *error);

/* The case is over: print its rows of the table. 0, or -errno with @p error set. */
int output_finish_case(struct output *out, struct fg_error *error);

/* NULL is allowed. */
void output_free(struct output *out);

#endif /* OUTPUT_H */

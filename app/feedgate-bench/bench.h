/* SPDX-License-Identifier: MIT */
/* What a benchmark is. main.c has the table of all of them. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_option.h>

struct output;

/* Most --repeats of any benchmark. */
#define REPEATS_MAX 1000u

struct bench {
	const char *name;
	const char *help;                /* One line. */
	const struct fg_option *options; /* Its own; each has a default. Ended by an empty row. */
	size_t conf_bytes;               /* Size of the struct that the rows fill. */

	/*
	 * Measure each subject @p repeats times and add the results to @p out, those of a case as
	 * soon as it is done. If child_interrupted(): add what was measured so far, and return
	 * -EINTR.
	 * @return 0, or -errno with @p error set.
	 */
	int (*run)(const void *conf, uint32_t repeats, struct output *out, struct fg_error *error);
};

extern const struct bench bench_path;
extern const struct bench bench_classify;
extern const struct bench bench_capture;
extern const struct bench bench_feed;
extern const struct bench bench_pipeline;

#endif /* BENCH_H */

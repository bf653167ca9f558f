/* SPDX-License-Identifier: MIT */
/* Compare this build with another one: the same benchmark in both programs, by turns. */
#ifndef BEFORE_H
#define BEFORE_H

#include <stdint.h>

#include <fg_error.h>

struct output;

#define BEFORE_HELP                                                                                \
	"run each case in this older feedgate-bench, too, by turns: subjects named :before, and "  \
	"the ratio of each metric"

struct before {
	const char *bench;
	const char *path;           /* of the other feedgate-bench */
	const char *const *options; /* of both, NULL-terminated */
	const char *const *cases;   /* for --case, NULL-terminated; none: one run without --case */
	uint64_t work_ms;           /* about what one program takes for one case */
};

/*
 * Measure each case @p repeats times in both programs, each time one after the other; which one is
 * first changes. 0, or -errno with @p error set; -EINTR if child_interrupted().
 */
int before_run(const struct before *before, uint32_t repeats, struct output *out,
	       struct fg_error *error);

#endif /* BEFORE_H */

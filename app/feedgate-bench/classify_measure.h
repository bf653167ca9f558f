/* SPDX-License-Identifier: MIT */
/* Building, checking and timing the subjects of `classify`. */
#ifndef CLASSIFY_MEASURE_H
#define CLASSIFY_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "classify_memory.h"
#include "classify_probe.h"
#include "classify_subjects.h"
#include "classify_work.h"

/* A subject in a case, and its results. */
struct measurement {
	struct subject subject;
	bool out; /* It is left out. */
	struct probe probe;
	uint64_t table_bytes;
	double *build_ms; /* [repeats], of which builds are set. */
	uint32_t builds;
	double *ns[INPUTS]; /* [repeats], per packet or key. */
	uint32_t rounds[INPUTS];
};

/* How a case is measured. */
struct measure_conf {
	uint32_t repeats;
	uint64_t pass_ms; /* Minimum duration of a measurement; 0: one pass. */
};

/* Build its table, up to so many repeats, unless it is out. 0, or -errno with @p error set. */
int measurement_build(struct measurement *m, const struct work *work, const struct memory *memory,
		      const struct measure_conf *conf, struct fg_error *error);

/*
 * Check every rule that every subject finds. A key's rule that is not known yet becomes what the
 * first subject finds. 0, or -errno with @p error set.
 */
int measurements_verify(const struct measurement *all, uint32_t count, struct work *work,
			struct fg_error *error);

/*
 * Set ns: each repeat measures all subjects in turn. @p done counts the repeats that are complete.
 * 0, or -errno with @p error set.
 */
int measurements_run(struct measurement *all, uint32_t count, const struct work *work,
		     const struct measure_conf *conf, uint32_t *done, struct fg_error *error);

/* About how many milliseconds measurement_build() and measurements_run() take for one subject. */
uint64_t measure_build_ms(const struct work *work, const struct measure_conf *conf);
uint64_t measure_run_ms(const struct work *work, const struct measure_conf *conf);

/* Make a pass over all packets or keys. @return the sum of the rules. */
uint64_t classify_pass(const struct subject *subject, const struct work *work, enum input input);

/* @return the shortest of a few passes, in ns. */
uint64_t classify_quickest(const struct subject *subject, const struct work *work,
			   enum input input);

#endif /* CLASSIFY_MEASURE_H */

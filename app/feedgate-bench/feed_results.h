/* SPDX-License-Identifier: MIT */
/* A run of `feed`: its options, and what it prints. */
#ifndef FEED_RESULTS_H
#define FEED_RESULTS_H

#include "feed_work.h"

#define SUBJECTS_MAX 6u
#define FEED_FEW     64u /* instruments of a small subscription */

struct output;

struct feed_conf {
	uint64_t packets, l2_packets, dram_packets;
	char *cases;
	char *subject;
	uint64_t pass_ms;
	uint64_t memory; /* enum eal_memory */
	char *before;
};

/* Everything of one run. */
struct run {
	const struct feed_conf *conf;
	struct feed_case feed_case; /* the current one */
	char case_name[48];         /* with the memory */
	uint32_t repeats;
	uint64_t memory; /* enum eal_memory */
	struct feed_ring *ring;
	struct feed_subject subjects[SUBJECTS_MAX];
	uint32_t count;
	uint32_t done; /* repeats */
	double *values;
	struct output *out;
};

/* About how many milliseconds a measurement takes. */
uint64_t run_work_ms(const struct feed_conf *conf);
/* Whether a subject is to be measured, and how many of a case are. */
bool run_is_asked_for(const struct feed_conf *conf, const char *subject);
uint32_t run_subjects(const struct feed_conf *conf, const struct feed_case *feed_case);

/* Print what was measured, also if it was interrupted. 0, or -errno with @p error set. */
int run_print(struct run *run, struct fg_error *error);

/* Each case in turn with the program of conf->before. 0, or -errno with @p error set. */
int feed_before(const struct feed_conf *conf, uint32_t repeats, struct output *out,
		struct fg_error *error);

#endif /* FEED_RESULTS_H */

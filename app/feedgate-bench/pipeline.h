/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the benchmark `pipeline` share.
 *
 *   pipeline.c          cases, measurement, results
 *   pipeline_traffic.c  a capture of feeds on two lines, and what they want as configuration
 *   pipeline_run.c      one pipeline in this process, from the capture to a sink
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#define PIPELINE_FEEDS       96u  /* as many as the US options feed has */
#define PIPELINE_ROUNDS      170u /* packets of each feed and line in the capture */
#define PIPELINE_INSTRUMENTS 64u
#define PIPELINE_NUMBER_AT   52u /* of the sequence number in a frame */

/* How far down the pipeline packets go; each has what stands before it. */
enum pipeline_depth {
	PIPELINE_RX,        /* receive, parse, classify, drop */
	PIPELINE_DELIVER,   /* stamp, dispatch to a sink that counts */
	PIPELINE_ARBITRATE, /* each sequence number once */
	PIPELINE_FILTER,    /* wanted types and instruments */
	PIPELINE_DEPTHS,
};

/* Write the capture to a new file: packets of all feeds, line B behind line A. 0 or -errno. */
int pipeline_capture_write(const char *path, struct fg_error *error);

/* Sequence numbers that a line of any feed goes through in one round of the capture. */
uint64_t pipeline_numbers(void);

/* Lists of feeds and rules as YAML, to be freed; NULL: no memory. */
char *pipeline_feeds_text(void);
char *pipeline_rules_text(enum pipeline_depth depth);

/* Start the EAL, once: a main lcore, and one on each of two CPUs. 0 or -errno. */
int pipeline_eal(struct fg_error *error);

struct pipeline_result {
	double packets_per_s;  /* received */
	double messages_per_s; /* in them */
	uint64_t received, delivered, duplicates, unwanted;
};

/* Run for @run_ms and check the accounts. @workers: 0 or 1. 0 or -errno. */
int pipeline_run(const char *capture, enum pipeline_depth depth, unsigned int workers,
		 uint64_t run_ms, struct pipeline_result *out, struct fg_error *error);

#endif /* PIPELINE_H */

/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the benchmark `house` share.
 *
 *   house.c          cases, measurement, results
 *   house_traffic.c  a capture of feeds on two lines, and what they want as configuration
 *   house_run.c      one pipeline in this process, from the capture to a sink
 */
#ifndef HOUSE_H
#define HOUSE_H

#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#define HOUSE_FEEDS       96u  /* as many as the US options feed has */
#define HOUSE_ROUNDS      170u /* packets of each feed and line in the capture */
#define HOUSE_INSTRUMENTS 64u
#define HOUSE_NUMBER_AT   52u /* of the sequence number in a frame */

/* How far down the house packets go; each has what stands before it. */
enum house_depth {
	HOUSE_RX,        /* receive, parse, classify, drop */
	HOUSE_DELIVER,   /* stamp, dispatch to a sink that counts */
	HOUSE_ARBITRATE, /* each sequence number once */
	HOUSE_CONTENT,   /* wanted types and instruments */
	HOUSE_DEPTHS,
};

/* Write the capture to a new file: packets of all feeds, line B behind line A. 0 or -errno. */
int house_capture_write(const char *path, struct fg_error *error);

/* Sequence numbers that a line of any feed goes through in one round of the capture. */
uint64_t house_numbers(void);

/* Lists of feeds and rules as YAML, to be freed; NULL: no memory. */
char *house_feeds_text(void);
char *house_rules_text(enum house_depth depth);

/* Start the EAL, once: a main lcore, and one on each of two CPUs. 0 or -errno. */
int house_eal(struct fg_error *error);

struct house_result {
	double packets_per_s;  /* received */
	double messages_per_s; /* in them */
	uint64_t received, delivered, duplicates, unwanted;
};

/* Run for @run_ms and check the accounts. @workers: 0 or 1. 0 or -errno. */
int house_run(const char *capture, enum house_depth depth, unsigned int workers, uint64_t run_ms,
	      struct house_result *out, struct fg_error *error);

#endif /* HOUSE_H */

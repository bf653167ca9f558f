/* SPDX-License-Identifier: MIT */
/*
 * Parts of the benchmark `pipeline`:
 *
 *   pipeline.c          measurements and results
 *   pipeline_traffic.c  a capture of feeds on two lines, and the configuration of feeds and rules
 *   pipeline_run.c      one pipeline in this process, from the capture to a sink
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#define PIPELINE_FEEDS       96u  /* as many as the US options feed has channels */
#define PIPELINE_ROUNDS      170u /* packets of each feed and line in the capture */
#define PIPELINE_INSTRUMENTS 64u
#define PIPELINE_NUMBER_AT   52u /* offset of the sequence number in a frame */

/* The last stage that packets reach. Each depth includes the ones before. */
enum pipeline_depth {
	PIPELINE_RX,        /* receive, parse, classify, drop */
	PIPELINE_DELIVER,   /* stamp, deliver to a counting sink */
	PIPELINE_ARBITRATE, /* each sequence number once */
	PIPELINE_FILTER,    /* message types and instruments */
	PIPELINE_DEPTHS,
};

/* Write the capture: packets of all feeds, line B a little later than line A. 0, or -errno with
 * @p error set. */
int pipeline_capture_write(const char *path, struct fg_error *error);

/* Sequence numbers that each feed uses in the capture. */
uint64_t pipeline_numbers(void);

/* Feeds and rules as YAML lists; the caller frees them. NULL: no memory. */
char *pipeline_feeds_text(void);
char *pipeline_rules_text(enum pipeline_depth depth);

/* Start EAL with a main lcore and one lcore on each of two CPUs. To be called once. 0, or
 * -errno with @p error set. */
int pipeline_eal(struct fg_error *error);

struct pipeline_result {
	double packets_per_s;  /* received */
	double messages_per_s; /* in them */
	uint64_t received, delivered, duplicates, unmatched;
};

/*
 * Run for @p run_ms with @p workers (0 or 1) workers and check the accounting. 0, or -errno with
 * @p error set; -EINTR if child_interrupted().
 */
int pipeline_run(const char *capture, enum pipeline_depth depth, unsigned int workers,
		 uint64_t run_ms, struct pipeline_result *out, struct fg_error *error);

#endif /* PIPELINE_H */

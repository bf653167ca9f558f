/* SPDX-License-Identifier: MIT */
/*
 * Parts of the benchmark `pipeline`:
 *
 *   pipeline.c          measurements and results
 *   pipeline_traffic.c  a capture of feeds on two lines, and the configuration of feeds and rules
 *   pipeline_source.c   the capture as a NIC would bring it, again and again
 *   pipeline_run.c      one pipeline in this process, from the capture to a sink
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#define PIPELINE_FEEDS       96u  /* as many as the US options feed has channels */
#define PIPELINE_ROUNDS      170u /* packets of each feed and line in the capture */
#define PIPELINE_INSTRUMENTS 64u
#define PIPELINE_NUMBER_AT   52u /* offset of the sequence number in a frame */
#define PIPELINE_MBUFS       8192u
#define PIPELINE_SOURCES_MAX 2u

/* The last stage that packets reach. Each depth includes the ones before. */
enum pipeline_depth {
	PIPELINE_RX,        /* receive, parse, classify, drop */
	PIPELINE_DELIVER,   /* stamp, deliver to a counting sink */
	PIPELINE_ARBITRATE, /* each sequence number once */
	PIPELINE_FILTER,    /* message types and instruments */
	PIPELINE_DEPTHS,
};

/* What a pipeline has: lcores, and stages. */
struct pipeline_shape {
	enum pipeline_depth depth;
	uint32_t rx;      /* rx lcores; each has a source of its own, with a share of the feeds */
	uint32_t workers; /* 0 or 1 */
};

/* Paths of the captures. */
struct pipeline_captures {
	char whole[300];
	char shares[PIPELINE_SOURCES_MAX][300]; /* feed i is in number i % PIPELINE_SOURCES_MAX */
};

/*
 * Write a capture: packets of feed @p share and each @p shares th one after it, line B a little
 * later than line A. 0, or -errno with @p error set.
 */
int pipeline_capture_write(const char *path, uint32_t share, uint32_t shares,
			   struct fg_error *error);

struct pipeline_packet {
	uint8_t *number_at; /* in its frame */
	uint64_t first;     /* number in the capture */
};

/* A source of a pipeline. */
struct pipeline_source {
	struct fg_source source;
	struct fg_source_ops ops;
	void *conf;
	bool open;
	uint32_t count, position; /* packets of the capture, and of the next packet */
	uint64_t lap;
	uint64_t numbers; /* of each feed in the capture */
	uint64_t polls;
	struct {
		_Atomic uint32_t version; /* odd while the rest is written */
		_Atomic uint64_t packets, cpu_ns;
	} time;                          /* written by the rx lcore, read by control */
	struct pipeline_packet *packets; /* [count] */
};

/* Open it; it has one of @p shares captures. 0, or -errno with @p error set; close it anyway. */
int pipeline_source_open(struct pipeline_source *s, const char *capture, uint32_t shares,
			 struct fg_error *error);
void pipeline_source_close(struct pipeline_source *s);
/* Packets received, and the CPU time of the lcore up to then. Threads: any. */
void pipeline_source_time(struct pipeline_source *s, uint64_t *packets, uint64_t *cpu_ns);

/* Sequence numbers that each feed uses in the capture. */
uint64_t pipeline_numbers(void);

/* Feeds and rules as YAML lists; the caller frees them. NULL: no memory. */
char *pipeline_feeds_text(void);
char *pipeline_rules_text(enum pipeline_depth depth);

/* Start EAL with a main lcore and one lcore on each of two CPUs. To be called once. @p memory is
 * the option's value, and set to what it is. 0, or -errno with @p error set. */
int pipeline_eal(uint64_t *memory, struct fg_error *error);

struct pipeline_result {
	double packets_per_s;  /* received; with one lcore by its CPU time */
	double messages_per_s; /* in them */
	uint64_t received, delivered, duplicates, unmatched;
};

/*
 * Run for @p run_ms and check the accounting. 0, or -errno with @p error set; -EINTR if
 * child_interrupted(); -ENOTSUP: this build cannot have such a pipeline.
 */
int pipeline_run(const struct pipeline_captures *captures, const struct pipeline_shape *shape,
		 uint64_t run_ms, struct pipeline_result *out, struct fg_error *error);

#endif /* PIPELINE_H */

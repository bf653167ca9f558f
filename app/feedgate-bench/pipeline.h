/* SPDX-License-Identifier: MIT */
/*
 * Parts of the benchmark `pipeline`:
 *
 *   pipeline.c          measurements and results
 *   pipeline_traffic.c  packets of feeds on two lines, and the configuration of feeds and rules
 *   pipeline_source.c   these packets as a NIC would bring them, again and again
 *   pipeline_run.c      one pipeline in this process, from the source to a sink
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#define PIPELINE_FEEDS       96u /* as many as the US options feed has channels */
#define PIPELINE_ROUNDS      86u /* packets of each feed and line in a lap */
#define PIPELINE_INSTRUMENTS 64u
#define PIPELINE_NUMBER_AT   52u /* offset of the sequence number in a frame */
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

/* A packet of a source. */
struct pipeline_packet {
	struct rte_mbuf *m;
	uint8_t *number_at; /* the sequence number in its frame */
	uint64_t first;     /* of the first lap */
	uint32_t advance;   /* numbers of its feed in a lap */
	uint16_t bytes;
};

/* Packets of a source that has one of @p shares of the feeds, and packet number @p i of them: the
 * frame is written to its mbuf. Feed f is in share f % shares. */
uint32_t pipeline_packet_count(uint32_t shares);
void pipeline_packet_make(struct pipeline_packet *p, uint32_t i, uint32_t share, uint32_t shares);

/* Messages in a packet, on average. */
double pipeline_messages(void);

/* Feeds and rules as YAML lists; the caller frees them. NULL: no memory. */
char *pipeline_feeds_text(void);
char *pipeline_rules_text(enum pipeline_depth depth);

/* A source of a pipeline, with one queue. */
struct pipeline_source {
	struct fg_source source;
	struct rte_mempool *pool;
	struct pipeline_packet *packets; /* [count] */
	uint32_t count, share, shares, in_flight;
	/* Written by the rx lcore. */
	uint32_t position; /* of the next packet */
	uint64_t lap, received, polls;
	uint64_t may_receive; /* so many, until more are freed */
	struct {
		_Atomic uint32_t version; /* odd while the rest is written */
		_Atomic uint64_t packets, cpu_ns;
	} time; /* written by the rx lcore, read by control */
};

/* Open it, @p s zeroed. 0, or -errno with @p error set; close it anyway. */
int pipeline_source_open(struct pipeline_source *s, uint32_t share, uint32_t shares,
			 struct fg_error *error);
void pipeline_source_close(struct pipeline_source *s);
/* Packets received, and the CPU time of the lcore up to then. Threads: any. */
void pipeline_source_time(struct pipeline_source *s, uint64_t *packets, uint64_t *cpu_ns);

/* Start EAL with a main lcore and one lcore on each of two CPUs. To be called once. @p memory is
 * the option's value, and set to what it is. 0, or -errno with @p error set. */
int pipeline_eal(uint64_t *memory, struct fg_error *error);

struct pipeline_result {
	double packets_per_s;  /* received; without workers by the lcores' CPU time */
	double messages_per_s; /* in them */
	uint64_t received, delivered, duplicates, unmatched;
};

/*
 * Run for @p run_ms and check the accounting. 0, or -errno with @p error set; -EINTR if
 * child_interrupted(); -ENOTSUP: this build cannot have such a pipeline.
 */
int pipeline_run(const struct pipeline_shape *shape, uint64_t run_ms, struct pipeline_result *out,
		 struct fg_error *error);

#endif /* PIPELINE_H */

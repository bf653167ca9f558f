/* SPDX-License-Identifier: MIT */
/* The schedule: draws the kind and channel of each packet by --mix, and its time by --rate. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include "clocks.h"
#include "lines.h"

struct traffic {
	const struct options *options;
	struct line line[LINES_MAX]; /* options->lines of them */
	struct clocks *clocks;
	struct truth *truth;        /* NULL: there is no truth file */
	struct packet packet;       /* the last one of a protocol */
	uint64_t made;              /* packets of protocols */
	void *state[PROTOCOLS_MAX]; /* of each protocol in the mix */
	struct rng rng;
	uint64_t mix_total;
	uint64_t now_ns;
	uint64_t gap_ps;      /* mean */
	uint64_t fraction_ps; /* of now_ns */
	uint32_t burst_left;  /* packets of this burst to come */
	uint64_t burst_ps;    /* duration of this burst so far */
	uint64_t sent;        /* packets of all kinds */
	bool repacked;        /* some line repacks, so packets differ between lines */
	uint64_t lost_on_all[PROTOCOLS_MAX];
};

/* truth may be NULL. 0 or -errno; on error there is nothing to close. */
int traffic_open(struct traffic *t, const struct options *o, struct truth *truth);

/* Write all packets to the files of the lines. 0; or -errno, and *failed is the line that failed.
 */
int traffic_run(struct traffic *t, const struct line **failed);

void traffic_close(struct traffic *t);

#endif /* TRAFFIC_H */

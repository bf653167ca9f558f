/* SPDX-License-Identifier: MIT */
/* What is sent when: draws kinds and channels by the mix, and the pace. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include "clocks.h"
#include "lines.h"

struct traffic {
	const struct options *options;
	struct line line[LINES_MAX]; /* as many as options->lines says */
	struct clocks *clocks;
	struct truth *truth;        /* NULL: none is kept */
	struct packet packet;       /* the last that a protocol made */
	uint64_t made;              /* packets by protocols */
	void *state[PROTOCOLS_MAX]; /* of each protocol that has a share */
	struct rng rng;
	uint64_t mix_total;
	uint64_t now_ns;
	uint64_t gap_ps;      /* mean */
	uint64_t fraction_ps; /* of now_ns */
	uint32_t burst_left;  /* packets to come back to back */
	uint64_t burst_ps;    /* what those of this burst took so far */
	uint64_t sent;        /* packets, feeds and others */
	bool repacked;        /* by some line: then packets are not the same on all */
	uint64_t lost_on_all[PROTOCOLS_MAX];
};

/* truth may be NULL. 0 or -errno. On error nothing is left to close. */
int traffic_open(struct traffic *t, const struct options *o, struct truth *truth);

/* Send all packets to the lines' files. 0; or -errno, and *failed is the line whose file it was. */
int traffic_run(struct traffic *t, const struct line **failed);

void traffic_close(struct traffic *t);

#endif /* TRAFFIC_H */

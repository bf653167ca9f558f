/* SPDX-License-Identifier: MIT */
/* What is sent when: draws kinds and channels by the mix, and the pace. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include "lines.h"

struct traffic {
	const struct options *options;
	struct line line[LINES];
	void *state[FRAMINGS_MAX]; /* of each framing that has a share */
	struct rng rng;
	uint64_t mix_total;
	uint64_t now_ns;
	uint64_t gap_ps;      /* mean */
	uint64_t fraction_ps; /* of now_ns */
	uint64_t sent;        /* packets, feeds and others */
	uint64_t lost_on_all[FRAMINGS_MAX];
};

/* 0 or -errno. On error nothing is left to close. */
int traffic_open(struct traffic *t, const struct options *o);

/* Send all packets to the lines' files. 0; or -errno, and *failed is the line whose file it was. */
int traffic_run(struct traffic *t, const struct line **failed);

void traffic_close(struct traffic *t);

#endif /* TRAFFIC_H */

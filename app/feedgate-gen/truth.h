/* SPDX-License-Identifier: MIT */
/* The truth file: the contents of the captures, one JSON object a line. See feedgate-gen(1). */
#ifndef TRUTH_H
#define TRUTH_H

#include "options.h"

struct truth;

/* Create or truncate path; 0 or -errno. */
int truth_open(const char *path, struct truth **out);

/* Write the options and the addresses of the feeds. */
void truth_begin(struct truth *truth, const struct options *o);

/* Write the messages of a protocol's packet, once for all lines. */
void truth_made(struct truth *truth, const struct protocol *protocol, uint32_t channel,
		const struct packet *p);

struct truth_packet {
	char line;
	uint64_t index; /* in the line's capture */
	uint64_t time_ns;
	const struct protocol *protocol; /* NULL: of no feed */
	uint32_t channel;                /* its index */
	const struct packet_id *id;      /* NULL: of no feed */
	const char *kind;                /* name of its kind, if it is of no feed */
	bool lost, copy, late, repacked;
};

/* Write a packet of a line, or its loss. */
void truth_sent(struct truth *truth, const struct truth_packet *packet);

/* Close. 0; or -errno of a write that failed, and then the file is removed. NULL is allowed. */
int truth_close(struct truth *truth);

#endif /* TRUTH_H */

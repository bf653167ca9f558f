/* SPDX-License-Identifier: MIT */
/*
 * The lines of a feed. All carry the same messages under their own addresses,
 * each with its own delay, its own losses and what else befalls packets, and other
 * traffic besides.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>

#include "noise.h"
#include "options.h"
#include "repack.h"
#include "truth.h"

/* What a packet is: the index of its protocol, or KIND_NOISE and the index of its kind. */
#define KIND_NOISE PROTOCOLS_MAX
#define KINDS_MAX  (PROTOCOLS_MAX + NOISE_KINDS_MAX)

struct line_count {
	uint64_t packets, bytes; /* in the file; bytes as on the wire, without FCS */
	uint64_t lost;           /* packets */
};

/* A feed packet on its way. */
struct line_packet {
	unsigned int protocol;
	uint32_t channel;
	struct packet_id id;
	bool repacked;
};

/* One that others overtake. */
struct line_held {
	uint32_t left; /* of those that overtake it; 0: no packet here */
	struct line_packet what;
	struct frame frame;
};

struct line {
	unsigned int index;
	char letter; /* 'a', 'b' */
	struct capture_file *file;
	struct truth *truth; /* NULL: none is kept */
	struct repack *repack;
	struct line_options o;
	struct rng loss, delay, reorder, duplicate;
	uint32_t burst_ppb; /* of packets that begin a run of losses, of 10^9 */
	bool losing;        /* within such a run */
	int64_t skew_ns;    /* wanders about 0 */
	uint64_t last_ns;
	uint64_t written; /* packets */
	uint64_t copies, late;
	uint16_t ip_id;
	struct frame feed, other; /* feed stays, for noise to copy */
	struct noise noise;
	struct line_held *held; /* LINE_HELD_MAX; NULL: none is ever */
	uint32_t n_held;
	struct line_count counts[KINDS_MAX];
};

/* Name of a kind, NULL if there is none of this number. */
const char *line_kind_name(unsigned int kind);

/* 0 or -ENOMEM; the line is to be closed in any case. */
int line_open(struct line *line, unsigned int index, const struct options *o);
void line_close(struct line *line);

/* Send a protocol's packet; says whether it was lost (never of a line that repacks). 0 or -errno.
 */
int line_send_feed(struct line *line, unsigned int protocol, uint32_t channel, uint64_t now_ns,
		   const struct packet *p, bool *lost);

/* Send the line's next unrelated packet. 0 or -errno. */
int line_send_noise(struct line *line, uint64_t now_ns);

/* Send what is still held back. 0 or -errno. */
int line_flush(struct line *line, uint64_t now_ns);

#endif /* LINES_H */

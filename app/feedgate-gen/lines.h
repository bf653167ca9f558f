/* SPDX-License-Identifier: MIT */
/*
 * The lines of a feed. All carry the same messages, each to its own addresses, with its own delay,
 * loss, reordering and duplicates, and with unrelated traffic.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>

#include "noise.h"
#include "options.h"
#include "repack.h"
#include "truth.h"

/* The kind of a packet: the index of its protocol, or KIND_NOISE + the index in noise_kinds[]. */
#define KIND_NOISE PROTOCOLS_MAX
#define KINDS_MAX  (PROTOCOLS_MAX + NOISE_KINDS_MAX)

struct line_count {
	uint64_t packets, bytes; /* in the file; bytes as on the wire, without FCS */
	uint64_t lost;           /* packets */
};

/* A feed packet that is sent on a line. */
struct line_packet {
	unsigned int protocol;
	uint32_t channel;
	struct packet_id id;
	bool repacked;
};

/* A packet that is held back, so that others overtake it. */
struct line_held {
	uint32_t left; /* packets that have yet to overtake it; 0: no packet is here */
	struct line_packet what;
	struct frame frame;
};

struct line {
	unsigned int index;
	char letter; /* 'a', 'b' */
	struct capture_file *file;
	struct truth *truth; /* NULL: there is no truth file */
	struct repack *repack;
	struct line_options o;
	struct rng loss, delay, reorder, duplicate;
	uint32_t burst_ppb; /* packets that begin a run of losses, of 10^9 */
	bool losing;        /* within such a run */
	int64_t skew_ns;    /* varies around 0 */
	uint64_t last_ns;
	uint64_t written; /* packets */
	uint64_t copies, late;
	uint16_t ip_id;
	struct frame feed, other; /* feed is kept: noise sends copies of it */
	struct noise noise;
	struct line_held *held; /* LINE_HELD_MAX; NULL: the line does not reorder */
	uint32_t n_held;
	struct line_count counts[KINDS_MAX];
};

/* Name of a kind; NULL: there is no such kind. */
const char *line_kind_name(unsigned int kind);

/* 0 or -ENOMEM. The caller closes the line in any case; its address must not change. */
int line_open(struct line *line, unsigned int index, const struct options *o);
void line_close(struct line *line);

/* Send a feed packet. Sets lost if the line lost it, which a line that repacks does not report.
 * 0 or -errno. */
int line_send_feed(struct line *line, unsigned int protocol, uint32_t channel, uint64_t now_ns,
		   const struct packet *p, bool *lost);

/* Send an unrelated packet. 0 or -errno. */
int line_send_noise(struct line *line, uint64_t now_ns);

/* Send all packets that are held back. 0 or -errno. */
int line_flush(struct line *line, uint64_t now_ns);

#endif /* LINES_H */

/* SPDX-License-Identifier: MIT */
/*
 * The two lines of a feed. Both carry the same payloads under their own addresses,
 * each with its own delay and its own losses, and other traffic besides.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>

#include "noise.h"
#include "options.h"

/* What a packet is: the index of its framing, or KIND_NOISE and the index of its kind. */
#define KIND_NOISE FRAMINGS_MAX
#define KINDS_MAX  (FRAMINGS_MAX + NOISE_KINDS_MAX)

struct line_count {
	uint64_t packets, bytes; /* in the file; bytes as on the wire, without FCS */
	uint64_t lost;           /* packets */
};

struct line {
	unsigned int index;
	char letter; /* 'a', 'b' */
	struct capture_file *file;
	uint32_t loss_ppm;
	struct rng loss, delay;
	int64_t skew_ns; /* wanders about 0 */
	uint64_t last_ns;
	uint16_t ip_id;
	struct frame feed, other; /* feed stays, for noise to copy */
	struct noise noise;
	struct line_count counts[KINDS_MAX];
};

/* Name of a kind, NULL if there is none of this number. */
const char *line_kind_name(unsigned int kind);

void line_init(struct line *line, unsigned int index, const struct options *o);

/* Send a framing's payload; says whether it was lost. 0 or -errno. */
int line_send_feed(struct line *line, unsigned int framing, uint32_t channel, uint64_t now_ns,
		   const uint8_t *payload, size_t len, bool *lost);

/* Send the line's next unrelated packet. 0 or -errno. */
int line_send_noise(struct line *line, uint64_t now_ns);

#endif /* LINES_H */

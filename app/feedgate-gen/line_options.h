/* SPDX-License-Identifier: MIT */
/* What a line does to the packets sent on it: options that end in the line's letter. */
#ifndef LINE_OPTIONS_H
#define LINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_HELD_MAX 64u

struct line_options {
	uint32_t loss_ppm;
	uint32_t loss_burst; /* mean packets of a run of losses */
	uint32_t delay_ns;
	uint32_t jitter_ns; /* delay on top, less than this */
	uint32_t reorder_ppm;
	uint32_t reorder_depth; /* most packets that overtake */
	uint32_t duplicate_ppm;
	uint32_t repack; /* 1: other packets, same messages */
};

struct line_option {
	const char *name;  /* followed by -a, -b, ... */
	const char *needs; /* of no use without; NULL: none */
	const char *value; /* for --help; NULL: takes none */
	const char *help;
	size_t off; /* in struct line_options */
	uint32_t min, max;
};

/* Every option, ended by one without a name. */
extern const struct line_option line_options[];
#define LINE_OPTIONS 8u

extern const struct line_options line_defaults;

static inline uint32_t *line_option_field(struct line_options *o, const struct line_option *row)
{
	return (uint32_t *)(void *)((char *)o + row->off);
}

#endif /* LINE_OPTIONS_H */

/* SPDX-License-Identifier: MIT */
/* The options of a line, whose names end in the line's letter: delay, loss, reordering. */
#ifndef LINE_OPTIONS_H
#define LINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_HELD_MAX 64u

struct line_options {
	uint32_t loss_ppm;
	uint32_t loss_burst; /* mean length of a run of losses */
	uint32_t delay_ns;
	uint32_t jitter_ns; /* additional random delay, less than this */
	uint32_t reorder_ppm;
	uint32_t reorder_depth; /* most packets that overtake one */
	uint32_t duplicate_ppm;
	uint32_t repack; /* 1: other packets, same messages */
};

struct line_option {
	const char *name;  /* followed by -a, -b, ... */
	const char *needs; /* another option that it needs; NULL: none */
	const char *value; /* its name in --help; NULL: the option has no value */
	const char *help;
	size_t off; /* in struct line_options */
	uint32_t min, max;
};

/* All options, ended by a row without a name. */
extern const struct line_option line_options[];
#define LINE_OPTIONS 8u

extern const struct line_options line_defaults;

static inline uint32_t *line_option_field(struct line_options *o, const struct line_option *row)
{
	return (uint32_t *)(void *)((char *)o + row->off);
}

#endif /* LINE_OPTIONS_H */

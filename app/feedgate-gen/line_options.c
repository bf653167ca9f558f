/* SPDX-License-Identifier: MIT */
#include "line_options.h"

#include <assert.h>

#define FIELD(name) offsetof(struct line_options, name)

const struct line_options line_defaults = {
	.loss_burst = 1, .delay_ns = 20000, .jitter_ns = 400, .reorder_depth = 3};

const struct line_option line_options[] = {
	{"loss", NULL, "PPM", "lost packets of a million (default 0)", FIELD(loss_ppm), 0, 1000000},
	{"loss-burst", "loss", "N", "mean length of a run of losses (default 1)", FIELD(loss_burst),
	 1, 10000},
	{"delay", NULL, "NS", "delay (default 20000)", FIELD(delay_ns), 0, 1000000000},
	{"jitter", NULL, "NS", "additional random delay below NS (default 400)", FIELD(jitter_ns),
	 1, 1000000000},
	{"reorder", NULL, "PPM", "reordered feed packets of a million (default 0)",
	 FIELD(reorder_ppm), 0, 1000000},
	{"reorder-depth", "reorder", "N", "most packets that overtake one (default 3)",
	 FIELD(reorder_depth), 1, LINE_HELD_MAX},
	{"duplicate", NULL, "PPM", "duplicated feed packets of a million (default 0)",
	 FIELD(duplicate_ppm), 0, 1000000},
	{"repack", NULL, NULL, "put the same messages into other packets", FIELD(repack), 1, 1},
	{0},
};
static_assert(sizeof(line_options) / sizeof(line_options[0]) == LINE_OPTIONS + 1,
	      "LINE_OPTIONS rows");

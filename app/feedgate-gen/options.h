/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture_file.h"
#include "classbench.h"
#include "line_options.h"
#include "protocol.h"

#define NS_PER_S UINT64_C(1000000000)

/* The share of unrelated traffic stands behind those of the protocols. */
#define MIX_OTHER PROTOCOLS_MAX

struct options {
	const char *prefix;
	const char *rules;                      /* NULL: none */
	const struct classbench_family *family; /* NULL: write captures; else these rules */
	const char *trace;                      /* of packets near the rules; NULL: none */
	uint32_t count;                         /* of rules */
	bool edge;                              /* all packets at the rules' corners */
	const char *summary;                    /* NULL: a table on standard output */
	const struct capture_format *format;
	uint64_t seed;
	uint64_t packets; /* per line, before losses */
	uint64_t rate;    /* packets per second, mean */
	uint64_t start_ns;
	uint32_t channels;
	uint32_t instruments;
	uint32_t lines;
	struct line_options line[LINES_MAX];
	uint32_t line_given[LINES_MAX]; /* 1 << the row of each option that was */
	uint32_t burst;                 /* packets back to back; 0: as --rate has it */
	uint64_t reset_after;           /* packets of a channel; 0: never */
	uint64_t heartbeat_ns;          /* 0: none for being silent */
	const char *truth;              /* NULL: none */
	uint32_t mix[PROTOCOLS_MAX + 1];
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* help or version was asked for and printed */
	OPTIONS_USAGE, /* one line on standard error says what is wrong */
};

enum options_result options_read(struct options *o, int argc, char **argv);

/* options_help.c */
void options_help(void);

/* options_check.c: what options demand of one another. Or one line on standard error. */
bool options_check(const struct options *o);

/* Print one line on standard error; false. */
bool options_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many channels of a protocol there are: --channels, or as many as it can have. */
uint32_t options_channels(const struct options *o, const struct protocol *protocol);

#endif /* OPTIONS_H */

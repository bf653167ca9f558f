/* SPDX-License-Identifier: MIT */
/* The options of the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture_file.h"
#include "classbench.h"
#include "line_options.h"
#include "protocol.h"

#define NS_PER_S UINT64_C(1000000000)

/* The index of unrelated traffic in options.mix, after the protocols. */
#define MIX_OTHER PROTOCOLS_MAX

struct options {
	const char *prefix;
	const char *rules;                      /* NULL: none */
	const struct classbench_family *family; /* NULL: write captures; else a rule set */
	const char *trace;                      /* file of packets near the rules; NULL: none */
	uint32_t count;                         /* of rules */
	bool edge;                              /* all packets at the bounds of rules */
	const char *summary;                    /* NULL: print a table */
	const struct capture_format *format;
	uint64_t seed;
	uint64_t packets; /* per line, before losses */
	uint64_t rate;    /* packets per second, mean */
	uint64_t start_ns;
	uint32_t channels;
	uint32_t instruments;
	uint32_t lines;
	struct line_options line[LINES_MAX];
	uint32_t line_given[LINES_MAX]; /* bits: rows of line_options[] that were given */
	uint32_t burst;                 /* packets back to back; 0: no such bursts */
	uint64_t reset_after;           /* packets of a channel; 0: never */
	uint64_t heartbeat_ns;          /* silence before a heartbeat; 0: none */
	const char *truth;              /* NULL: none */
	uint32_t mix[PROTOCOLS_MAX + 1];
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* help or version was printed */
	OPTIONS_USAGE, /* a mistake was reported on standard error */
};

enum options_result options_read(struct options *o, int argc, char **argv);

/* options_help.c */
void options_help(void);

/* options_check.c: do the options fit together? Otherwise it reports a mistake. */
bool options_check(const struct options *o);

/* Report a mistake on standard error; returns false. */
bool options_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The number of channels of a protocol: --channels, or its maximum. */
uint32_t options_channels(const struct options *o, const struct protocol *protocol);

#endif /* OPTIONS_H */

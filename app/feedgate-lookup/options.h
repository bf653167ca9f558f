/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include <fg_error.h>

enum rules_format {
	FORMAT_AUTO,
	FORMAT_YAML,
	FORMAT_CLASSBENCH,
};

struct options {
	const char *rules_path;
	const char *pcap_path;                 /* one of these two */
	const char *trace_path;                /* is set */
	const char *engine, *variant, *budget; /* NULL: as the rules file says */
	const char *source;                    /* NULL: the first */
	const char *line;                      /* NULL: the source's */
	enum rules_format format;
	bool info;
};

/* 0 to go on, 1 if something like --help was served, -EINVAL with @p error. */
int options_read(struct options *options, int argc, char **argv, struct fg_error *error);

#endif /* OPTIONS_H */

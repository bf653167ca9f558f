/* SPDX-License-Identifier: MIT */
/* The options of the command line. */
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
	const char *pcap_path, *trace_path;    /* one of them is set */
	const char *engine, *variant, *budget; /* NULL: those of the rules file */
	const char *source;                    /* NULL: the first */
	const char *line;                      /* NULL: the source's */
	enum rules_format format;
	bool info;
};

/* 0 to go on; 1 if the options only print something, like --help; -EINVAL with @p error set. */
int options_read(struct options *options, int argc, char **argv, struct fg_error *error);

#endif /* OPTIONS_H */

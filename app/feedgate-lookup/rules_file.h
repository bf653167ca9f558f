/* SPDX-License-Identifier: MIT */
/* Rules, from a configuration of feedgate or in the format of ClassBench. */
#ifndef RULES_FILE_H
#define RULES_FILE_H

#include <stdint.h>

#include <fg_classify.h>
#include <fg_config.h>
#include <fg_error.h>
#include <fg_parse.h>
#include <fg_rules.h>

#include "options.h"

/* Names by number; the texts belong to the configuration. */
struct names {
	const char **at;
	uint32_t count, max;
};

struct rules_file {
	struct fg_config *config; /* NULL: ClassBench rules */
	struct names sources, sinks, feeds;
	struct fg_rules *rules;
	struct fg_classify_conf classify;
	struct fg_parse parse; /* with the source and line of the packets */
};

/* Read options->rules_path and apply the other options. The caller zeroes @p file. 0, or -errno
 * with
 * @p error set; rules_file_free() in any case. */
int rules_file_load(struct rules_file *file, const struct options *options, struct fg_error *error);

void rules_file_free(struct rules_file *file);

#endif /* RULES_FILE_H */

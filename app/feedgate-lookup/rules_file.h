/* SPDX-License-Identifier: MIT */
/* The rules, in either language, and what belongs to them. */
#ifndef RULES_FILE_H
#define RULES_FILE_H

#include <stdint.h>

#include <fg_classify.h>
#include <fg_config.h>
#include <fg_error.h>
#include <fg_parse.h>
#include <fg_rules.h>

#include "options.h"

/* Names in the order of their numbers; the texts are the configuration's. */
struct names {
	const char **at;
	uint32_t count, max;
};

struct rules_file {
	struct fg_config *config; /* NULL for ClassBench text */
	struct names sources, sinks, feeds;
	struct fg_rules *rules;
	struct fg_classify_conf classify;
	struct fg_parse parse; /* with the source and line that packets shall come from */
};

/* Read options->rules_path and apply the other options. @p file is zeroed by the caller. */
int rules_file_load(struct rules_file *file, const struct options *options, struct fg_error *error);

/* Also after a failed load. */
void rules_file_free(struct rules_file *file);

#endif /* RULES_FILE_H */

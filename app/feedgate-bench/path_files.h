/* SPDX-License-Identifier: MIT */
/* What `path` feeds its subjects: a folder with a capture and rules. */
#ifndef PATH_FILES_H
#define PATH_FILES_H

#include <stdint.h>

#include <fg_error.h>

#define CAPTURE_PACKETS 1024u
#define MATCH_EVERY     4u /* One packet in so many matches a rule. */

struct path_files {
	char folder[256];
	char capture[300]; /* CAPTURE_PACKETS frames. */
	char rules[300];   /* Of feedgate: a rule a channel, each drops. */
	char summary[300]; /* What feedgate writes when it ends. */
};

/* Make the folder and all in it but the summary. 0, or -errno with @p error set and nothing
 * left behind. */
int path_files_make(struct path_files *files, uint32_t rules, struct fg_error *error);

void path_files_remove(const struct path_files *files);

#endif /* PATH_FILES_H */

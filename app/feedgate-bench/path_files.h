/* SPDX-License-Identifier: MIT */
/* The files of `path`: a folder with a capture and a configuration. */
#ifndef PATH_FILES_H
#define PATH_FILES_H

#include <stdint.h>

#include <fg_error.h>

#define CAPTURE_PACKETS 1024u
#define MATCH_EVERY     4u /* One packet in so many matches a rule. */

struct path_files {
	char folder[256];
	char capture[300]; /* CAPTURE_PACKETS frames. */
	char rules[300];   /* feedgate's configuration: a rule for each group, which drops. */
	char summary[300]; /* feedgate writes it when it ends. */
};

/* Make the folder, the capture and the configuration with @p rules rules. 0, or -errno with @p
 * error set; then nothing is left. */
int path_files_make(struct path_files *files, uint32_t rules, struct fg_error *error);

/* Remove the folder and all files. */
void path_files_remove(const struct path_files *files);

#endif /* PATH_FILES_H */

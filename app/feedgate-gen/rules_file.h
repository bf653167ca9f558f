/* SPDX-License-Identifier: MIT */
/* A feedgate configuration that reads what was made. */
#ifndef RULES_FILE_H
#define RULES_FILE_H

#include "traffic.h"

/* One rule per channel and line. 0; or -errno, and nothing is left of the file. */
int rules_file_write(const char *path, const struct traffic *t);

#endif /* RULES_FILE_H */

/* SPDX-License-Identifier: MIT */
/* A configuration of feedgate that reads the captures. */
#ifndef RULES_FILE_H
#define RULES_FILE_H

#include "traffic.h"

/* Write a rule for each channel and line. 0; or -errno, and then the file is removed. */
int rules_file_write(const char *path, const struct traffic *t);

#endif /* RULES_FILE_H */

/* SPDX-License-Identifier: MIT */
/* The summary: packets and bytes by kind and line. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "traffic.h"

/* Write it as JSON. 0; or -errno, and then the file is removed. */
int summary_write(const char *path, const struct traffic *t);

/* Print a table on standard output; 0 or -errno. */
int summary_print(const struct traffic *t);

#endif /* SUMMARY_H */

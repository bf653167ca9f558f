/* SPDX-License-Identifier: MIT */
/* Packets and bytes by kind and line. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "traffic.h"

/* As JSON; 0 or -errno, and then nothing is left of the file. */
int summary_write(const char *path, const struct traffic *t);

/* As a table on standard output; 0 or -errno. */
int summary_print(const struct traffic *t);

#endif /* SUMMARY_H */

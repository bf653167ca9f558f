/* SPDX-License-Identifier: MIT */
/* --list-protocols: the built-in protocols. */
#ifndef FEEDGATE_PROTOCOLS_H
#define FEEDGATE_PROTOCOLS_H

#include <stdio.h>

/* Print a line for each protocol: its name first. */
void protocols_list(FILE *out);

#endif /* FEEDGATE_PROTOCOLS_H */

/* SPDX-License-Identifier: MIT */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdio.h>

#include <fg_error.h>

struct app;

/*
 * `explain TEXT`: print which of the running rules wins a packet, and why. @text describes the
 * packet, by fields or as packet N of a capture file. 0 or -errno with @error set.
 */
int explain(const struct app *app, const char *text, FILE *out, struct fg_error *error);

#endif /* EXPLAIN_H */

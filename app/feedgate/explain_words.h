/* SPDX-License-Identifier: MIT */
/* Print keys and entries of rules as text; no newline. */
#ifndef EXPLAIN_WORDS_H
#define EXPLAIN_WORDS_H

#include <stdio.h>

struct app;
struct fg_key;
struct fg_match;

void explain_print_key(const struct app *app, const struct fg_key *key, FILE *out);
/* As the `match` that compiles to this one entry. */
void explain_print_entry(const struct app *app, const struct fg_match *match, FILE *out);

#endif /* EXPLAIN_WORDS_H */

/* SPDX-License-Identifier: MIT */
#ifndef EDIT_H
#define EDIT_H

#include <stdio.h>

#include <fg_error.h>

#include "rulebook.h"

struct app;

/* `rules add`: @text is `RULE [WHERE]`. Returns and prints as the functions of reload.h. */
int edit_add(struct app *app, const char *text, FILE *out, struct fg_error *error);

/* PLACE_... of "first", "last", "before", "after". */
enum rulebook_where place_named(const char *word);

#endif /* EDIT_H */

/* SPDX-License-Identifier: MIT */
/* `rules add`: a rule's text, and where it goes. */
#ifndef EDIT_H
#define EDIT_H

#include "app.h"

/* Add the rule of `RULE [WHERE]`. As the functions of reload.c. */
int edit_add(struct app *app, const char *text, FILE *out, struct fg_error *error);

/* PLACE_... of "first", "last", "before", "after". */
enum rulebook_where place_named(const char *word);

#endif /* EDIT_H */

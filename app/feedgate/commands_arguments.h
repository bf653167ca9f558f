/* SPDX-License-Identifier: MIT */
/* What commands can have as arguments. */
#ifndef COMMANDS_ARGUMENTS_H
#define COMMANDS_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

struct app;

enum command_argument_kind {
	ARGUMENT_WORD,   /* ends at a blank or at '#' */
	ARGUMENT_NAME,   /* the same, but '#' is part of it; one of a list for TAB */
	ARGUMENT_REST,   /* the rest of the line, blanks included */
	ARGUMENT_FIELDS, /* the rest of the line; TAB completes names of fields */
};

struct command_argument {
	const char *name;  /* in the rows of commands */
	const char *shown; /* to people */
	const char *help;
	enum command_argument_kind kind;
	/* ARGUMENT_NAME: which names there are. */
	uint32_t (*count)(const struct app *app);
	const char *(*get)(const struct app *app, uint32_t index);
};

/* The row called @name, of @length characters, or NULL. */
const struct command_argument *command_argument_find(const char *name, size_t length);

#endif /* COMMANDS_ARGUMENTS_H */

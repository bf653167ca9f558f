/* SPDX-License-Identifier: MIT */
/*
 * The console's commands. Each is a row and a function; the parser, TAB completion and `help` are
 * made of the rows. To add a command, add a row to commands_general[], commands_show[],
 * commands_port[] or commands_rules[], and write the function beside it.
 *
 * Commands run on the control thread.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <cmdline_parse.h>
#include <stdbool.h>
#include <stdio.h>

#include <fg_error.h>

#define COMMAND_ARGUMENTS_MAX 3u

struct app;
struct snapshot;

/* What was typed, for the function of a row. */
struct command_input {
	struct app *app;
	FILE *out; /* what a command prints goes here */
	/* In the row's order; NULL: an optional one was not given. */
	const char *arguments[COMMAND_ARGUMENTS_MAX];
	struct snapshot *snapshot; /* use command_snapshot() */
	bool has_snapshot;
};

struct command {
	const char *words; /* "show rule"; "help|?": one of these */
	/*
	 * Separated by blanks; NULL: none. Lower case is typed as it stands (first|last: one of
	 * these), upper case is a row of command_arguments[]. The last one may be optional: [PATH].
	 */
	const char *arguments;
	const char *help; /* one line or several */
	void (*run)(struct command_input *input);
};

/* The rows, file by file; each array ends with a row without words. */
extern const struct command commands_general[]; /* commands_general.c */
extern const struct command commands_show[];    /* commands_show.c */
extern const struct command commands_port[];    /* commands_port.c */
extern const struct command commands_rules[];   /* commands_rules.c */

/* All rows: an array of the arrays above, NULL at its end. */
extern const struct command *const commands[];

/*
 * Make librte_cmdline's table of the rows.
 * @return it, to be freed by commands_free(); NULL: out of memory.
 */
cmdline_parse_ctx_t *commands_new(struct app *app);
void commands_free(void);

/*
 * What is wrong with @line, which is no command: the first word that is not known there, and what
 * is possible in its place.
 */
void command_explain(const char *line, char *text, size_t size);

/* "show rule NAME": how a row is shown to people. */
#define COMMAND_USAGE_BYTES 64u
const char *command_usage(const struct command *command, char text[COMMAND_USAGE_BYTES]);

/*
 * The counters since `clear stats`; taken once for each command typed, and freed after it. NULL:
 * out of memory, which was printed.
 */
const struct snapshot *command_snapshot(struct command_input *input);

/* Print an error as the result of a command. */
void command_error(const struct command_input *input, const struct fg_error *error);

#endif /* COMMANDS_H */

/* SPDX-License-Identifier: MIT */
/* What the console's command files share. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <cmdline_parse.h>
#include <stddef.h>

#include "app.h"

/* Every command parses into this: fixed words, then at most one argument. */
struct command {
	char words[3][32];
	char argument[512];
	char other[FG_NAME_BYTES_MAX + 1]; /* a second rule's name */
	const char *text;                  /* the rest of the line, up to its end */
};

/* librte_cmdline's tables are static, so the application is reached through here. */
extern struct app *command_app;

FILE *command_out(void);
void command_error(const struct fg_error *error);
void command_snapshot(struct snapshot *s);

/*
 * The rest of a line, as typed, with no end that a terminal may have cut off.
 * It lies in @p copy. NULL: it is too long, and that was said.
 */
#define COMMAND_TEXT_BYTES 8192u
const char *command_text(const char *rest, char *copy);

/*
 * commands_names.c: a token that is the name of something, and completes.
 * Which names there are is asked when it is needed.
 */
struct command_token_name {
	cmdline_parse_token_hdr_t hdr;
	const char *what; /* "rule", "source", ... */
	uint32_t (*count)(void);
	const char *(*name)(uint32_t index);
};
extern struct cmdline_token_ops command_name_ops;
#define COMMAND_TOKEN_NAME(field, thing, counts, names)                                            \
	{                                                                                          \
		.hdr = {.ops = &command_name_ops, .offset = offsetof(struct command, field)},      \
		.what = (thing), .count = (counts), .name = (names),                               \
	}

/* Length of the word at @p text; # is no comment here. */
size_t command_word(const char *text);

/* commands_source.c */
extern cmdline_parse_inst_t command_show_source;
/* commands_feeds.c */
extern cmdline_parse_inst_t command_show_feed;
/* commands_port.c */
extern cmdline_parse_inst_t command_show_port, command_clear_port;
/* commands_rules.c */
extern cmdline_parse_inst_t command_show_rule, command_reload, command_reload_file, command_add,
	command_delete, command_move, command_move_beside, command_save;
/* commands_explain.c */
extern cmdline_parse_inst_t command_explain;

#endif /* COMMANDS_H */

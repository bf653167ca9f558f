/* SPDX-License-Identifier: MIT */
/* The words of a command's row as tokens of librte_cmdline. */
#ifndef COMMANDS_TOKENS_H
#define COMMANDS_TOKENS_H

#include <cmdline_parse.h>
#include <stdbool.h>
#include <stddef.h>

#define TOKEN_BYTES_MAX 511u

struct app;

/* "show", "first|last", "RULE". */
struct token {
	cmdline_parse_token_hdr_t hdr; /* first: librte_cmdline has no other pointer to a token */
	const struct app *app;
	const char *text; /* in the row */
	size_t length;
	const struct command_argument *argument; /* NULL: one of the words in text */
	bool repeated; /* TAB does not show it: another row has it, after the same words */
};

/*
 * Make a token of @text, @length characters. It stores what was typed at @offset of the result: a
 * text of up to TOKEN_BYTES_MAX, or if token_is_rest() a pointer to the rest of the line.
 */
void token_make(const struct app *app, const char *text, size_t length, size_t offset,
		struct token *token);

/* Does it take the rest of the line? */
bool token_is_rest(const struct token *token);

#endif /* COMMANDS_TOKENS_H */

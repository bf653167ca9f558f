/* SPDX-License-Identifier: MIT */
/* Tokens that are names of what there is: rules, sources, feeds. */
#include <cmdline_parse.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

static int parse(cmdline_parse_token_hdr_t *token, const char *text, void *result,
		 unsigned int size)
{
	const size_t length = command_word(text);

	(void)token;
	if (length == 0 || length > FG_NAME_BYTES_MAX)
		return -1;
	if (result != NULL) {
		if (size <= length)
			return -1;
		memcpy(result, text, length);
		((char *)result)[length] = '\0';
	}
	return (int)length;
}

/* The header is a token's first member. */
static const struct command_token_name *token_of(const cmdline_parse_token_hdr_t *hdr)
{
	return (const struct command_token_name *)hdr;
}

static int count(cmdline_parse_token_hdr_t *hdr)
{
	return (int)token_of(hdr)->count();
}

static int complete(cmdline_parse_token_hdr_t *hdr, int index, char *text, unsigned int size)
{
	const struct command_token_name *token = token_of(hdr);

	if (index < 0 || (uint32_t)index >= token->count())
		return -1;
	return snprintf(text, size, "%s", token->name((uint32_t)index)) < (int)size ? 0 : -1;
}

static int help(cmdline_parse_token_hdr_t *hdr, char *text, unsigned int size)
{
	snprintf(text, size, "name of a %s", token_of(hdr)->what);
	return 0;
}

struct cmdline_token_ops command_name_ops = {
	.parse = parse,
	.complete_get_nb = count,
	.complete_get_elt = complete,
	.get_help = help,
};

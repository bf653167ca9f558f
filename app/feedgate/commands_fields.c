/* SPDX-License-Identifier: MIT */
#include "commands_fields.h"

#include <stdio.h>
#include <string.h>

#include "explain_fields.h"

/* librte_cmdline requests one token after the other while it parses the line. */
static struct {
	unsigned int values; /* words before the next field's name */
	bool ended;          /* the line has no more words */
} walk;

static int parse(cmdline_parse_token_hdr_t *token, const char *text, void *result,
		 unsigned int size)
{
	const size_t length = strcspn(text, " \t\r\n");
	char name[16] = "";

	(void)token;
	if (length == 0)
		return -1;
	if (length < sizeof(name))
		memcpy(name, text, length);
	if (walk.values > 0)
		walk.values--;
	else if (memchr(text, '=', length) == NULL)
		walk.values = explain_field_values(name);
	if (result != NULL && size >= sizeof(text) && *(const char **)result == NULL)
		memcpy(result, &text, sizeof(text));
	text += length;
	text += strspn(text, " \t");
	walk.ended = *text == '\n' || *text == '\r';
	return (int)length;
}

/* Values do not complete. */
static int count(cmdline_parse_token_hdr_t *token)
{
	int n = 0;

	(void)token;
	while (walk.values == 0 && explain_field_name((unsigned int)n) != NULL)
		n++;
	return n;
}

static int complete(cmdline_parse_token_hdr_t *token, int index, char *text, unsigned int size)
{
	(void)token;
	return snprintf(text, size, "%s", explain_field_name((unsigned int)index)) < (int)size ? 0
											       : -1;
}

static int help(cmdline_parse_token_hdr_t *token, char *text, unsigned int size)
{
	(void)token;
	snprintf(text, size, "%s", walk.values > 0 ? "value" : "field");
	return 0;
}

static struct cmdline_token_ops ops = {
	.parse = parse,
	.complete_get_nb = count,
	.complete_get_elt = complete,
	.get_help = help,
};

void command_fields_begin(void)
{
	walk.values = 0;
	walk.ended = false; /* There must be one word at least. */
}

cmdline_parse_token_hdr_t *command_fields_next(size_t offset)
{
	static cmdline_parse_token_hdr_t token = {.ops = &ops};

	token.offset = (unsigned int)offset;
	return walk.ended ? NULL : &token;
}

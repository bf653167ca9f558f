/* SPDX-License-Identifier: MIT */
/* explain: its words, so that TAB can name them, and its run. */
#include <cmdline.h>
#include <cmdline_parse.h>
#include <string.h>

#include "commands.h"
#include "explain.h"

/*
 * The command has as many words as the line has. librte_cmdline asks for one
 * token after the other while it walks along the line, so what the walk has
 * seen is kept here.
 */
static struct {
	unsigned int values; /* words that come before the next field's name */
	bool ended;          /* the line has */
} walk;

struct explain_command {
	char first[32];
	const char *text;
};

static int first_parse(cmdline_parse_token_hdr_t *token, const char *text, void *result,
		       unsigned int size)
{
	static const char word[] = "explain";
	const size_t length = command_word(text);

	(void)token;
	(void)result;
	(void)size;
	walk.values = 0;
	walk.ended = false; /* `explain` alone is no command */
	return length == sizeof(word) - 1 && memcmp(text, word, length) == 0 ? (int)length : -1;
}

static int first_count(cmdline_parse_token_hdr_t *token)
{
	(void)token;
	return 1;
}

static int first_complete(cmdline_parse_token_hdr_t *token, int index, char *text,
			  unsigned int size)
{
	(void)token;
	(void)index;
	return snprintf(text, size, "explain") < (int)size ? 0 : -1;
}

static int first_help(cmdline_parse_token_hdr_t *token, char *text, unsigned int size)
{
	(void)token;
	snprintf(text, size, "which rule wins a packet");
	return 0;
}

static int word_parse(cmdline_parse_token_hdr_t *token, const char *text, void *result,
		      unsigned int size)
{
	const size_t length = command_word(text);
	char name[16] = "";

	(void)token;
	if (length < sizeof(name))
		memcpy(name, text, length);
	if (walk.values > 0)
		walk.values--;
	else if (memchr(text, '=', length) == NULL)
		walk.values = explain_field_values(name);
	/* The words lie side by side: the first one's place says where all are. */
	if (result != NULL && size >= sizeof(text) && *(const char **)result == NULL)
		memcpy(result, &text, sizeof(text));
	text += length;
	text += strspn(text, " \t");
	walk.ended = *text == '\n' || *text == '\r';
	return (int)length;
}

static int word_count(cmdline_parse_token_hdr_t *token)
{
	int n = 0;

	(void)token;
	while (walk.values == 0 && explain_field_name((unsigned int)n) != NULL)
		n++;
	return n;
}

static int word_complete(cmdline_parse_token_hdr_t *token, int index, char *text, unsigned int size)
{
	(void)token;
	return snprintf(text, size, "%s", explain_field_name((unsigned int)index)) < (int)size ? 0
											       : -1;
}

static int word_help(cmdline_parse_token_hdr_t *token, char *text, unsigned int size)
{
	(void)token;
	snprintf(text, size, "%s", walk.values > 0 ? "value" : "field");
	return 0;
}

static struct cmdline_token_ops first_ops = {
	.parse = first_parse,
	.complete_get_nb = first_count,
	.complete_get_elt = first_complete,
	.get_help = first_help,
};
static struct cmdline_token_ops word_ops = {
	.parse = word_parse,
	.complete_get_nb = word_count,
	.complete_get_elt = word_complete,
	.get_help = word_help,
};
static cmdline_parse_token_hdr_t token_first = {
	.ops = &first_ops,
	.offset = offsetof(struct explain_command, first),
};
static cmdline_parse_token_hdr_t token_word = {
	.ops = &word_ops,
	.offset = offsetof(struct explain_command, text),
};

static void run(const char *rest)
{
	char copy[COMMAND_TEXT_BYTES];
	const char *text = command_text(rest, copy);
	struct fg_error error = {0};

	if (text != NULL && explain(command_app, text, command_out(), &error) != 0)
		command_error(&error);
}

/* Called without a command line, it is to say which token stands at @p data. */
static void run_explain(void *parsed, struct cmdline *cl, void *data)
{
	const bool first = data == (void *)&command_explain.tokens[0];

	if (cl != NULL)
		run(((const struct explain_command *)parsed)->text);
	else if (first)
		*(cmdline_parse_token_hdr_t **)parsed = &token_first;
	else
		*(cmdline_parse_token_hdr_t **)parsed = walk.ended ? NULL : &token_word;
}

cmdline_parse_inst_t command_explain = {
	.f = run_explain,
	.help_str = "explain FIELD VALUE ... | pcap FILE N",
	.tokens = {NULL},
};

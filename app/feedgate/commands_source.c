/* SPDX-License-Identifier: MIT */
/* show source NAME */
#include <cmdline_parse_string.h>
#include <stdio.h>

#include "commands.h"

static int name_count(cmdline_parse_token_hdr_t *token)
{
	(void)token;
	return (int)command_app->n_sources;
}

static int name_complete(cmdline_parse_token_hdr_t *token, int index, char *text, unsigned int size)
{
	(void)token;
	if (index < 0 || (uint32_t)index >= command_app->n_sources)
		return -1;
	return snprintf(text, size, "%s", command_app->sources[index]->name) < (int)size ? 0 : -1;
}

static int name_help(cmdline_parse_token_hdr_t *token, char *text, unsigned int size)
{
	(void)token;
	snprintf(text, size, "name of a source");
	return 0;
}

static struct cmdline_token_ops name_ops = {
	.parse = command_name_parse,
	.complete_get_nb = name_count,
	.complete_get_elt = name_complete,
	.get_help = name_help,
};
static cmdline_parse_token_hdr_t token_name = {
	.ops = &name_ops,
	.offset = offsetof(struct command, argument),
};

static void run(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	struct snapshot now;

	(void)cl;
	(void)data;
	command_snapshot(&now);
	if (report_source(command_app, &now, command->argument, command_out()) != 0)
		fprintf(command_out(), "no source is called '%s'\n", command->argument);
	snapshot_free(&now);
}

static cmdline_parse_token_string_t token_show =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "show");
static cmdline_parse_token_string_t token_source =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "source");
cmdline_parse_inst_t command_show_source = {
	.f = run,
	.help_str = "show source NAME",
	.tokens = {(void *)&token_show, (void *)&token_source, (void *)&token_name, NULL},
};

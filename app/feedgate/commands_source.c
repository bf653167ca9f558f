/* SPDX-License-Identifier: MIT */
/* show source NAME */
#include <cmdline_parse_string.h>
#include <stdio.h>

#include "commands.h"

static uint32_t source_count(void)
{
	return command_app->n_sources;
}

static const char *source_name(uint32_t index)
{
	return command_app->sources[index]->name;
}

static struct command_token_name token_name =
	COMMAND_TOKEN_NAME(argument, "source", source_count, source_name);

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

/* SPDX-License-Identifier: MIT */
/* show feed NAME */
#include <cmdline_parse_string.h>
#include <stdio.h>

#include "commands.h"

static uint32_t feed_count(void)
{
	return command_app->n_feeds;
}

static const char *feed_name(uint32_t index)
{
	return command_app->feeds[index]->conf.name;
}

static struct command_token_name token_name =
	COMMAND_TOKEN_NAME(argument, "feed", feed_count, feed_name);

static void run(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	struct snapshot now;

	(void)cl;
	(void)data;
	feeds_watch(command_app);
	command_snapshot(&now);
	if (report_feed(command_app, &now, command->argument, command_out()) != 0)
		fprintf(command_out(), "no feed is called '%s'\n", command->argument);
	snapshot_free(&now);
}

static cmdline_parse_token_string_t token_show =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "show");
static cmdline_parse_token_string_t token_feed =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "feed");
cmdline_parse_inst_t command_show_feed = {
	.f = run,
	.help_str = "show feed NAME",
	.tokens = {(void *)&token_show, (void *)&token_feed, (void *)&token_name, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Commands that start, stop and end, and that are about the console itself. */
#include <string.h>

#include <fg_console.h>

#include "app.h"
#include "commands.h"
#include "control.h"
#include "snapshot.h"

#define HELP_COLUMN 36

static void start(struct command_input *input)
{
	control_start(input->app, input->out);
}

static void stop(struct command_input *input)
{
	control_stop(input->app, input->out);
}

static void quit(struct command_input *input)
{
	fg_console_quit(input->app->console);
}

static void load(struct command_input *input)
{
	struct fg_error error = {0};

	if (fg_console_load(input->app->console, input->arguments[0], false, &error) != 0)
		command_error(input, &error);
}

/* Lcores own their counters: remember what they are, to be subtracted from now on. */
static void clear_stats(struct command_input *input)
{
	struct snapshot now;

	if (snapshot_take(input->app, &now) != 0) {
		fputs("out of memory: not cleared\n", input->out);
		return;
	}
	snapshot_free(&input->app->cleared);
	input->app->cleared = now;
	fputs("cleared\n", input->out);
}

/* One row; lines of its help after the first are indented as that is. */
static void print_help(const struct command *command, FILE *out)
{
	char usage[COMMAND_USAGE_BYTES];
	const char *line = command->help;

	fprintf(out, "%-*s", HELP_COLUMN, command_usage(command, usage));
	while (line != NULL) {
		const size_t length = strcspn(line, "\n");

		fprintf(out, "%.*s\n", (int)length, line);
		line = line[length] == '\n' ? line + length + 1 : NULL;
		if (line != NULL)
			fprintf(out, "%*s", HELP_COLUMN, "");
	}
}

static void help(struct command_input *input)
{
	for (unsigned int i = 0; commands[i] != NULL; i++)
		for (const struct command *c = commands[i]; c->words != NULL; c++)
			print_help(c, input->out);
}

const struct command commands_general[] = {
	{"help|?", NULL, "this list; TAB completes", help},
	{"start", NULL, "poll the sources, deliver packets", start},
	{"stop", NULL, "stop polling, drain, show totals", stop},
	{"quit|exit", NULL, "stop, and end feedgate", quit},
	{"load", "FILE", "run the commands in a file", load},
	{"clear stats", NULL, "count from zero again", clear_stats},
	{0},
};

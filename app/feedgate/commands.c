/* SPDX-License-Identifier: MIT */
/* The console's commands, in testpmd's manner. All run on the control thread. */
#include "commands.h"

#include <cmdline.h>
#include <cmdline_parse.h>
#include <cmdline_parse_string.h>
#include <errno.h>
#include <string.h>

struct app *command_app;

FILE *command_out(void)
{
	return fg_console_out(command_app->console);
}

void command_error(const struct fg_error *error)
{
	fprintf(command_out(), "%s\n", error->text);
}

/* What happened since `clear stats`. */
void command_snapshot(struct snapshot *s)
{
	snapshot_take(command_app, s);
	snapshot_subtract(s, &command_app->cleared);
}

static cmdline_parse_token_string_t token_show =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "show");
static cmdline_parse_token_string_t token_rule =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "rule");
static cmdline_parse_token_string_t token_stats =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "stats");
static cmdline_parse_token_string_t token_clear =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "clear");
static cmdline_parse_token_string_t token_file =
	TOKEN_STRING_INITIALIZER(struct command, argument, NULL);

/* start, stop, quit, help: one word. */

static void run_simple(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;

	(void)cl;
	(void)data;
	if (strcmp(command->words[0], "start") == 0)
		control_start(command_app, command_out());
	else if (strcmp(command->words[0], "stop") == 0)
		control_stop(command_app, command_out());
	else
		fg_console_quit(command_app->console);
}

static cmdline_parse_token_string_t token_simple =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "start#stop#quit");
static cmdline_parse_inst_t command_simple = {
	.f = run_simple,
	.help_str = "start | stop | quit",
	.tokens = {(void *)&token_simple, NULL},
};

static void run_help(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)cl;
	(void)data;
	fputs("start                              poll the sources, deliver\n"
	      "stop                               stop, drain, show totals\n"
	      "quit                               stop, drain, show totals, end\n"
	      "load FILE                          run commands from a file\n"
	      "show stats                         received, delivered, dropped\n"
	      "show sources                       per source: received and lost\n"
	      "show rules                         every rule: packets, bytes, action\n"
	      "show rule NAME                     one rule in full\n"
	      "show drops                         every reason and its packets\n"
	      "show sinks                         per sink: delivered and dropped\n"
	      "show lcores                        who polls what, how busy\n"
	      "show config                        settings in force\n"
	      "show port info|stats|xstats N|all  DPDK's view of a port\n"
	      "clear stats                        count from here\n"
	      "clear port stats|xstats N|all      clear a port's own counters\n"
	      "help                               this list; TAB completes\n",
	      command_out());
}

static cmdline_parse_token_string_t token_help =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "help#?");
static cmdline_parse_inst_t command_help = {
	.f = run_help,
	.help_str = "help",
	.tokens = {(void *)&token_help, NULL},
};

/* load FILE */

static void run_load(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	struct fg_error error = {0};

	(void)cl;
	(void)data;
	if (fg_console_load(command_app->console, command->argument, false, &error) != 0)
		command_error(&error);
}

static cmdline_parse_token_string_t token_load =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "load");
static cmdline_parse_inst_t command_load = {
	.f = run_load,
	.help_str = "load FILE",
	.tokens = {(void *)&token_load, (void *)&token_file, NULL},
};

/* show stats|... */

static void run_show(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	const char *what = command->words[1];
	FILE *out = command_out();
	struct snapshot now;

	(void)cl;
	(void)data;
	command_snapshot(&now);
	if (strcmp(what, "stats") == 0)
		report_totals(command_app, &now, out);
	else if (strcmp(what, "sources") == 0)
		report_sources(command_app, &now, out);
	else if (strcmp(what, "rules") == 0)
		report_rules(command_app, &now, out, true);
	else if (strcmp(what, "drops") == 0)
		report_drops(&now, out, true);
	else if (strcmp(what, "sinks") == 0)
		report_sinks(command_app, &now, out);
	else if (strcmp(what, "lcores") == 0)
		report_lcores(command_app, out);
	else
		report_config(command_app, out);
	snapshot_free(&now);
}

static cmdline_parse_token_string_t token_show_what = TOKEN_STRING_INITIALIZER(
	struct command, words[1], "stats#sources#rules#drops#sinks#lcores#config");
static cmdline_parse_inst_t command_show = {
	.f = run_show,
	.help_str = "show stats|sources|rules|drops|sinks|lcores|config",
	.tokens = {(void *)&token_show, (void *)&token_show_what, NULL},
};

/* show rule NAME: names complete, too. */

static const struct fg_rules *rules(void)
{
	return fg_pipeline_rules(command_app->pipeline);
}

static int rule_name_parse(cmdline_parse_token_hdr_t *token, const char *text, void *result,
			   unsigned int size)
{
	size_t length = 0;

	(void)token;
	while (!cmdline_isendoftoken(text[length]))
		length++;
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

static int rule_name_count(cmdline_parse_token_hdr_t *token)
{
	(void)token;
	return (int)rules()->count;
}

static int rule_name_complete(cmdline_parse_token_hdr_t *token, int index, char *text,
			      unsigned int size)
{
	(void)token;
	if (index < 0 || (uint32_t)index >= rules()->count)
		return -1;
	return snprintf(text, size, "%s", rules()->rules[index + 1].name) < (int)size ? 0 : -1;
}

static int rule_name_help(cmdline_parse_token_hdr_t *token, char *text, unsigned int size)
{
	(void)token;
	snprintf(text, size, "name of a rule");
	return 0;
}

static struct cmdline_token_ops rule_name_ops = {
	.parse = rule_name_parse,
	.complete_get_nb = rule_name_count,
	.complete_get_elt = rule_name_complete,
	.get_help = rule_name_help,
};

static void run_show_rule(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;

	(void)cl;
	(void)data;
	for (uint32_t i = 0; i <= rules()->count; i++)
		if (strcmp(rules()->rules[i].name, command->argument) == 0) {
			command_show_one_rule(&rules()->rules[i], i);
			return;
		}
	fprintf(command_out(), "no rule is called '%s'\n", command->argument);
}

static cmdline_parse_token_hdr_t token_rule_name = {
	.ops = &rule_name_ops,
	.offset = offsetof(struct command, argument),
};
static cmdline_parse_inst_t command_show_rule = {
	.f = run_show_rule,
	.help_str = "show rule NAME",
	.tokens = {(void *)&token_show, (void *)&token_rule, (void *)&token_rule_name, NULL},
};

void command_show_one_rule(const struct fg_rule *rule, uint32_t number)
{
	FILE *out = command_out();
	struct snapshot now;
	const struct fg_rule_totals *totals;

	command_snapshot(&now);
	totals = &now.rules[rule->id];
	fprintf(out, "rule %s, number %u of %u", rule->name, number, rules()->count);
	if (rule->line > 0)
		fprintf(out, ", line %u of %s", rule->line, command_app->options.config_path);
	fprintf(out, "\n  match: %s\n  entries: %u\n", rule->text, rule->n_matches);
	if (rule->feed != FG_FEED_NONE)
		fprintf(out, "  feed: %s\n", command_app->feeds[rule->feed]);
	fputs("  to:", out);
	for (uint32_t i = 0; i < command_app->n_sinks; i++)
		if ((rule->sinks >> i & 1) != 0)
			fprintf(out, " %s", command_app->sinks[i]->name);
	fprintf(out, "%s\n  packets: %lu, bytes: %lu, lost after: %lu\n",
		rule->sinks == 0 ? " (drop)" : "", (unsigned long)totals->packets,
		(unsigned long)totals->bytes, (unsigned long)totals->dropped);
	snapshot_free(&now);
}

/* clear stats */

static void run_clear_stats(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)cl;
	(void)data;
	/* Nobody's counter is written: what is seen now is subtracted from here on. */
	snapshot_free(&command_app->cleared);
	snapshot_take(command_app, &command_app->cleared);
	fputs("cleared\n", command_out());
}

static cmdline_parse_inst_t command_clear_stats = {
	.f = run_clear_stats,
	.help_str = "clear stats",
	.tokens = {(void *)&token_clear, (void *)&token_stats, NULL},
};

cmdline_parse_ctx_t app_commands[] = {
	&command_help,        &command_simple,     &command_load,
	&command_show,        &command_show_rule,  &command_show_port,
	&command_clear_stats, &command_clear_port, NULL,
};

void commands_init(struct app *app)
{
	command_app = app;
}

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
	      "show source NAME                   one source in full, with its kind's own figures\n"
	      "show feeds                         per feed: sequence, gaps, what is lost for good\n"
	      "show feed NAME                     one feed in full: its lines, leads, sequences\n"
	      "show gaps                          what feeds told lately, and who is to blame\n"
	      "show rules                         every rule: packets, bytes, last hit, action\n"
	      "show rule NAME                     one rule in full\n"
	      "show drops                         every reason and its packets\n"
	      "show sinks                         per sink: delivered and dropped\n"
	      "show lcores                        who polls what, how busy\n"
	      "show config                        settings in force\n"
	      "show port info|stats|xstats N|all  DPDK's view of a port\n"
	      "rules reload [FILE]                the rules of FILE, or of the -c file, as SIGHUP\n"
	      "rules add RULE [WHERE]             RULE as in the file, on one line: {name: x, "
	      "...};\n"
	      "                                   WHERE: first | last | before NAME | after NAME\n"
	      "rules delete NAME                  without this rule\n"
	      "rules move NAME WHERE              the same rule elsewhere\n"
	      "rules save FILE                    write the rules in force\n"
	      "explain FIELD VALUE ...            which rule wins such a packet: ipv4.src A,\n"
	      "                                   udp.dst N, vlan N, payload HEX, ... (TAB lists)\n"
	      "explain pcap FILE N                the same for packet N of a capture\n"
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

static void show_feeds(const struct snapshot *now, FILE *out)
{
	if (command_app->n_feeds == 0)
		fputs("there is no feed\n", out);
	report_feeds(command_app, now, out);
}

static void run_show(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	const char *what = command->words[1];
	FILE *out = command_out();
	struct snapshot now;

	(void)cl;
	(void)data;
	feeds_watch(command_app);
	command_snapshot(&now);
	if (strcmp(what, "stats") == 0)
		report_totals(command_app, &now, out);
	else if (strcmp(what, "sources") == 0)
		report_sources(command_app, &now, out);
	else if (strcmp(what, "feeds") == 0)
		show_feeds(&now, out);
	else if (strcmp(what, "gaps") == 0)
		report_gaps(command_app, out);
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
	struct command, words[1], "stats#sources#feeds#gaps#rules#drops#sinks#lcores#config");
static cmdline_parse_inst_t command_show = {
	.f = run_show,
	.help_str = "show stats|sources|feeds|gaps|rules|drops|sinks|lcores|config",
	.tokens = {(void *)&token_show, (void *)&token_show_what, NULL},
};

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
	&command_help,
	&command_simple,
	&command_load,
	&command_show,
	&command_show_rule,
	&command_show_source,
	&command_show_feed,
	&command_show_port,
	&command_reload,
	&command_reload_file,
	&command_add,
	&command_delete,
	&command_move,
	&command_move_beside,
	&command_save,
	&command_explain,
	&command_clear_stats,
	&command_clear_port,
	NULL,
};

void commands_init(struct app *app)
{
	command_app = app;
}

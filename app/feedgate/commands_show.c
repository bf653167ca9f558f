/* SPDX-License-Identifier: MIT */
/* Commands that show counters, tables and settings. */
#include "app.h"
#include "commands.h"
#include "feeds_gaps.h"
#include "feeds_report.h"
#include "feeds_watch.h"
#include "report.h"
#include "report_rule.h"
#include "sources.h"

static void show_stats(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);

	if (s == NULL)
		return;
	report_totals(input->app, s, input->out);
}

static void show_sources(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);

	if (s == NULL)
		return;
	report_sources(input->app, s, input->out);
}

static void show_source(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);
	const char *name = input->arguments[0];

	if (s == NULL)
		return;
	if (report_source(input->app, s, name, input->out) != 0)
		fprintf(input->out, "no source is called '%s'\n", name);
}

static void show_feeds(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);

	if (s == NULL)
		return;
	if (input->app->n_feeds == 0)
		fputs("there is no feed\n", input->out);
	report_feeds(input->app, s, input->out);
}

static void show_feed(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);
	const char *name = input->arguments[0];

	if (s == NULL)
		return;
	if (report_feed(input->app, s, name, input->out) != 0)
		fprintf(input->out, "no feed is called '%s'\n", name);
}

static void show_gaps(struct command_input *input)
{
	feeds_watch(input->app);
	report_gaps(input->app, input->out);
}

static void show_rules(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);

	if (s == NULL)
		return;
	report_rules(input->app, s, input->out, true);
}

static void show_rule(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);
	const char *name = input->arguments[0];

	if (s == NULL)
		return;
	if (report_rule(input->app, s, name, input->out) != 0)
		fprintf(input->out, "no rule is called '%s'\n", name);
}

static void show_drops(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);

	if (s == NULL)
		return;
	report_drops(s, input->out, true);
}

static void show_sinks(struct command_input *input)
{
	const struct snapshot *s = command_snapshot(input);

	if (s == NULL)
		return;
	report_sinks(input->app, s, input->out);
}

static void show_lcores(struct command_input *input)
{
	report_lcores(input->app, input->out);
}

static void show_config(struct command_input *input)
{
	report_config(input->app, input->out);
}

const struct command commands_show[] = {
	{"show stats", NULL, "packets received, delivered and dropped", show_stats},
	{"show sources", NULL, "per source: packets received and lost", show_sources},
	{"show source", "SOURCE", "one source in full", show_source},
	{"show feeds", NULL, "per feed: sequence numbers, gaps, unrecovered numbers", show_feeds},
	{"show feed", "FEED", "one feed in full: channels, lines, leads", show_feed},
	{"show gaps", NULL, "the latest events of feeds, and where packets were lost", show_gaps},
	{"show rules", NULL, "per rule: packets, bytes, last hit, action", show_rules},
	{"show rule", "RULE", "one rule in full", show_rule},
	{"show drops", NULL, "packets dropped, by reason", show_drops},
	{"show sinks", NULL, "per sink: packets delivered and dropped", show_sinks},
	{"show lcores", NULL, "per lcore: role, load, queues it polls", show_lcores},
	{"show config", NULL, "the settings in use", show_config},
	{0},
};

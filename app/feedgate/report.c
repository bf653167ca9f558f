/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "app.h"
#include "event_log.h"
#include "feeds_report.h"
#include "findings.h"
#include "report_text.h"
#include "sources.h"

#define RULES_SHOWN_MAX 40u /* at the end and at `stop`; `show rules` has no limit */

static uint64_t rate(uint64_t count, double seconds)
{
	return seconds > 0 ? (uint64_t)((double)count / seconds) : 0;
}

void report_totals(const struct app *app, const struct snapshot *s, FILE *out)
{
	const struct fg_totals *t = &s->totals;

	fprintf(out, "\n%-10s %16s %18s %16s\n", "total", "packets", "bytes", "packets/s");
	fprintf(out, "%-10s %16s %18s %16s\n", "received", report_grouped(t->received_packets),
		report_grouped(t->received_bytes),
		report_grouped(rate(t->received_packets, s->seconds)));
	fprintf(out, "%-10s %16s %18s %16s\n", "delivered", report_grouped(t->delivered_packets),
		report_grouped(t->delivered_bytes),
		report_grouped(rate(t->delivered_packets, s->seconds)));
	fprintf(out, "%-10s %16s\n", "dropped", report_grouped(fg_totals_dropped(t)));
	fprintf(out, "in %.3f s; %s\n", s->seconds,
		fg_pipeline_running(app->pipeline) ? "running" : "stopped");
}

/* @findings NULL: print none. */
static void print_rule(const struct app *app, const struct snapshot *s, uint32_t number,
		       const struct findings *findings, FILE *out)
{
	const struct fg_rules *set = fg_pipeline_rules(app->pipeline);
	const struct fg_rule *rule = &set->rules[number];
	const struct fg_rule_totals *t = &s->rules[rule->id];
	char finding[128] = "";

	fprintf(out, "%-28s %16s %18s %12s %12s %12s %12s  ",
		number > 0 ? rule->name : "- (no rule matched)", report_grouped(t->packets),
		report_grouped(t->bytes), report_grouped(t->duplicates),
		report_grouped(t->unmatched), report_grouped(t->dropped),
		report_age(t->last_ticks));
	report_action(app, rule, out);
	if (findings != NULL)
		findings_text(findings, set, number, finding, sizeof(finding));
	fprintf(out, "%s%s\n", finding[0] != '\0' ? "; " : "", finding);
}

void report_rules(struct app *app, const struct snapshot *s, FILE *out, bool all)
{
	const struct fg_rules *set = fg_pipeline_rules(app->pipeline);
	const struct findings *findings = all ? findings_of(app) : NULL;
	uint32_t shown = 0, hidden = 0, unused = 0;

	fprintf(out, "\n%-28s %16s %18s %12s %12s %12s %12s  %s\n", "rule", "packets", "bytes",
		"duplicates", "unmatched", "sink drops", "last hit", "action");
	for (uint32_t i = 1; i <= set->count; i++) {
		if (!all && s->rules[set->rules[i].id].packets == 0) {
			unused++;
			continue;
		}
		if (!all && shown == RULES_SHOWN_MAX) {
			hidden++;
			continue;
		}
		shown++;
		print_rule(app, s, i, findings, out);
	}
	if (hidden > 0)
		fprintf(out, "... and %s more that matched; `show rules` lists all\n",
			report_grouped(hidden));
	print_rule(app, s, 0, NULL, out);
	if (unused > 0)
		fprintf(out, "%s of %s rules matched no packet\n", report_grouped(unused),
			report_grouped(set->count));
	if (findings != NULL && !findings->complete)
		fputs("there may be more shadowed or redundant rules: the search was cut short\n",
		      out);
}

void report_drops(const struct snapshot *s, FILE *out, bool all)
{
	fprintf(out, "\n%-20s %16s  %s\n", "dropped", "packets", "meaning");
	for (unsigned int i = 0; i < FG_DROP_COUNT; i++)
		if (all || s->totals.dropped[i] > 0)
			fprintf(out, "%-20s %16s  %s\n", fg_drop_name((enum fg_drop)i),
				report_grouped(s->totals.dropped[i]),
				fg_drop_help((enum fg_drop)i));
	fprintf(out, "%-20s %16s\n", "all", report_grouped(fg_totals_dropped(&s->totals)));
}

/* Why a sink dropped packets, and what it holds now: on one line, if there is something to say. */
static void print_reasons(const struct fg_sink *sink, const struct fg_sink_totals *totals,
			  FILE *out)
{
	if (totals->dropped == 0 && totals->held == 0)
		return;
	fprintf(out, "  full %s,", report_grouped(totals->full));
	fprintf(out, " failed %s,", report_grouped(totals->failed));
	fprintf(out, " held now %s", report_grouped(totals->held));
	if (sink->hold_max != 0)
		fprintf(out, " of %s", report_grouped(RTE_MAX(sink->hold_max, sink->hold_working)));
	fputc('\n', out);
}

void report_sinks(const struct app *app, const struct snapshot *s, FILE *out)
{
	fprintf(out, "\n%-20s %-8s %16s %18s %12s\n", "sink", "kind", "packets", "bytes",
		"dropped");
	for (uint32_t i = 0; i < app->n_sinks; i++) {
		fprintf(out, "%-20s %-8s %16s %18s %12s\n", app->sinks[i]->name,
			app->sinks[i]->sink.ops->name, report_grouped(s->sinks[i].packets),
			report_grouped(s->sinks[i].bytes), report_grouped(s->sinks[i].dropped));
		print_reasons(&app->sinks[i]->sink, &s->sinks[i], out);
	}
}

static void print_lcore(const struct fg_lcore_view *view, FILE *out)
{
	const uint64_t ticks = fg_counter_read(&view->stats->busy_ticks);
	const uint64_t idle_ticks = fg_counter_read(&view->stats->idle_ticks);
	const double busy = ticks > 0 ? 100.0 * (double)ticks / (double)(ticks + idle_ticks) : 0;

	fprintf(out, "%5u %-6s %4d %16s %16s %6.1f%% %10s ", view->lcore_id,
		view->worker ? "worker" : "rx", view->socket_id,
		report_grouped(fg_counter_read(&view->stats->received.packets)),
		report_grouped(fg_counter_read(&view->stats->delivered.packets)), busy,
		report_grouped(view->ring_occupancy));
	for (uint16_t q = 0; q < view->n_queues; q++)
		fprintf(out, " %s/%u", view->queues[q].source->name, view->queues[q].queue);
	fputc('\n', out);
}

void report_lcores(const struct app *app, FILE *out)
{
	struct fg_lcore_view view;

	fprintf(out, "\n%5s %-6s %4s %16s %16s %7s %10s  %s\n", "lcore", "role", "node", "received",
		"delivered", "busy", "ring", "polls (source/queue)");
	fprintf(out, "%5u %-6s %4u\n", rte_get_main_lcore(), "main",
		rte_lcore_to_socket_id(rte_get_main_lcore()));
	for (uint32_t i = 0; fg_pipeline_lcore(app->pipeline, i, &view); i++)
		print_lcore(&view, out);
}

static void print_rule_set(const struct app *app, FILE *out)
{
	const struct fg_rules *set = fg_pipeline_rules(app->pipeline);
	struct fg_table_info info;

	fg_table_info(fg_pipeline_table(app->pipeline), &info);
	fprintf(out, "rules: %u, from %s, version %u\ndefault: ", set->count,
		app->book.list.file != NULL ? app->book.list.file : "no file",
		fg_pipeline_rules_version(app->pipeline));
	report_action(app, &set->rules[0], out);
	fprintf(out,
		"\ncompiled: %u entries by %s, variant %s, %s bytes\n"
		"  exact: %u entries in %u hash tables\n"
		"  wildcard: %u entries in %u trees, at most %u compares\n"
		"  expression: %u entries, %u programs, of which a packet runs at most %u\n",
		set->n_matches, info.engine, info.variant, report_grouped(info.bytes), info.n_exact,
		info.n_hashes, info.n_wildcard, info.n_trees, info.worst_compares,
		info.n_expressions, info.n_programs, info.worst_programs);
}

void report_config(const struct app *app, FILE *out)
{
	fprintf(out, "file: %s\n",
		app->options.config_path != NULL ? app->options.config_path : "none");
	fputs("sources:\n", out);
	for (uint32_t i = 0; i < app->n_sources; i++) {
		const struct fg_source *source = &app->sources[i]->source;

		fprintf(out, "  %s: {queues: %u, mbufs: %u, %s: {", source->name, source->n_queues,
			source->mbufs, source->ops->name);
		fg_option_print(out, source->ops->options, app->sources[i]->conf);
		fputs("}}\n", out);
	}
	fputs("parse: {", out);
	fg_option_print(out, fg_parse_options, &app->parse);
	fputs("}\nclassify: {", out);
	fg_option_print(out, fg_classify_options, &app->classify);
	fputs("}\npipeline: {", out);
	fg_option_print(out, fg_pipeline_options, &app->pipeline_conf);
	fputs("}\nreload: {", out);
	fg_option_print(out, reload_options, &app->reload);
	fputs("}\nfeeds:\n", out);
	for (uint32_t i = 0; i < app->n_feeds; i++) {
		fputs("  ", out);
		report_feed_conf(app->feeds[i], out);
		fputc('\n', out);
	}
	if (app->events != NULL)
		fprintf(out, "events: {path: \"%s\"}\n", event_log_path(app->events));
	fputs("sinks:\n", out);
	for (uint32_t i = 0; i < app->n_sinks; i++) {
		fprintf(out, "  %s: {%s: {", app->sinks[i]->name, app->sinks[i]->sink.ops->name);
		fg_option_print(out, app->sinks[i]->sink.ops->options, app->sinks[i]->conf);
		fputs("}}\n", out);
	}
	print_rule_set(app, out);
}

void report_all(struct app *app, const struct snapshot *s, FILE *out)
{
	report_totals(app, s, out);
	report_sources(app, s, out);
	report_rules(app, s, out, false);
	report_feeds(app, s, out);
	report_drops(s, out, false);
	if (app->n_sinks > 0)
		report_sinks(app, s, out);
	fflush(out);
}

void report_progress(const struct app *app, FILE *out)
{
	static uint64_t last_packets;
	static double last_seconds;
	struct fg_totals t;
	const double seconds = fg_pipeline_seconds(app->pipeline);

	fg_pipeline_totals(app->pipeline, &t);
	fprintf(out, "%9.1f s: received %s (%s/s), delivered %s, dropped %s\n", seconds,
		report_grouped(t.received_packets),
		report_grouped(rate(t.received_packets - last_packets, seconds - last_seconds)),
		report_grouped(t.delivered_packets), report_grouped(fg_totals_dropped(&t)));
	fflush(out);
	last_packets = t.received_packets;
	last_seconds = seconds;
}

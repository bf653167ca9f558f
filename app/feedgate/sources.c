/* SPDX-License-Identifier: MIT */
#include "sources.h"

#include <string.h>

#include <fg_log.h>
#include <fg_port.h>

#include "app.h"
#include "report_text.h"

void sources_list(FILE *out)
{
	for (unsigned int i = 0; fg_source_kinds[i] != NULL; i++) {
		const struct fg_source_ops *kind = fg_source_kinds[i];
		struct fg_error error = {0};
		const bool available = fg_source_probe(kind, &error) == 0;

		fprintf(out, "%-12s %-12s %s\n", kind->name,
			available ? "available" : "unavailable", kind->help);
		if (!available)
			fprintf(out, "%-12s %-12s because %s\n", "", "", error.text);
	}
}

static const char *link_name(enum fg_link link)
{
	static const char *const names[] = {
		[FG_LINK_NONE] = "-",
		[FG_LINK_UP] = "up",
		[FG_LINK_DOWN] = "down",
		[FG_LINK_GONE] = "gone",
	};

	return names[link];
}

void sources_watch(struct app *app)
{
	(void)fg_port_watch(NULL); /* Also ports that only a sink uses. */
	for (uint32_t i = 0; i < app->n_sources; i++) {
		struct source_entry *entry = app->sources[i];
		enum fg_link link;

		if (!entry->open || entry->source.ops->watch == NULL)
			continue;
		link = entry->source.ops->watch(&entry->source);
		if (link == entry->link)
			continue;
		if (link == FG_LINK_GONE)
			fg_log(ERR, "source %s: its device is gone", entry->name);
		else if (link == FG_LINK_DOWN)
			fg_log(WARNING, "source %s: link down", entry->name);
		else if (entry->link != FG_LINK_NONE)
			fg_log(NOTICE, "source %s: link up", entry->name);
		entry->link = link;
	}
}

/* The kind's own counters that are not 0, on one line. */
static void print_figures(const struct figures *figures, FILE *out)
{
	bool any = false;

	for (unsigned int i = 0; i < figures->count; i++) {
		if (figures->at[i].value == 0)
			continue;
		fprintf(out, "%s %s %s", any ? "," : "  ", figures->at[i].name,
			report_grouped(figures->at[i].value));
		any = true;
	}
	if (any)
		fputc('\n', out);
}

/* Packets lost in the NIC or the kernel. Static text. */
static const char *lost_in_nic(const struct fg_source_lost *lost)
{
	static char text[32];

	if (!lost->nic_unknown)
		return report_grouped(lost->nic);
	if (lost->nic == 0)
		return "unknown";
	snprintf(text, sizeof(text), ">=%s", report_grouped(lost->nic));
	return text;
}

void report_sources(const struct app *app, const struct snapshot *s, FILE *out)
{
	fprintf(out, "\n%-16s %-12s %4s %6s %4s %15s %18s %11s %11s %11s %11s\n", "source", "kind",
		"line", "queues", "link", "packets", "bytes", "NIC/kernel", "no mbuf", "errors",
		"prefiltered");
	for (uint32_t i = 0; i < app->n_sources; i++) {
		const struct fg_source *source = &app->sources[i]->source;
		const struct fg_source_lost *lost = &s->lost[i];

		fprintf(out, "%-16s %-12s %4c %6u %4s %15s %18s %11s %11s %11s %11s\n",
			source->name, source->ops->name,
			source->line > 0 ? 'A' + source->line - 1 : '-', source->n_queues,
			link_name(app->sources[i]->link), report_grouped(s->sources[i].packets),
			report_grouped(s->sources[i].bytes), lost_in_nic(lost),
			report_grouped(lost->no_mbuf), report_grouped(lost->errors),
			report_grouped(lost->prefiltered));
		print_figures(&s->figures[i], out);
	}
}

int report_source(const struct app *app, const struct snapshot *s, const char *name, FILE *out)
{
	uint32_t i = 0;

	while (i < app->n_sources && strcmp(app->sources[i]->name, name) != 0)
		i++;
	if (i == app->n_sources)
		return -1;
	fprintf(out, "\n%s: {%s: {", name, app->sources[i]->source.ops->name);
	fg_option_print(out, app->sources[i]->source.ops->options, app->sources[i]->conf);
	fprintf(out, "}}, link %s\n", link_name(app->sources[i]->link));
	if (app->sources[i]->prefilter[0] != '\0')
		fprintf(out, "prefilter %s\n", app->sources[i]->prefilter);
	report_row(out, "packets", s->sources[i].packets, "received by rx lcores");
	report_row(out, "bytes", s->sources[i].bytes, "of these packets");
	report_text_row(out, "lost: NIC/kernel", lost_in_nic(&s->lost[i]),
			s->lost[i].nic_unknown ? "nobody counts all of them"
					       : "the NIC or the kernel had no room");
	report_row(out, "lost: no mbuf", s->lost[i].no_mbuf, "no mbuf was free");
	report_row(out, "lost: errors", s->lost[i].errors, "damaged on the wire, or too long");
	report_row(out, "prefiltered", s->lost[i].prefiltered,
		   "dropped by the source's prefilter, as the rules would have done");
	for (unsigned int f = 0; f < s->figures[i].count; f++)
		report_row(out, s->figures[i].at[f].name, s->figures[i].at[f].value,
			   s->figures[i].at[f].help);
	return 0;
}

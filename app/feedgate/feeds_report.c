/* SPDX-License-Identifier: MIT */
#include "feeds_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "event_json.h"
#include "event_logs.h"
#include "feeds.h"
#include "report_text.h"
#include "symbols.h"

static bool has_protocol(const struct feed_entry *entry)
{
	return entry->conf.protocol != NULL;
}

/* The channels in use, to be freed by the caller; NULL: there are none. */
static struct fg_arbiter_channel *take_channels(const struct feed_entry *entry, unsigned int *count,
						bool *no_memory)
{
	const struct fg_arbiter *arbiter =
		entry->feed != NULL ? fg_feed_arbiter(entry->feed) : NULL;
	const unsigned int max = (unsigned int)entry->conf.channels;
	struct fg_arbiter_channel *channels =
		arbiter != NULL ? calloc(max, sizeof(*channels)) : NULL;

	*count = channels != NULL ? fg_arbiter_channels(arbiter, channels, max) : 0;
	*no_memory = arbiter != NULL && channels == NULL;
	return channels;
}

/* Session and next number of the channel with the latest packet, and how many more there are. */
static void print_sequence(const struct feed_entry *entry, FILE *out)
{
	unsigned int count, current = 0;
	bool no_memory;
	struct fg_arbiter_channel *channels = take_channels(entry, &count, &no_memory);
	const struct fg_arbiter_channel *last = NULL;
	char session[SESSION_TEXT_BYTES] = "-", text[SESSION_TEXT_BYTES + 16];

	for (unsigned int i = 0; i < count; i++) {
		if (!channels[i].current)
			continue;
		current++;
		if (last == NULL || channels[i].last_ns > last->last_ns)
			last = &channels[i];
	}
	if (last != NULL && session_text(last->session, session)[0] == '\0')
		snprintf(session, sizeof(session), "-");
	if (current > 1)
		snprintf(text, sizeof(text), "%s (+%u)", session, current - 1);
	else
		snprintf(text, sizeof(text), "%s", no_memory ? "out of memory" : session);
	fprintf(out, " %-16s %15s", text, last != NULL ? report_grouped(last->next) : "-");
	free(channels);
}

/* The letters of the lines whose counter is not 0. */
static const char *letters(const struct feed_totals *t, enum fg_arbiter_line_counter counter,
			   char text[FG_ARBITER_LINES_MAX + 1])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FG_ARBITER_LINES_MAX; i++)
		if (t->lines[i].counters[counter] != 0)
			text[n++] = (char)('A' + i);
	if (n == 0)
		text[n++] = '-';
	text[n] = '\0';
	return text;
}

static uint64_t unrecovered(const struct feed_totals *t)
{
	return t->channels[FG_ARBITER_CHANNEL_missing] -
	       t->channels[FG_ARBITER_CHANNEL_filled_late];
}

static void print_feed(const struct feed_entry *entry, const struct feed_totals *t, FILE *out)
{
	char heard[FG_ARBITER_LINES_MAX + 1], silent[FG_ARBITER_LINES_MAX + 1];
	uint64_t duplicates = 0;

	for (unsigned int i = 0; i < FG_ARBITER_LINES_MAX; i++)
		duplicates += t->lines[i].counters[FG_ARBITER_LINE_duplicates];
	fprintf(out, "%-16s %-12s %5s", entry->conf.name, entry->conf.protocol->name,
		letters(t, FG_ARBITER_LINE_last_ns, heard));
	print_sequence(entry, out);
	fprintf(out, " %15s %15s %12s %9s %9s %9s %9s %13s %9s  %s\n",
		report_grouped(t->counters[FG_FEED_packets]),
		report_grouped(t->counters[FG_FEED_matched]), report_grouped(duplicates),
		report_grouped(t->channels[FG_ARBITER_CHANNEL_gaps_open]),
		report_grouped(t->channels[FG_ARBITER_CHANNEL_gaps_closed_other]),
		report_grouped(t->channels[FG_ARBITER_CHANNEL_gaps_closed_late]),
		report_grouped(t->channels[FG_ARBITER_CHANNEL_gaps_unfilled]),
		report_grouped(unrecovered(t)),
		report_grouped(t->channels[FG_ARBITER_CHANNEL_jumped_over]),
		letters(t, FG_ARBITER_LINE_silent, silent));
}

void report_feeds(const struct app *app, const struct snapshot *s, FILE *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_feeds; i++)
		n += has_protocol(app->feeds[i]);
	if (n == 0)
		return;
	fprintf(out, "\n%-16s %-12s %5s %-16s %15s %15s %15s %12s %9s %9s %9s %9s %13s %9s  %s\n",
		"feed", "protocol", "lines", "session", "next", "packets", "matched", "duplicates",
		"gaps open", "by other", "late", "unfilled", "unrecovered", "jumped over",
		"silent");
	for (uint32_t i = 0; i < s->n_feeds; i++)
		if (has_protocol(app->feeds[i]))
			print_feed(app->feeds[i], &s->feeds[i], out);
	report_event_logs(app, s, out);
}

void report_feed_conf(const struct feed_entry *entry, FILE *out)
{
	fprintf(out, "%s: {", entry->conf.name);
	if (has_protocol(entry)) {
		fprintf(out, "protocol: %s, messages: %s, ", entry->conf.protocol->name,
			entry->conf.protocol->messages->name);
		fg_option_print(out, fg_feed_options, &entry->conf);
		if (entry->events != NULL)
			fprintf(out, ", events: \"%s\"", event_log_path(entry->events));
	}
	fputc('}', out);
}

/* The lead that @share of the first arrivals did not exceed: the upper bound of a bucket. */
static uint64_t lead_at(const uint64_t leads[FG_ARBITER_LEADS], double share)
{
	uint64_t all = 0, sum = 0;

	for (unsigned int i = 0; i < FG_ARBITER_LEADS; i++)
		all += leads[i];
	for (unsigned int i = 0; i < FG_ARBITER_LEADS; i++) {
		sum += leads[i];
		if (sum > 0 && (double)sum >= share * (double)all)
			return (UINT64_C(1) << i) - 1;
	}
	return 0;
}

static void print_cells(FILE *out, const char *name, unsigned int n_lines, const uint64_t *cells,
			const char *help)
{
	fprintf(out, "  %-24s", name);
	for (unsigned int i = 0; i < n_lines; i++)
		fprintf(out, " %15s", report_grouped(cells[i]));
	fprintf(out, "%s%s\n", help[0] != '\0' ? "  " : "", help);
}

static void print_line_counters(const struct feed_totals *t, unsigned int n_lines, FILE *out)
{
	uint64_t cells[FG_ARBITER_LINES_MAX];

	for (unsigned int c = 0; c < FG_ARBITER_LINE_COUNT; c++) {
		if (c == FG_ARBITER_LINE_last_ns)
			continue;
		for (unsigned int i = 0; i < n_lines; i++)
			cells[i] = t->lines[i].counters[c];
		print_cells(out, fg_arbiter_line_counter_name((enum fg_arbiter_line_counter)c),
			    n_lines, cells,
			    fg_arbiter_line_counter_help((enum fg_arbiter_line_counter)c));
	}
	fprintf(out, "  %-24s", "last packet");
	for (unsigned int i = 0; i < n_lines; i++)
		fprintf(out, " %15s", report_age_ns(t->lines[i].counters[FG_ARBITER_LINE_last_ns]));
	fputc('\n', out);
}

/* How far ahead of the next line first arrivals were: percentiles, then buckets that hold any. */
static void print_leads(const struct feed_totals *t, unsigned int n_lines, FILE *out)
{
	static const struct {
		const char *name;
		double share;
	} points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
	uint64_t cells[FG_ARBITER_LINES_MAX];
	char name[48];

	fputs("lead over the next line, ns (upper bound of the bucket), then first arrivals by "
	      "bucket\n",
	      out);
	for (unsigned int p = 0; p < RTE_DIM(points); p++) {
		for (unsigned int i = 0; i < n_lines; i++)
			cells[i] = lead_at(t->lines[i].leads, points[p].share);
		print_cells(out, points[p].name, n_lines, cells, "");
	}
	for (unsigned int b = 0; b < FG_ARBITER_LEADS; b++) {
		uint64_t any = 0;

		for (unsigned int i = 0; i < n_lines; i++) {
			cells[i] = t->lines[i].leads[b];
			any |= cells[i];
		}
		if (any == 0)
			continue;
		snprintf(name, sizeof(name), "up to %s ns", report_grouped((UINT64_C(1) << b) - 1));
		print_cells(out, name, n_lines, cells, "");
	}
}

static void print_lines(const struct feed_totals *t, unsigned int n_lines, FILE *out)
{
	fprintf(out, "%-26s", "lines");
	for (unsigned int i = 0; i < n_lines; i++)
		fprintf(out, " %15c", 'A' + (int)i);
	fputc('\n', out);
	print_line_counters(t, n_lines, out);
	print_leads(t, n_lines, out);
}

static void print_channels(const struct feed_entry *entry, FILE *out)
{
	unsigned int count;
	bool no_memory;
	struct fg_arbiter_channel *channels = take_channels(entry, &count, &no_memory);

	fprintf(out,
		"channels, since the start\n  %-20s %20s %-8s %20s %12s %9s %9s %9s %9s %9s %13s "
		"%7s\n",
		"session", "channel", "", "next", "last packet", "gaps", "open", "by other", "late",
		"unfilled", "unrecovered", "resets");
	if (no_memory)
		fputs("  out of memory: they cannot be shown\n", out);
	for (unsigned int i = 0; i < count; i++) {
		const uint64_t *c = channels[i].counters;
		char session[SESSION_TEXT_BYTES];

		fprintf(out, "  %-20s %20" PRIu64 " %-8s %20" PRIu64 " %12s",
			session_text(channels[i].session, session)[0] != '\0' ? session : "-",
			channels[i].channel, channels[i].current ? "current" : "", channels[i].next,
			report_age_ns(channels[i].last_ns));
		fprintf(out, " %9s %9s %9s %9s %9s %13s %7s\n",
			report_grouped(c[FG_ARBITER_CHANNEL_gaps_opened]),
			report_grouped(c[FG_ARBITER_CHANNEL_gaps_open]),
			report_grouped(c[FG_ARBITER_CHANNEL_gaps_closed_other]),
			report_grouped(c[FG_ARBITER_CHANNEL_gaps_closed_late]),
			report_grouped(c[FG_ARBITER_CHANNEL_gaps_unfilled]),
			report_grouped(c[FG_ARBITER_CHANNEL_missing] -
				       c[FG_ARBITER_CHANNEL_filled_late]),
			report_grouped(c[FG_ARBITER_CHANNEL_resets]));
	}
	free(channels);
}

static void print_tracked(const struct feed_entry *entry, const struct feed_totals *t, FILE *out)
{
	fputs("gaps and order\n", out);
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		report_row(out, fg_arbiter_channel_counter_name((enum fg_arbiter_channel_counter)i),
			   t->channels[i],
			   fg_arbiter_channel_counter_help((enum fg_arbiter_channel_counter)i));
	report_row(out, "unrecovered", unrecovered(t), "missing less filled_late");
	report_row(out, "events_lost", t->events_lost,
		   "events that came too fast to be shown or logged");
	print_channels(entry, out);
	print_lines(t, fg_feed_n_lines(entry->feed), out);
}

int report_feed(const struct app *app, const struct snapshot *s, const char *name, FILE *out)
{
	const int index = feeds_find(app, name);
	const struct feed_entry *entry;
	const struct feed_totals *t;

	if (index < 0 || (uint32_t)index >= s->n_feeds)
		return -1;
	entry = app->feeds[index];
	t = &s->feeds[index];
	fputc('\n', out);
	report_feed_conf(entry, out);
	fputc('\n', out);
	if (entry->feed == NULL)
		return 0;
	fputs("packets and messages\n", out);
	for (unsigned int i = 0; i < FG_FEED_COUNTER_COUNT; i++)
		report_row(out, fg_feed_counter_name((enum fg_feed_counter)i), t->counters[i],
			   fg_feed_counter_help((enum fg_feed_counter)i));
	fputs("symbol map and order map\n", out);
	for (unsigned int i = 0; i < FG_SYMBOLS_COUNTER_COUNT; i++)
		report_row(out, fg_symbols_counter_name((enum fg_symbols_counter)i), t->symbols[i],
			   fg_symbols_counter_help((enum fg_symbols_counter)i));
	for (unsigned int i = 0; i < FG_ORDERS_COUNTER_COUNT; i++)
		report_row(out, fg_orders_counter_name((enum fg_orders_counter)i), t->orders[i],
			   fg_orders_counter_help((enum fg_orders_counter)i));
	report_row(out, "unmapped_instruments", t->unmapped_instruments,
		   "symbols that rules list and no number has");
	report_unmapped(app, (uint32_t)index, out);
	if (fg_feed_arbiter(entry->feed) != NULL)
		print_tracked(entry, t, out);
	return 0;
}

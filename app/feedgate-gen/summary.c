/* SPDX-License-Identifier: MIT */
#include "summary.h"

#include <inttypes.h>

#include "output.h"

static struct line_count total(const struct line *line)
{
	struct line_count sum = {0};

	for (unsigned int k = 0; k < KINDS_MAX; k++) {
		sum.packets += line->counts[k].packets;
		sum.bytes += line->counts[k].bytes;
		sum.lost += line->counts[k].lost;
	}
	return sum;
}

static bool is_seen(const struct traffic *t, unsigned int kind)
{
	if (!line_kind_name(kind))
		return false;
	for (unsigned int i = 0; i < t->options->lines; i++) {
		if (t->line[i].counts[kind].packets + t->line[i].counts[kind].lost > 0)
			return true;
	}
	return false;
}

static void print_counts(FILE *out, const struct line_count *c)
{
	fprintf(out, "\"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"lost\": %" PRIu64,
		c->packets, c->bytes, c->lost);
}

static void print_line(FILE *out, const struct traffic *t, const struct line *line)
{
	struct line_count sum = total(line);
	const char *comma = "";

	fprintf(out, "\"%c\": {", line->letter);
	print_counts(out, &sum);
	if (line->copies + line->late > 0)
		fprintf(out, ", \"copies\": %" PRIu64 ", \"late\": %" PRIu64, line->copies,
			line->late);
	fputs(", \"kinds\": {", out);
	for (unsigned int k = 0; k < KINDS_MAX; k++) {
		if (!is_seen(t, k))
			continue;
		fprintf(out, "%s\n    \"%s\": {", comma, line_kind_name(k));
		print_counts(out, &line->counts[k]);
		fputc('}', out);
		comma = ",";
	}
	fputs("}}", out);
}

int summary_write(const char *path, const struct traffic *t)
{
	FILE *out = fopen(path, "we");
	const char *comma = "";

	if (!out)
		return -errno;
	fprintf(out,
		"{\"version\": \"" FG_VERSION "\", \"seed\": %" PRIu64 ", \"packets\": %" PRIu64
		", \"start_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64 ",\n \"lines\": {",
		t->options->seed, t->options->packets, t->options->start_ns, t->now_ns);
	for (unsigned int i = 0; i < t->options->lines; i++) {
		fputs(i > 0 ? ",\n  " : "\n  ", out);
		print_line(out, t, &t->line[i]);
	}
	fputs("},\n \"protocols\": {", out);
	for (unsigned int i = 0; protocols[i]; i++) {
		if (!t->state[i])
			continue;
		fprintf(out, "%s\n  \"%s\": {\"channels\": %u", comma, protocols[i]->name,
			options_channels(t->options, protocols[i]));
		if (!t->repacked)
			fprintf(out, ", \"lost_on_both\": %" PRIu64, t->lost_on_all[i]);
		fputc('}', out);
		comma = ",";
	}
	fputs("}}\n", out);
	return output_finish(out, path);
}

/* The columns of one line in a row of the table. */
static void print_cells(const struct line_count *c, unsigned int line)
{
	printf("%s%12" PRIu64 " %14" PRIu64 " %9" PRIu64, line > 0 ? "   " : " ", c->packets,
	       c->bytes, c->lost);
}

static void print_heads(unsigned int lines)
{
	printf("%-16s", "kind");
	for (unsigned int i = 0; i < lines; i++)
		printf("%s%4c packets %14s %9s", i > 0 ? "   " : " ", (int)('A' + i), "bytes",
		       "lost");
	putchar('\n');
}

int summary_print(const struct traffic *t)
{
	const unsigned int lines = t->options->lines;

	print_heads(lines);
	for (unsigned int k = 0; k < KINDS_MAX; k++) {
		if (!is_seen(t, k))
			continue;
		printf("%-16s", line_kind_name(k));
		for (unsigned int i = 0; i < lines; i++)
			print_cells(&t->line[i].counts[k], i);
		putchar('\n');
	}
	printf("%-16s", "total");
	for (unsigned int i = 0; i < lines; i++) {
		struct line_count sum = total(&t->line[i]);

		print_cells(&sum, i);
	}
	putchar('\n');
	for (unsigned int i = 0; protocols[i]; i++) {
		if (t->lost_on_all[i] > 0)
			printf("%s: %" PRIu64 " packets were lost on %s lines\n",
			       protocols[i]->name, t->lost_on_all[i], lines == 2 ? "both" : "all");
	}
	if (fflush(stdout) != 0)
		return -errno;
	return ferror(stdout) ? -EIO : 0;
}

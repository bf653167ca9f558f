/* SPDX-License-Identifier: MIT */
#include "rules_file.h"

#include <errno.h>
#include <stdio.h>

#include "output.h"

/* The maximum of a configuration; with more, the rules have no feeds. */
#define FEEDS_MAX 1024u

static uint32_t count_groups(const struct traffic *t, unsigned int protocol)
{
	return t->state[protocol]
		       ? protocol_groups(protocols[protocol],
					 options_channels(t->options, protocols[protocol]))
		       : 0;
}

/* In double quotes, with percent signs doubled if strftime(3) reads the text. */
static void print_quoted(FILE *out, const char *text, const char *suffix, bool time_format)
{
	fputc('"', out);
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			fprintf(out, "\\x%02x", (unsigned int)(unsigned char)*p);
		else if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p == '%' && time_format)
			fputs("%%", out);
		else
			fputc(*p, out);
	}
	fprintf(out, "%s\"", suffix);
}

static void print_rule(FILE *out, const struct protocol *protocol, uint32_t n, unsigned int line,
		       bool feeds)
{
	const struct protocol_line to = protocol_address(protocol, line, n);

	fprintf(out,
		"  - {name: %s-%u-%c, match: {line: %c, ipv4: {dst: %u.%u.%u.%u}, udp: {dst: "
		"%u}}, ",
		protocol->name, n, (char)('a' + line), (char)('A' + line), to.group >> 24,
		to.group >> 16 & 255, to.group >> 8 & 255, to.group & 255, to.port);
	if (feeds)
		fprintf(out, "feed: %s-%u, ", protocol->name, n);
	fputs("to: [seen, disk]}\n", out);
}

static void print_feeds(FILE *out, const struct traffic *t)
{
	fputs("feeds:\n", out);
	for (unsigned int i = 0; protocols[i]; i++) {
		for (uint32_t c = 0; c < count_groups(t, i); c++)
			fprintf(out, "  - {name: %s-%u}\n", protocols[i]->name, c);
	}
}

static void print_rules(FILE *out, const struct traffic *t, bool feeds)
{
	fputs("rules:\n", out);
	for (unsigned int i = 0; protocols[i]; i++) {
		for (uint32_t c = 0; c < count_groups(t, i); c++) {
			for (unsigned int line = 0; line < t->options->lines; line++)
				print_rule(out, protocols[i], c, line, feeds);
		}
	}
}

int rules_file_write(const char *path, const struct traffic *t)
{
	FILE *out = fopen(path, "we");
	uint32_t groups = 0;

	if (!out)
		return -errno;
	for (unsigned int i = 0; protocols[i]; i++)
		groups += count_groups(t, i);
	fprintf(out, "# Written by feedgate-gen, seed %llu: one rule per channel and line.\n",
		(unsigned long long)t->options->seed);
	fputs("sources:\n", out);
	for (unsigned int i = 0; i < t->options->lines; i++) {
		const struct line *line = &t->line[i];

		fprintf(out, "  - {name: %c, replay: {path: ", line->letter);
		print_quoted(out, capture_file_path(line->file), "", false);
		fprintf(out, ", rate: max}, line: %c}\n", (char)('A' + i));
	}
	if (groups > 0 && groups <= FEEDS_MAX)
		print_feeds(out, t);
	fputs("sinks:\n  - {name: seen, count: {}}\n  - {name: disk, pcapng: {path: ", out);
	print_quoted(out, t->options->prefix, "-kept.pcapng", true);
	fputs("}}\n", out);
	if (groups > 0)
		print_rules(out, t, groups <= FEEDS_MAX);
	fputs("default: drop\n", out);
	return output_finish(out, path);
}

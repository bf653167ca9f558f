/* SPDX-License-Identifier: MIT */
/* The figures of a chart. */
#include <inttypes.h>
#include <string.h>

#include "report.h"

#define OWN "feedgate"

/* feedgate itself among a case's entries; NULL: it is not, or only in variants. */
static const struct entry *find_own(const struct results *r, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		if (strcmp(r->subjects.texts[r->entries[i].subject], OWN) == 0)
			return &r->entries[i];
	return NULL;
}

static void put_cell(FILE *out, double value)
{
	fputs("<td>", out);
	put_figure(out, value);
	fputs("</td>", out);
}

static void put_ratio_cell(FILE *out, const struct entry *e, const struct entry *to)
{
	fputs("<td>", out);
	if (to != NULL && to->value > 0)
		put_ratio(out, e->value / to->value);
	else
		fputs("&#8211;", out);
	fputs("</td>", out);
}

static void put_row(FILE *out, const struct results *r, const struct entry *e,
		    const struct entry *best, const struct entry *own, bool owned)
{
	fprintf(out, "<td class=\"name%s\"><i class=\"c%u\"></i>", e == best ? " best" : "",
		subject_colour(r, e->subject));
	put_text(out, r->subjects.texts[e->subject]);
	fputs("</td>", out);
	put_cell(out, e->value);
	put_cell(out, e->min);
	put_cell(out, e->max);
	fputs("<td>", out);
	if (e->value > 0)
		fprintf(out, "%.1f %%", (e->max - e->min) / e->value * 100);
	fprintf(out, "</td><td>%" PRIu64 "</td>", e->repeats);
	put_ratio_cell(out, e, best);
	if (owned)
		put_ratio_cell(out, e, own);
	fputs("</tr>\n", out);
}

void put_table(FILE *out, const struct results *r, uint32_t first, uint32_t count)
{
	const bool owned = find_own(r, first, count) != NULL;
	const uint32_t end = first + count;

	fputs("<table>\n<thead><tr><th class=\"name\">Case</th><th class=\"name\">Subject</th>"
	      "<th>Median</th><th>Least</th><th>Greatest</th><th>Spread</th><th>Repeats</th>"
	      "<th>To the best</th>",
	      out);
	fprintf(out, "%s</tr></thead>\n<tbody>\n", owned ? "<th>To " OWN "</th>" : "");
	for (uint32_t at = first, n; at < end; at += n) {
		const struct entry *best, *own;

		n = results_case(r, at, end);
		best = case_best(r, at, n);
		own = find_own(r, at, n);
		for (uint32_t i = at; i < at + n; i++) {
			fputs(i == at ? "<tr class=\"first\">" : "<tr>", out);
			if (i == at) {
				fprintf(out, "<th class=\"name\" rowspan=\"%" PRIu32 "\">", n);
				put_text(out, r->cases.texts[r->entries[at].in_case]);
				fputs("</th>", out);
			}
			put_row(out, r, &r->entries[i], best, own, owned);
		}
	}
	fputs("</tbody></table>\n", out);
}

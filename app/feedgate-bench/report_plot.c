/* SPDX-License-Identifier: MIT */
/* Horizontal bars with whiskers from min to max, as SVG. Colours and fonts are the page's. */
#include <math.h>

#include "report.h"

/* Columns, in the drawing's units. */
enum {
	LABEL_END = 232,
	BARS = 244,
	BARS_END = 690,
	VALUE_END = 780,
	RATIO_END = 852,
	WIDTH = 860,
	LABEL_CHARACTERS = 32,
	CASE_CHARACTERS = 90,
};

enum { ROW = 24, CASE_ROW = 34, BAR = 14, AXIS_ROW = 30, TICKS_MAX = 16 };

#define LOG_SPREAD 50.0 /* Greatest to least value from which a scale is logarithmic. */

struct scale {
	bool log;
	double from, to; /* Of a logarithmic one: exponents of ten. */
	double ticks[TICKS_MAX];
	unsigned int n_ticks;
};

/* Least and greatest of all that is drawn; the least is that of positive values. */
static void chart_range(const struct results *r, uint32_t first, uint32_t count, double *least,
			double *greatest)
{
	*least = HUGE_VAL;
	*greatest = 0;
	for (uint32_t i = first; i < first + count; i++) {
		const struct entry *e = &r->entries[i];

		*greatest = fmax(*greatest, e->max);
		if (e->value > 0)
			*least = fmin(*least, e->min > 0 ? e->min : e->value);
	}
}

bool plot_is_log(const struct results *r, uint32_t first, uint32_t count)
{
	double least, greatest;

	chart_range(r, first, count, &least, &greatest);
	return greatest > least * LOG_SPREAD;
}

static void log_scale(struct scale *scale, double least, double greatest)
{
	/* Bars of the least value are to be seen, too. */
	scale->from = floor(log10(least) - 0.1);
	scale->to = log10(greatest) + 0.05;
	for (double e = scale->from; e <= scale->to && scale->n_ticks < TICKS_MAX;
	     e += fmax(1, ceil((scale->to - scale->from) / 8)))
		scale->ticks[scale->n_ticks++] = pow(10, e);
}

/* Ticks at 1, 2 or 5 times a power of ten. */
static void linear_scale(struct scale *scale, double greatest)
{
	const double rough = greatest > 0 ? greatest / 5 : 0.2;
	const double power = pow(10, floor(log10(rough)));
	const double leading = rough / power;
	const double step = power * (leading <= 1 ? 1 : leading <= 2 ? 2 : leading <= 5 ? 5 : 10);

	for (double tick = 0; scale->n_ticks < TICKS_MAX; tick += step) {
		scale->ticks[scale->n_ticks++] = tick;
		if (tick >= greatest)
			break;
	}
	scale->to = scale->ticks[scale->n_ticks - 1];
}

static struct scale make_scale(const struct results *r, uint32_t first, uint32_t count)
{
	struct scale scale = {.log = plot_is_log(r, first, count)};
	double least, greatest;

	chart_range(r, first, count, &least, &greatest);
	if (scale.log)
		log_scale(&scale, least, greatest);
	else
		linear_scale(&scale, greatest);
	return scale;
}

static double place(const struct scale *scale, double value)
{
	const double at = scale->log ? (value > 0 ? log10(value) : scale->from) : value;
	const double part = (at - scale->from) / (scale->to - scale->from);

	return BARS + fmin(fmax(part, 0), 1) * (BARS_END - BARS);
}

static void put_ticks(FILE *out, const struct scale *scale, unsigned int bottom)
{
	for (unsigned int t = 0; t < scale->n_ticks; t++) {
		const double x = place(scale, scale->ticks[t]);

		fprintf(out,
			"<line class=\"grid\" x1=\"%.1f\" y1=\"6\" x2=\"%.1f\" y2=\"%u\"/>"
			"<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%u\">",
			x, x, bottom, x, bottom + 16);
		put_number(out, scale->ticks[t]);
		fputs("</text>\n", out);
	}
}

static void put_whisker(FILE *out, const struct scale *scale, const struct entry *e, unsigned int y)
{
	const double from = place(scale, e->min), to = place(scale, e->max);
	const unsigned int middle = y + ROW / 2;

	if (e->max <= e->min)
		return;
	fprintf(out, "<path class=\"whisker\" d=\"M%.1f %uV%uM%.1f %uH%.1fM%.1f %uV%u\"/>", from,
		middle - 4, middle + 4, from, middle, to, to, middle - 4, middle + 4);
}

static void put_bar(FILE *out, const struct results *r, const struct scale *scale,
		    const struct entry *e, const struct entry *best, unsigned int y)
{
	const char *subject = r->subjects.texts[e->subject];
	const unsigned int text = y + ROW / 2 + 4;

	fprintf(out, "<text class=\"%s\" text-anchor=\"end\" x=\"%u\" y=\"%u\"><title>",
		e == best ? "label best" : "label", LABEL_END, text);
	put_text(out, subject);
	fputs("</title>", out);
	put_short_text(out, subject, LABEL_CHARACTERS);
	fprintf(out, "</text><rect class=\"c%u\" x=\"%u\" y=\"%u\" width=\"%.1f\" height=\"%u\"/>",
		subject_colour(r, e->subject), BARS, y + (ROW - BAR) / 2,
		fmax(place(scale, e->value) - BARS, 1), BAR);
	put_whisker(out, scale, e, y);
	fprintf(out, "<text class=\"%s\" text-anchor=\"end\" x=\"%u\" y=\"%u\">",
		e == best ? "value best" : "value", VALUE_END, text);
	put_figure(out, e->value);
	fprintf(out, "</text><text class=\"ratio\" text-anchor=\"end\" x=\"%u\" y=\"%u\">",
		RATIO_END, text);
	if (e == best)
		fputs("best", out);
	else if (best != NULL && best->value > 0)
		put_ratio(out, e->value / best->value);
	fputs("</text>\n", out);
}

void put_plot(FILE *out, const struct results *r, uint32_t first, uint32_t count)
{
	const struct scale scale = make_scale(r, first, count);
	const uint32_t end = first + count;
	unsigned int y = 4, n_cases = 0;

	for (uint32_t at = first; at < end; at += results_case(r, at, end))
		n_cases++;
	fprintf(out,
		"<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"The table below as "
		"bars.\">\n",
		WIDTH, y + n_cases * CASE_ROW + count * ROW + AXIS_ROW);
	put_ticks(out, &scale, y + n_cases * CASE_ROW + count * ROW + 4);
	for (uint32_t at = first, n; at < end; at += n) {
		const struct entry *best;

		n = results_case(r, at, end);
		best = case_best(r, at, n);
		fprintf(out, "<text class=\"case\" x=\"4\" y=\"%u\">", y + CASE_ROW - 10);
		put_short_text(out, r->cases.texts[r->entries[at].in_case], CASE_CHARACTERS);
		fputs("</text>\n", out);
		y += CASE_ROW;
		for (uint32_t i = at; i < at + n; i++, y += ROW)
			put_bar(out, r, &scale, &r->entries[i], best, y);
	}
	fputs("</svg>\n", out);
}

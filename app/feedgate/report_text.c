/* SPDX-License-Identifier: MIT */
#include "report_text.h"

#include <inttypes.h>
#include <time.h>

#include <rte_cycles.h>

#include "app.h"

/* 1,234,567. A few buffers in turn, so that one printf can hold several. */
const char *report_grouped(uint64_t value)
{
	static char buffers[16][32];
	static unsigned int turn;
	char *text = buffers[turn++ % 16], digits[24];
	const int n = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	char *to = text;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

void report_row(FILE *out, const char *name, uint64_t value, const char *help)
{
	report_text_row(out, name, report_grouped(value), help);
}

void report_text_row(FILE *out, const char *name, const char *value, const char *help)
{
	fprintf(out, "  %-24s %18s  %s\n", name, value, help);
}

static const char *age(double seconds)
{
	static char text[32];

	if (seconds < 100)
		snprintf(text, sizeof(text), "%.1f s ago", seconds);
	else if (seconds < 6000)
		snprintf(text, sizeof(text), "%.0f min ago", seconds / 60);
	else if (seconds < 360000)
		snprintf(text, sizeof(text), "%.0f h ago", seconds / 3600);
	else
		snprintf(text, sizeof(text), "%.0f days ago", seconds / 86400);
	return text;
}

const char *report_age(uint64_t ticks)
{
	const uint64_t now = rte_rdtsc();

	if (ticks == 0)
		return "-";
	return age(now > ticks ? (double)(now - ticks) / (double)rte_get_tsc_hz() : 0);
}

const char *report_age_ns(uint64_t time_ns)
{
	struct timespec now;
	double seconds;

	if (time_ns == 0)
		return "-";
	clock_gettime(CLOCK_REALTIME, &now);
	seconds = (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - (double)time_ns * 1e-9;
	return age(seconds > 0 ? seconds : 0);
}

void report_action(const struct app *app, const struct fg_rule *rule, FILE *out)
{
	const char *separator = "";

	if (rule->sinks == 0)
		fputs("drop", out);
	for (uint32_t i = 0; i < app->n_sinks; i++)
		if ((rule->sinks >> i & 1) != 0) {
			fprintf(out, "%s%s", separator, app->sinks[i]->name);
			separator = ", ";
		}
}

/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "child.h"

#define TERMINAL_PERIOD_NS UINT64_C(1000000000)
#define LINE_PERIOD_NS     UINT64_C(10000000000)
#define COLUMNS_DEFAULT    80u

static struct {
	const char *bench; /* NULL: nothing is shown. */
	bool terminal;
	bool shown; /* The terminal's last line is ours. */
	uint64_t expected, done, step;
	uint64_t start_ns; /* Of the first step; 0: none yet. */
	uint64_t step_ns;  /* Of this one. */
	uint64_t print_ns; /* When progress was last printed. */
	char what[128];    /* Case and subject. */
} state;

void progress_open(const char *bench, bool quiet)
{
	memset(&state, 0, sizeof(state));
	state.bench = quiet ? NULL : bench;
	state.terminal = isatty(STDERR_FILENO) == 1;
	state.print_ns = now_ns();
}

void progress_expect(uint64_t work)
{
	state.expected += work;
}

void progress_leave_out(uint64_t work)
{
	state.expected -= work < state.expected ? work : state.expected;
}

/* Nanoseconds until all is done; false: nothing to go by yet. */
static bool estimate(uint64_t now, uint64_t *left_ns)
{
	double ns;

	if (state.done == 0 || state.expected < state.done)
		return false;
	ns = (double)(state.step_ns - state.start_ns) / (double)state.done *
		     (double)(state.expected - state.done) -
	     (double)(now - state.step_ns);
	*left_ns = ns > 0 ? (uint64_t)ns : 0;
	return true;
}

static void format_left(char *text, size_t size, uint64_t now)
{
	uint64_t left_ns, s;

	text[0] = '\0';
	if (!estimate(now, &left_ns))
		return;
	s = left_ns / 1000000000u + 1;
	if (s >= 3600)
		snprintf(text, size, ", about %" PRIu64 " h %" PRIu64 " min left", s / 3600,
			 s % 3600 / 60);
	else if (s >= 60)
		snprintf(text, size, ", about %" PRIu64 " min %" PRIu64 " s left", s / 60, s % 60);
	else
		snprintf(text, size, ", about %" PRIu64 " s left", s);
}

static unsigned int terminal_columns(void)
{
	struct winsize window;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0
		       ? window.ws_col
		       : COLUMNS_DEFAULT;
}

static void print(uint64_t now)
{
	const uint64_t percent = state.expected > 0 ? 100 * state.done / state.expected : 0;
	char left[64], line[256];

	format_left(left, sizeof(left), now);
	snprintf(line, sizeof(line), "%s: %s: %" PRIu64 " %% done%s", state.bench, state.what,
		 percent < 100 ? percent : 100, left);
	/* A line as wide as the terminal would wrap, and could not be overwritten. */
	if (state.terminal)
		fprintf(stderr, "\r%.*s\033[K", (int)terminal_columns() - 1, line);
	else
		fprintf(stderr, "feedgate-bench: %s\n", line);
	fflush(stderr);
	state.shown = state.terminal;
	state.print_ns = now;
}

void progress_step(uint64_t work, const char *case_name, const char *subject)
{
	const uint64_t now = now_ns();

	state.done += state.step;
	state.step = work;
	state.step_ns = now;
	if (state.start_ns == 0)
		state.start_ns = now;
	snprintf(state.what, sizeof(state.what), "%s %s", case_name, subject);
	if (state.bench != NULL &&
	    (state.terminal ? !state.shown || now - state.print_ns > TERMINAL_PERIOD_NS / 10
			    : now - state.print_ns > LINE_PERIOD_NS))
		print(now);
}

void progress_update(void)
{
	const uint64_t now = now_ns();

	if (state.bench != NULL && state.start_ns > 0 &&
	    now - state.print_ns > (state.terminal ? TERMINAL_PERIOD_NS : LINE_PERIOD_NS))
		print(now);
}

void progress_clear(void)
{
	if (!state.shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	state.shown = false;
}

void progress_close(void)
{
	progress_clear();
	state.bench = NULL;
}

void message(const char *format, ...)
{
	va_list arguments;

	progress_clear();
	fputs("feedgate-bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

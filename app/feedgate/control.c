/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include <fg_console.h>
#include <fg_deadline.h>

#include "app.h"
#include "budget.h"
#include "commands.h"
#include "feeds_watch.h"
#include "output.h"
#include "reload.h"
#include "report.h"
#include "setup.h"
#include "snapshot.h"
#include "sources.h"
#include "summary.h"
#include "symbols.h"

/* After the signal that ends the program: the longest that sinks and standard output may take. */
#define GIVE_UP_MS     3000u
#define LAST_RESORT_MS 4500
#define WATCHES_PER_S  5u /* looks at devices of sources, and at events of feeds */

static atomic_int signals;
static atomic_bool hangup; /* SIGHUP came */

static void on_hangup(int number)
{
	(void)number;
	atomic_store(&hangup, true);
}

static void on_signal(int number)
{
	static const struct itimerval last_resort = {
		.it_value = {.tv_sec = LAST_RESORT_MS / 1000,
			     .tv_usec = LAST_RESORT_MS % 1000 * 1000},
	};

	/* The first signal stops the pipeline in order, the second ends the process at once. */
	if (atomic_fetch_add(&signals, 1) > 0)
		_exit(128 + number);
	fg_deadline_set(GIVE_UP_MS);
	setitimer(ITIMER_REAL, &last_resort, NULL);
}

/* Something in the kernel never returns: a disk that does not answer, a pipe without a reader. */
static void on_alarm(int number)
{
	static const char text[] = "feedgate: ended by force: something did not end in time after "
				   "the signal; packets are not accounted for\n";
	struct pollfd wait = {.fd = STDERR_FILENO, .events = POLLOUT};

	(void)number;
	if (poll(&wait, 1, 0) > 0)
		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(EXIT_UNBALANCED);
}

void control_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_alarm};

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	action.sa_handler = on_signal;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	action.sa_handler = on_hangup;
	action.sa_flags = SA_RESTART;
	sigaction(SIGHUP, &action, NULL);
	/* When a reader of our output goes away, write(2) shall fail instead. */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

bool control_ending(void)
{
	return atomic_load(&signals) > 0;
}

void control_start(struct app *app, FILE *out)
{
	struct fg_error error = {0};

	if (fg_pipeline_start(app->pipeline, &error) == 0)
		fprintf(out, "started: %u rx lcores, %u workers, %u rules\n", app->placement.n_rx,
			app->placement.n_workers, fg_pipeline_rules(app->pipeline)->count);
	else
		app_fail(app, fg_pipeline_running(app->pipeline) ? EXIT_DONE : EXIT_RUNTIME,
			 &error);
}

void control_stop(struct app *app, FILE *out)
{
	struct fg_error error = {0};
	struct snapshot now;

	if (!fg_pipeline_running(app->pipeline)) {
		fputs("the pipeline is not running\n", out);
		return;
	}
	if (fg_pipeline_stop(app->pipeline, &error) != 0)
		app_fail(app, EXIT_RUNTIME, &error);
	feeds_watch(app);
	symbols_watch(app, true);
	if (snapshot_take(app, &now) != 0) {
		fputs("out of memory: counters cannot be shown\n", out);
		return;
	}
	snapshot_subtract(&now, &app->cleared);
	report_all(app, &now, out);
	snapshot_free(&now);
}

static bool sink_on_stdout(const struct app *app)
{
	for (uint32_t i = 0; i < app->n_sinks; i++)
		if (app->sinks[i]->sink.takes_stdout)
			return true;
	return false;
}

static bool summary_on_stdout(const struct app *app)
{
	return app->options.summary_path != NULL &&
	       strcmp(app->options.summary_path, SUMMARY_STDOUT) == 0;
}

/* The stream for tables: standard output, unless packets or the summary alone go there. */
static FILE *table_stream(const struct app *app)
{
	if (summary_on_stdout(app) && app->console == NULL)
		return stderr;
	return sink_on_stdout(app) ? stderr : stdout;
}

static bool open_console(struct app *app)
{
	const struct options *options = &app->options;
	cmdline_parse_ctx_t *table;
	struct fg_error error = {0};
	int rc = 0;

	if (summary_on_stdout(app) && sink_on_stdout(app)) {
		(void)fg_error_set(&error, EINVAL,
				   "--summary -: a sink writes to standard output already");
		app_fail(app, EXIT_USAGE, &error);
		return false;
	}
	if (!options->interactive && options->cmdline_path == NULL)
		return true;
	if (sink_on_stdout(app)) {
		(void)fg_error_set(&error, EINVAL,
				   "a sink writes to standard output: there can be no console");
		app_fail(app, EXIT_USAGE, &error);
		return false;
	}
	table = commands_new(app);
	if (table == NULL)
		rc = fg_error_set(&error, ENOMEM, "console: out of memory");
	if (rc == 0)
		rc = fg_console_open(table, "feedgate> ", &app->console, &error);
	if (rc == 0)
		fg_console_set_explain(app->console, command_explain);
	if (rc == 0 && options->cmdline_path != NULL)
		rc = fg_console_load(app->console, options->cmdline_path, false, &error);
	if (rc != 0)
		app_fail(app, app_status_of(rc), &error);
	return rc == 0;
}

/* Wait a moment, and run a command if one was typed. false: the console was left. */
static bool wait_a_moment(struct app *app)
{
	const bool held = app->options.interactive && fg_console_has_line(app->console);
	int moment_ms = app->options.exit_when_done ? 10 : 100;

	if (output_poll(held ? 0 : moment_ms, app->options.interactive))
		moment_ms = 0;
	if (app->options.interactive)
		return fg_console_poll(app->console, moment_ms);
	if (moment_ms > 0)
		poll(NULL, 0, moment_ms);
	return true;
}

/* SIGHUP came. On a terminal the prompt is printed again after the result. */
static void reload(struct app *app)
{
	const bool prompted = app->options.interactive && fg_console_is_terminal(app->console);

	if (prompted)
		fputc('\n', stdout);
	reload_on_signal(app, table_stream(app));
	if (prompted)
		fg_console_prompt(app->console);
}

static void loop(struct app *app)
{
	const uint64_t second = rte_get_tsc_hz();
	uint64_t next_watch = rte_rdtsc();
	uint64_t next_tick = rte_rdtsc() + second;
	uint64_t next_report = rte_rdtsc() + second * app->options.stats_period_s;

	while (!control_ending()) {
		const uint64_t now = rte_rdtsc();

		if (atomic_exchange(&hangup, false))
			reload(app);
		if (now >= next_watch) {
			sources_watch(app);
			budget_watch(app);
			feeds_watch(app);
			symbols_watch(app, false);
			next_watch = now + second / WATCHES_PER_S;
		}
		if (now >= next_tick) {
			fg_pipeline_tick(app->pipeline);
			next_tick = now + second;
		}
		if (app->options.stats_period_s > 0 && now >= next_report) {
			report_progress(app, table_stream(app));
			next_report = now + second * app->options.stats_period_s;
		}
		if (app->options.exit_when_done && fg_pipeline_running(app->pipeline) &&
		    fg_pipeline_ended(app->pipeline))
			break;
		if (!wait_a_moment(app))
			break;
	}
}

/* Stop, close, check the accounting, report. */
static void finish(struct app *app)
{
	struct fg_error error = {0}, unbalanced = {0};
	struct snapshot final;
	bool balanced, counted;

	if (fg_pipeline_stop(app->pipeline, &error) != 0)
		app_fail(app, EXIT_RUNTIME, &error);
	feeds_watch(app); /* Take the last events: event logs are still open. */
	symbols_watch(app, true);
	counted = snapshot_take(app, &final) == 0;
	balanced = fg_pipeline_check_accounting(app->pipeline, &unbalanced) == 0;
	if (setup_close(app, &final, &unbalanced) != 0)
		balanced = false;
	if (counted && final.seconds > 0)
		report_all(app, &final, table_stream(app));
	if (!balanced)
		app_fail(app, EXIT_UNBALANCED, &unbalanced);
	error = (struct fg_error){0};
	if (!counted) {
		(void)fg_error_set(&error, ENOMEM, "out of memory: no final table, no summary");
		app_fail(app, EXIT_RUNTIME, &error);
	} else if (app->options.summary_path != NULL &&
		   !(summary_on_stdout(app) && sink_on_stdout(app)) &&
		   summary_write(app, &final, balanced, app->options.summary_path, &error) != 0)
		app_fail(app, EXIT_RUNTIME, &error);
	snapshot_free(&final);
	if (output_finish() != 0 && app->exit_status == EXIT_DONE)
		app->exit_status = EXIT_RUNTIME;
}

void control_run(struct app *app)
{
	const struct options *options = &app->options;

	if (open_console(app) && (app->console == NULL || !fg_console_quitting(app->console))) {
		if (!control_ending() && !fg_pipeline_running(app->pipeline) &&
		    (!options->interactive || options->auto_start))
			control_start(app, table_stream(app));
		if (options->interactive || fg_pipeline_running(app->pipeline))
			loop(app);
	}
	finish(app);
	/* Each was reported. */
	if (app->console != NULL && fg_console_had_bad_line(app->console) &&
	    app->exit_status == EXIT_DONE)
		app->exit_status = EXIT_USAGE;
	fg_console_close(app->console);
	commands_free();
	snapshot_free(&app->cleared);
}

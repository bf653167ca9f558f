/* SPDX-License-Identifier: MIT */
/* feedgate. The path of a packet is in lib/pipeline: rx.c, worker.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include <fg_eal.h>

#include "app.h"
#include "control.h"
#include "findings.h"
#include "options.h"
#include "output.h"
#include "setup.h"

void app_fail(struct app *app, int status, const struct fg_error *error)
{
	fprintf(stderr, "feedgate: %s\n", error->text);
	if (status > app->exit_status)
		app->exit_status = status;
}

int app_status_of(int rc)
{
	switch (-rc) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EIO:
	case EAGAIN:
		return EXIT_RUNTIME;
	default:
		return EXIT_USAGE;
	}
}

/* --check builds the tables, and so needs an EAL, but no device, no hugepages and no root. */
static void check(struct app *app)
{
	struct fg_table_info info;
	struct fg_error error = {0};
	int rc;

	if (fg_eal_start_private("feedgate", &error) != 0) {
		app_fail(app, EXIT_RUNTIME, &error);
		return;
	}
	rc = setup_try(app, &info, &error);
	if (rc != 0) {
		app_fail(app, app_status_of(rc), &error);
	} else {
		findings_warn(app, stderr);
		findings_expressions(app, &info, stderr);
		printf("%s: valid: %u sources, %u sinks, %u feeds, %u rules (%u entries)\n",
		       app->options.config_path, app->n_sources, app->n_sinks, app->n_feeds,
		       app->rules->count, app->rules->n_matches);
	}
	setup_free(app);
	rte_eal_cleanup();
}

/* EAL runs. */
static void run(struct app *app)
{
	struct fg_error error = {0};
	const int rc = setup_open(app, &error);

	if (rc == 0)
		control_run(app);
	else if (!control_ending())
		/* -EINVAL: the configuration is wrong. */
		app_fail(app, rc == -EINVAL ? EXIT_USAGE : EXIT_RUNTIME, &error);
	if (rc != 0)
		(void)setup_close(app, NULL, &(struct fg_error){0});
	setup_free(app);
}

int main(int argc, char **argv)
{
	static struct app app;
	struct fg_error error = {0};
	const bool stdout_closed = output_fill_closed();
	int rc = options_read(&app.options, argc, argv, &error);

	if (rc > 0)
		return EXIT_DONE;
	if (rc < 0) {
		app_fail(&app, EXIT_USAGE, &error);
		return EXIT_USAGE;
	}
	app.options.stdout_closed = stdout_closed;
	if (!app.options.check)
		control_catch_signals();
	rc = setup_read(&app, &error);
	if (rc != 0) {
		if (!control_ending())
			app_fail(&app, app_status_of(rc), &error);
		setup_free(&app);
		return app.exit_status;
	}
	if (app.options.check) {
		check(&app);
		return app.exit_status;
	}
	output_open();
	if (control_ending()) {
		setup_free(&app);
		return EXIT_DONE;
	}
	if (fg_eal_start(argc, argv, "; without hugepages give --no-huge -m 512", &error) != 0) {
		app_fail(&app, EXIT_RUNTIME, &error);
		setup_free(&app);
		return app.exit_status;
	}
	if (!control_ending())
		run(&app);
	else
		setup_free(&app);
	rte_eal_cleanup();
	return app.exit_status;
}

/* SPDX-License-Identifier: MIT */
#include "event_logs.h"

#include <errno.h>
#include <string.h>

#include <fg_option.h>

#include "app.h"
#include "report_text.h"

struct events_conf {
	char *path;
};

static const struct fg_option events_options[] = {
	{.name = "path",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct events_conf, path),
	 .help = "file that events are appended to, one JSON object a line"},
	{0},
};

static int get(struct app *app, const struct fg_node *node, const char *path,
	       struct event_log **out, struct fg_error *error)
{
	struct fg_error reason = {0};
	int rc;

	for (uint32_t i = 0; i < app->n_event_logs; i++)
		if (strcmp(event_log_path(app->event_logs[i]), path) == 0) {
			*out = app->event_logs[i];
			return 0;
		}
	rc = event_log_new(path, out, &reason);
	if (rc != 0)
		return fg_error_at(error, -rc, node, "%s", reason.text);
	app->event_logs[app->n_event_logs++] = *out;
	return 0;
}

int event_logs_get(struct app *app, const struct fg_node *node, struct event_log **out,
		   struct fg_error *error)
{
	struct events_conf conf = {0};
	int rc = fg_option_read(events_options, node, &conf, error);

	if (rc == 0)
		rc = get(app, node, conf.path, out, error);
	fg_option_free(events_options, &conf);
	return rc;
}

int event_logs_open(struct app *app, struct fg_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; i < app->n_event_logs && rc == 0; i++)
		rc = event_log_open(app->event_logs[i], error);
	return rc;
}

void event_logs_free(struct app *app)
{
	for (uint32_t i = 0; i < app->n_event_logs; i++)
		event_log_free(app->event_logs[i]);
	app->n_event_logs = 0;
	app->events = NULL;
}

void report_event_logs(const struct app *app, const struct snapshot *s, FILE *out)
{
	if (s->n_event_logs == 0)
		return;
	fprintf(out, "\n%-40s %16s %18s %12s\n", "event log", "written", "bytes", "lost");
	for (uint32_t i = 0; i < s->n_event_logs; i++)
		fprintf(out, "%-40s %16s %18s %12s\n", event_log_path(app->event_logs[i]),
			report_grouped(s->event_logs[i].written),
			report_grouped(s->event_logs[i].bytes),
			report_grouped(s->event_logs[i].lost));
}

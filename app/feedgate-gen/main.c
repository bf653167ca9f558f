/* SPDX-License-Identifier: MIT */
/* feedgate-gen: market-data capture files, and rule sets, by seed. See feedgate-gen(1). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classbench.h"
#include "options.h"
#include "rules_file.h"
#include "summary.h"
#include "traffic.h"
#include "truth.h"

enum {
	EXIT_DONE = 0,
	EXIT_RUN_TIME = 1,
	EXIT_WRONG_USAGE = 2,
};

static int complain(const char *what, int rc)
{
	fprintf(stderr, "feedgate-gen: %s: %s\n", what,
		rc == -EOVERFLOW ? "the time passes what the file can hold (year 2106)"
				 : strerror(-rc));
	return rc;
}

static int open_files(struct traffic *t)
{
	for (unsigned int i = 0; i < t->options->lines; i++) {
		const struct options *o = t->options;
		char *path = NULL;
		int rc;

		if (asprintf(&path, "%s-%c.%s", o->prefix, t->line[i].letter, o->format->name) < 0)
			return complain(o->prefix, -ENOMEM);
		rc = capture_file_open(path, o->format, &t->line[i].file);
		if (rc < 0)
			complain(path, rc);
		free(path);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Both files whole, or the first error. */
static int fill_files(struct traffic *t)
{
	const struct line *failed = NULL;
	int rc = traffic_run(t, &failed);

	if (rc < 0)
		return complain(capture_file_path(failed->file), rc);
	for (unsigned int i = 0; i < t->options->lines; i++) {
		rc = capture_file_finish(t->line[i].file);
		if (rc < 0)
			return complain(capture_file_path(t->line[i].file), rc);
	}
	return 0;
}

static int write_reports(const struct traffic *t)
{
	const struct options *o = t->options;
	int rc = o->rules ? rules_file_write(o->rules, t) : 0;

	if (rc < 0)
		return complain(o->rules, rc);
	rc = o->summary ? summary_write(o->summary, t) : summary_print(t);
	if (rc < 0)
		return complain(o->summary ? o->summary : "standard output", rc);
	return 0;
}

static int run(struct traffic *t, const struct options *o, struct truth *truth)
{
	int rc = traffic_open(t, o, truth);
	bool whole;

	if (rc < 0)
		return complain("memory", rc);
	rc = open_files(t);
	if (rc == 0)
		rc = fill_files(t);
	whole = rc == 0;
	if (whole)
		rc = write_reports(t);
	for (unsigned int i = 0; i < t->options->lines; i++)
		capture_file_free(t->line[i].file, whole);
	traffic_close(t);
	return rc;
}

static int run_classbench(const struct options *o)
{
	const char *failed;
	int rc = classbench_run(o, &failed);

	return rc < 0 ? complain(failed, rc) : 0;
}

static int run_captures(const struct options *o)
{
	struct traffic *t = malloc(sizeof(*t));
	struct truth *truth = NULL;
	int rc = t ? 0 : complain("memory", -ENOMEM);
	int closed;

	if (rc == 0 && o->truth)
		rc = truth_open(o->truth, &truth);
	if (rc < 0 && t)
		complain(o->truth, rc);
	if (rc == 0)
		rc = run(t, o, truth);
	free(t);
	closed = truth_close(truth);
	return rc == 0 && closed < 0 ? complain(o->truth, closed) : rc;
}

int main(int argc, char **argv)
{
	struct options o;
	int rc;

	switch (options_read(&o, argc, argv)) {
	case OPTIONS_DONE:
		return fflush(stdout) != 0 ? EXIT_RUN_TIME : EXIT_DONE;
	case OPTIONS_USAGE:
		return EXIT_WRONG_USAGE;
	case OPTIONS_RUN:
		break;
	}
	/* A file too large, and a reader gone, are errors to report and clean up after. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	rc = o.family ? run_classbench(&o) : run_captures(&o);
	return rc < 0 ? EXIT_RUN_TIME : EXIT_DONE;
}

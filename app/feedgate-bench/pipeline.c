/* SPDX-License-Identifier: MIT */
/*
 * pipeline: the whole pipeline, from replay at full speed to a sink that counts, with arbitration
 * and message filter: on two lcores, and on one. On one lcore it is also measured with fewer
 * stages; the differences are the times of the stages.
 */
#include "pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "output.h"
#include "progress.h"

#define CASE_NAME "96x2-itch50"

struct pipeline_conf {
	uint64_t run_ms;
};

static const struct fg_option pipeline_options[] = {
	{.name = "run-ms",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct pipeline_conf, run_ms),
	 .min = 1,
	 .max = 3600000,
	 .value = "1000",
	 .help = "duration of each measurement"},
	{0}};

/* The stage that each depth adds. */
static const char *const stages[PIPELINE_DEPTHS] = {
	[PIPELINE_RX] = "feedgate:rx",
	[PIPELINE_DELIVER] = "feedgate:deliver",
	[PIPELINE_ARBITRATE] = "feedgate:arbitrate",
	[PIPELINE_FILTER] = "feedgate:filter",
};

/* The results; each array has a value for each repeat that is done. */
struct series {
	uint32_t done;
	double *packets_per_s, *messages_per_s; /* on two lcores */
	double *one_per_s;                      /* packets/s on one */
	double *stage_ns[PIPELINE_DEPTHS];      /* on one */
};

struct run {
	char capture[300];
	uint64_t run_ms;
	struct series series;
};

/* Measure the next repeat. */
static int measure(struct run *run, struct fg_error *error)
{
	struct series *s = &run->series;
	struct pipeline_result result;
	double before_ns = 0;
	int rc;

	for (unsigned int depth = 0; depth < PIPELINE_DEPTHS; depth++) {
		double ns;

		progress_step(run->run_ms, CASE_NAME, stages[depth]);
		rc = pipeline_run(run->capture, (enum pipeline_depth)depth, 0, run->run_ms, &result,
				  error);
		if (rc != 0)
			return rc;
		ns = 1e9 / result.packets_per_s;
		/* Noise can make a stage take less than nothing. */
		s->stage_ns[depth][s->done] = ns > before_ns ? ns - before_ns : 0;
		before_ns = ns;
	}
	s->one_per_s[s->done] = result.packets_per_s;
	progress_step(run->run_ms, CASE_NAME, "feedgate");
	rc = pipeline_run(run->capture, PIPELINE_FILTER, 1, run->run_ms, &result, error);
	if (rc != 0)
		return rc;
	s->packets_per_s[s->done] = result.packets_per_s;
	s->messages_per_s[s->done] = result.messages_per_s;
	s->done++;
	return 0;
}

static int print_results(const struct series *s, struct output *out, struct fg_error *error)
{
	struct result r = {.bench = "pipeline",
			   .case_name = CASE_NAME,
			   .subject = "feedgate",
			   .metric = "packets_per_s",
			   .unit = "packets/s",
			   .values = s->packets_per_s,
			   .repeats = s->done};
	int rc = output_add(out, &r, error);

	r.metric = "messages_per_s";
	r.unit = "messages/s";
	r.values = s->messages_per_s;
	if (rc == 0)
		rc = output_add(out, &r, error);
	r.subject = "feedgate:one-lcore";
	r.metric = "packets_per_s";
	r.unit = "packets/s";
	r.values = s->one_per_s;
	if (rc == 0)
		rc = output_add(out, &r, error);
	r.metric = "ns_per_packet";
	r.unit = "ns";
	for (unsigned int depth = 0; depth < PIPELINE_DEPTHS && rc == 0; depth++) {
		r.subject = stages[depth];
		r.values = s->stage_ns[depth];
		rc = output_add(out, &r, error);
	}
	return rc == 0 ? output_finish_case(out, error) : rc;
}

/* Make the capture, in $TMPDIR or /tmp. On error nothing is left. */
static int make_capture(struct run *run, struct fg_error *error)
{
	const char *folder = getenv("TMPDIR");
	int file, rc;

	if (folder == NULL || folder[0] == '\0')
		folder = "/tmp";
	if (snprintf(run->capture, sizeof(run->capture), "%s/feedgate-pipeline-XXXXXX", folder) >=
	    (int)sizeof(run->capture))
		return fg_error_set(error, ENAMETOOLONG, "TMPDIR %s: too long", folder);
	file = mkstemp(run->capture);
	if (file < 0)
		return fg_error_set(error, errno, "%s: %s", run->capture, strerror(errno));
	close(file);
	rc = pipeline_capture_write(run->capture, error);
	if (rc != 0)
		unlink(run->capture);
	return rc;
}

static int measure_all(struct run *run, uint32_t repeats, struct output *out,
		       struct fg_error *error)
{
	struct fg_error print_error = {0};
	int rc = pipeline_eal(error), print_rc = 0;

	progress_expect(repeats * (PIPELINE_DEPTHS + 1) * run->run_ms);
	for (uint32_t i = 0; i < repeats && rc == 0; i++)
		rc = measure(run, error);
	if ((rc == 0 || rc == -EINTR) && run->series.done > 0)
		print_rc = print_results(&run->series, out, &print_error);
	if (rc == 0 && print_rc != 0) {
		*error = print_error;
		rc = print_rc;
	}
	return rc;
}

static int run(const void *conf_in, uint32_t repeats, struct output *out, struct fg_error *error)
{
	const struct pipeline_conf *conf = conf_in;
	double *values = calloc((size_t)repeats * (3 + PIPELINE_DEPTHS), sizeof(*values));
	struct run run = {.run_ms = conf->run_ms,
			  .series = {.packets_per_s = values,
				     .messages_per_s = values + repeats,
				     .one_per_s = values + 2 * (size_t)repeats}};
	int rc;

	if (values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	for (unsigned int depth = 0; depth < PIPELINE_DEPTHS; depth++)
		run.series.stage_ns[depth] = values + (3 + depth) * (size_t)repeats;
	rc = make_capture(&run, error);
	if (rc == 0) {
		rc = measure_all(&run, repeats, out, error);
		unlink(run.capture);
	}
	free(values);
	return rc;
}

const struct bench bench_pipeline = {
	.name = "pipeline",
	.help = "the whole pipeline with feeds, on two lcores, and stage by stage on one",
	.options = pipeline_options,
	.conf_bytes = sizeof(struct pipeline_conf),
	.run = run,
};

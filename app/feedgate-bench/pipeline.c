/* SPDX-License-Identifier: MIT */
/*
 * pipeline: the whole walk, replay at full speed to a sink that counts, with feeds arbitrated and
 * filtered by content: on two lcores, and part by part on one, which tells what each stage costs.
 */
#include "pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "child.h"
#include "output.h"

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
	 .help = "how long each measurement lasts"},
	{0}};

/* Names of the stages, as they come in by depth. */
static const char *const stages[PIPELINE_DEPTHS] = {
	[PIPELINE_RX] = "feedgate:rx",
	[PIPELINE_DELIVER] = "feedgate:deliver",
	[PIPELINE_ARBITRATE] = "feedgate:arbitrate",
	[PIPELINE_FILTER] = "feedgate:content",
};

/* A series is repeats long. */
struct series {
	double *packets_per_s, *messages_per_s; /* the whole pipeline on two lcores */
	double *one_per_s;                      /* on one */
	double *stage_ns[PIPELINE_DEPTHS];      /* what each depth adds on one lcore */
};

static int measure(const char *capture, uint64_t run_ms, uint32_t i, const struct series *s,
		   struct fg_error *error)
{
	struct pipeline_result result;
	double before_ns = 0;
	int rc = 0;

	for (unsigned int depth = 0; depth < PIPELINE_DEPTHS && rc == 0; depth++) {
		double ns;

		rc = pipeline_run(capture, (enum pipeline_depth)depth, 0, run_ms, &result, error);
		if (rc != 0)
			return rc;
		ns = 1e9 / result.packets_per_s;
		/* Noise can make a stage cost less than nothing. */
		s->stage_ns[depth][i] = ns > before_ns ? ns - before_ns : 0;
		before_ns = ns;
		if (child_interrupted())
			return fg_error_set(error, EINTR, "interrupted");
	}
	s->one_per_s[i] = result.packets_per_s;
	rc = pipeline_run(capture, PIPELINE_FILTER, 1, run_ms, &result, error);
	s->packets_per_s[i] = result.packets_per_s;
	s->messages_per_s[i] = result.messages_per_s;
	return rc;
}

static int put_out(const struct series *s, uint32_t repeats, struct output *out,
		   struct fg_error *error)
{
	struct result r = {.bench = "pipeline",
			   .case_name = CASE_NAME,
			   .subject = "feedgate",
			   .metric = "packets_per_s",
			   .unit = "packets/s",
			   .values = s->packets_per_s,
			   .repeats = repeats};
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
	return rc;
}

static int run(const void *conf_in, uint32_t repeats, struct output *out, struct fg_error *error)
{
	const struct pipeline_conf *conf = conf_in;
	char capture[] = "/tmp/feedgate-pipeline-XXXXXX";
	double *values = calloc((size_t)repeats * (3 + PIPELINE_DEPTHS), sizeof(*values));
	struct series s = {values, values + repeats, values + 2 * (size_t)repeats, {NULL}};
	int file, rc = 0;

	if (values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	for (unsigned int depth = 0; depth < PIPELINE_DEPTHS; depth++)
		s.stage_ns[depth] = values + (3 + depth) * (size_t)repeats;
	file = mkstemp(capture);
	if (file < 0) {
		free(values);
		return fg_error_set(error, errno, "%s: %s", capture, strerror(errno));
	}
	close(file);
	rc = pipeline_capture_write(capture, error);
	if (rc == 0)
		rc = pipeline_eal(error);
	for (uint32_t i = 0; i < repeats && rc == 0; i++)
		rc = measure(capture, conf->run_ms, i, &s, error);
	unlink(capture);
	if (rc == 0)
		rc = put_out(&s, repeats, out, error);
	free(values);
	return rc;
}

const struct bench bench_pipeline = {
	.name = "pipeline",
	.help = "the whole walk with feeds, on two lcores and stage by stage on one",
	.options = pipeline_options,
	.conf_bytes = sizeof(struct pipeline_conf),
	.run = run,
};

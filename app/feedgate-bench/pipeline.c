/* SPDX-License-Identifier: MIT */
/*
 * pipeline: the whole pipeline, from a source at full speed to a sink that counts, with arbitration
 * and message filter: on two lcores, with a worker and without, and on one. On one lcore it is also
 * measured with fewer stages; the differences are the times of the stages.
 */
#include "pipeline.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "before.h"
#include "bench.h"
#include "eal.h"
#include "output.h"
#include "progress.h"

#define CASE_NAME "96x2-itch50"

struct pipeline_conf {
	uint64_t run_ms;
	uint64_t memory; /* enum eal_memory */
	char *subject;
	char *before;
};

#define ROW(member) .offset = offsetof(struct pipeline_conf, member)

static const struct fg_option pipeline_options[] = {
	{ROW(run_ms), .name = "run-ms", .type = FG_OPTION_U64, .min = 1, .max = 3600000,
	 .value = "1000", .help = "duration of each measurement"},
	{ROW(subject), .name = "subject", .type = FG_OPTION_STRING, .unit = "PATTERN", .value = "",
	 .help = "measure only these subjects: feedgate, feedgate:two-rx, feedgate:one-lcore, "
		 "feedgate:rx, and the other stages"},
	{ROW(memory), .name = "memory", .type = FG_OPTION_NAME, .names = eal_memories,
	 .value = "auto", .help = EAL_MEMORY_HELP},
	{ROW(before), .name = "before", .type = FG_OPTION_STRING, .unit = "PATH", .value = "",
	 .help = BEFORE_HELP},
	{0}};

/* What is measured: the stages first, each with one stage more than the row before. */
static const struct subject {
	const char *name;
	struct pipeline_shape shape;
} subjects[] = {
	{"feedgate:rx", {.depth = PIPELINE_RX, .rx = 1}},
	{"feedgate:deliver", {.depth = PIPELINE_DELIVER, .rx = 1}},
	{"feedgate:arbitrate", {.depth = PIPELINE_ARBITRATE, .rx = 1}},
	{"feedgate:filter", {.depth = PIPELINE_FILTER, .rx = 1}},
	{"feedgate", {.depth = PIPELINE_FILTER, .rx = 1, .workers = 1}},
	{"feedgate:two-rx", {.depth = PIPELINE_FILTER, .rx = 2}},
};
#define SUBJECTS  (sizeof(subjects) / sizeof(subjects[0]))
#define ONE_LCORE "feedgate:one-lcore" /* all stages */

/* The results; each array has a value for each repeat that is done. */
struct run {
	uint64_t run_ms;
	uint64_t memory;
	char case_name[32];
	uint32_t done;
	double *packets_per_s[SUBJECTS], *messages_per_s[SUBJECTS];
	double *stage_ns[PIPELINE_DEPTHS];
	const char *only;
	bool left_out[SUBJECTS];
};

static bool is_asked_for(const struct run *run, const char *name)
{
	return run->only[0] == '\0' || fnmatch(run->only, name, 0) == 0;
}

/* A stage needs the measurement before its own, too. */
static int leave_out(struct run *run, struct fg_error *error)
{
	bool any = false;

	for (size_t i = 0; i < SUBJECTS; i++) {
		const bool stage = i < PIPELINE_DEPTHS;

		run->left_out[i] = !is_asked_for(run, subjects[i].name) &&
				   !(stage && i + 1 < PIPELINE_DEPTHS &&
				     is_asked_for(run, subjects[i + 1].name)) &&
				   !(i == PIPELINE_FILTER && is_asked_for(run, ONE_LCORE));
		any |= !run->left_out[i];
	}
	return any ? 0
		   : fg_error_set(error, EINVAL, "no subject is called '%s'; --help names them",
				  run->only);
}

static int measure_one(struct run *run, size_t i, struct fg_error *error)
{
	struct pipeline_result result = {0};
	int rc;

	if (run->left_out[i])
		return 0;
	progress_step(run->run_ms, run->case_name, subjects[i].name);
	rc = pipeline_run(&subjects[i].shape, run->run_ms, &result, error);
	if (rc == -ENOTSUP && run->done == 0) {
		run->left_out[i] = true;
		message("%s is left out: this build does not support it: %s", subjects[i].name,
			error->text);
		return 0;
	}
	run->packets_per_s[i][run->done] = result.packets_per_s;
	run->messages_per_s[i][run->done] = result.messages_per_s;
	return rc;
}

/* Measure the next repeat. */
static int measure(struct run *run, struct fg_error *error)
{
	double before_ns = 0;

	for (size_t i = 0; i < SUBJECTS; i++) {
		const int rc = measure_one(run, i, error);

		if (rc != 0)
			return rc;
	}
	for (unsigned int depth = 0; depth < PIPELINE_DEPTHS; depth++) {
		const double rate = run->packets_per_s[depth][run->done];
		const double ns = rate > 0 ? 1e9 / rate : 0;

		/* Noise can make a stage take less than nothing. */
		run->stage_ns[depth][run->done] = ns > before_ns ? ns - before_ns : 0;
		before_ns = ns;
	}
	run->done++;
	return 0;
}

static int add(const struct run *run, struct output *out, struct result result,
	       struct fg_error *error)
{
	result.bench = "pipeline";
	result.case_name = run->case_name;
	result.repeats = run->done;
	return output_add(out, &result, error);
}

static int add_rates(const struct run *run, struct output *out, const char *name, size_t i,
		     struct fg_error *error)
{
	int rc = 0;

	if (run->left_out[i] || !is_asked_for(run, name))
		return 0;
	rc = add(run, out,
		 (struct result){.subject = name,
				 .metric = "packets_per_s",
				 .unit = "packets/s",
				 .values = run->packets_per_s[i]},
		 error);
	return rc == 0 ? add(run, out,
			     (struct result){.subject = name,
					     .metric = "messages_per_s",
					     .unit = "messages/s",
					     .values = run->messages_per_s[i]},
			     error)
		       : rc;
}

static int print_results(const struct run *run, struct output *out, struct fg_error *error)
{
	int rc = 0;

	for (size_t i = PIPELINE_DEPTHS; rc == 0 && i < SUBJECTS; i++)
		rc = add_rates(run, out, subjects[i].name, i, error);
	if (rc == 0)
		rc = add_rates(run, out, ONE_LCORE, PIPELINE_FILTER, error);
	for (unsigned int depth = 0; depth < PIPELINE_DEPTHS && rc == 0; depth++)
		if (is_asked_for(run, subjects[depth].name))
			rc = add(run, out,
				 (struct result){.subject = subjects[depth].name,
						 .metric = "ns_per_packet",
						 .unit = "ns",
						 .values = run->stage_ns[depth]},
				 error);
	return rc == 0 ? output_finish_case(out, error) : rc;
}

static int measure_all(struct run *run, uint32_t repeats, struct output *out,
		       struct fg_error *error)
{
	struct fg_error print_error = {0};
	int rc = pipeline_eal(&run->memory, error), print_rc = 0;

	snprintf(run->case_name, sizeof(run->case_name), "%s-%s", CASE_NAME,
		 eal_memories[run->memory]);
	progress_expect(repeats * SUBJECTS * run->run_ms);
	for (uint32_t i = 0; i < repeats && rc == 0; i++)
		rc = measure(run, error);
	if ((rc == 0 || rc == -EINTR) && run->done > 0)
		print_rc = print_results(run, out, &print_error);
	if (rc == 0 && print_rc != 0) {
		*error = print_error;
		rc = print_rc;
	}
	return rc;
}

static int run_before(const struct pipeline_conf *conf, uint32_t repeats, struct output *out,
		      struct fg_error *error)
{
	char run_ms[24];
	const char *const options[] = {
		"--run-ms",  run_ms,        "--memory", eal_memories[conf->memory],
		"--subject", conf->subject, NULL};
	const char *const cases[] = {NULL};
	const struct before before = {.bench = "pipeline",
				      .path = conf->before,
				      .options = options,
				      .cases = cases,
				      .work_ms = (SUBJECTS + 1) * conf->run_ms};

	snprintf(run_ms, sizeof(run_ms), "%" PRIu64, conf->run_ms);
	return before_run(&before, repeats, out, error);
}

static int run(const void *conf_in, uint32_t repeats, struct output *out, struct fg_error *error)
{
	const struct pipeline_conf *conf = conf_in;
	const size_t n = 2 * SUBJECTS + PIPELINE_DEPTHS;
	struct run run = {.run_ms = conf->run_ms, .memory = conf->memory, .only = conf->subject};
	double *values, *at;
	int rc = leave_out(&run, error);

	if (rc != 0)
		return rc;
	if (conf->before[0] != '\0')
		return run_before(conf, repeats, out, error);
	values = calloc(repeats * n, sizeof(*values));
	if (values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	at = values;
	for (size_t i = 0; i < SUBJECTS; i++, at += 2 * (size_t)repeats) {
		run.packets_per_s[i] = at;
		run.messages_per_s[i] = at + repeats;
	}
	for (unsigned int depth = 0; depth < PIPELINE_DEPTHS; depth++, at += repeats)
		run.stage_ns[depth] = at;
	rc = measure_all(&run, repeats, out, error);
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

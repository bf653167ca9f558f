/* SPDX-License-Identifier: MIT */
/*
 * capture: what it costs to receive packets from a network interface, by each of feedgate's
 * capture backends and by what other programs use, on the same work.
 *
 * The cases are measured one after another. Within a case each repeat measures all backends in
 * turn, so that a change of the machine's speed affects all of them.
 */
#include "capture.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "child.h"
#include "output.h"
#include "progress.h"

#define PEER "libpcap"

#define ROW(member) .offset = offsetof(struct capture_conf, member)

static const struct fg_option capture_options[] = {
	{ROW(packets), .name = "packets", .type = FG_OPTION_U64, .min = 64, .max = 1000000,
	 .value = "100000", .help = "packets drained in each measurement"},
	{ROW(run_ms), .name = "run-ms", .type = FG_OPTION_U64, .min = 10, .max = 60000,
	 .value = "300", .help = "duration of each live run"},
	{ROW(latency_pps), .name = "latency-pps", .type = FG_OPTION_U64, .min = 10, .max = 1000000,
	 .value = "50000", .help = "packets/s at which CPU time and latency are measured"},
	{ROW(only), .name = "only", .type = FG_OPTION_STRING, .unit = "REGEX", .value = "",
	 .help = "measure only subjects that match this regular expression"},
	{ROW(cases), .name = "cases", .type = FG_OPTION_STRING, .unit = "LIST",
	 .value = "64B,128B,512B,1500B,64B-filter,128B-filter,512B-filter,1500B-filter",
	 .help = "cases of the drain measurement, separated by commas; or none"},
	{ROW(live_cases), .name = "live-cases", .type = FG_OPTION_STRING, .unit = "LIST",
	 .value = "128B,128B-filter", .help = "cases of the live measurement; or none"},
	{0}};

static const struct {
	const char *name, *unit;
} metrics[METRICS] = {
	[METRIC_DRAIN] = {"drain_ns_per_packet", "ns/packet"},
	[METRIC_LOSSLESS] = {"lossless_packets_per_s", "packets/s"},
	[METRIC_OFFERED] = {"offered_packets_per_s", "packets/s"},
	[METRIC_CPU] = {"cpu_ns_per_packet", "ns/packet"},
	[METRIC_P50] = {"latency_ns_p50", "ns"},
	[METRIC_P99] = {"latency_ns_p99", "ns"},
	[METRIC_P999] = {"latency_ns_p999", "ns"},
	[METRIC_KERNEL_P50] = {"kernel_latency_ns_p50", "ns"},
	[METRIC_KERNEL_P99] = {"kernel_latency_ns_p99", "ns"},
	[METRIC_KERNEL_P999] = {"kernel_latency_ns_p999", "ns"},
};

/* A backend, and what was measured of it in the case that is under way. */
struct subject {
	const struct backend *backend;
	bool tried;     /* It could be opened. */
	bool out;       /* It is not available, or failed. */
	double *values; /* [METRICS][repeats] */
	uint32_t count[METRICS];
};

struct run {
	const struct capture_conf *conf;
	uint32_t repeats;
	uint32_t drain, live; /* Cases: bits. */
	struct subject subjects[CAPTURE_BACKENDS_MAX];
	uint32_t count;
	bool failed;
	struct fg_error first; /* The first failure. */
	struct output *out;
};

/* Whose samples arrive. */
struct recipient {
	struct run *run;
	struct subject *subject;
};

static int read_cases(const char *option, const char *text, uint32_t *cases, struct fg_error *error)
{
	*cases = 0;
	if (strcmp(text, "none") == 0)
		return 0;
	for (size_t length; *text != '\0'; text += length + (text[length] == ',')) {
		uint32_t i = 0;

		length = strcspn(text, ",");
		while (i < CAPTURE_CASES_MAX && (strlen(capture_cases[i].name) != length ||
						 strncmp(capture_cases[i].name, text, length) != 0))
			i++;
		if (i == CAPTURE_CASES_MAX)
			return fg_error_set(error, EINVAL,
					    "--%s: no case is called '%.*s'; expected 64B, 128B, "
					    "512B, 1500B, the same with -filter, or none",
					    option, (int)length, text);
		*cases |= 1u << i;
	}
	return 0;
}

static int add_subjects(struct run *run, struct fg_error *error)
{
	char reason[128];
	regex_t only;
	const int code = regcomp(&only, run->conf->only, REG_EXTENDED | REG_NOSUB);

	if (code != 0) {
		regerror(code, &only, reason, sizeof(reason));
		return fg_error_set(error, EINVAL, "--only %s: %s", run->conf->only, reason);
	}
	for (unsigned int i = 0; i < capture_n_backends; i++)
		if (run->conf->only[0] == '\0' ||
		    regexec(&only, capture_backends[i].name, 0, NULL, 0) == 0)
			run->subjects[run->count++].backend = &capture_backends[i];
	regfree(&only);
	for (uint32_t i = 0; i < run->count; i++) {
		struct subject *subject = &run->subjects[i];

		subject->values = calloc((size_t)METRICS * run->repeats, sizeof(*subject->values));
		if (subject->values == NULL)
			return fg_error_set(error, ENOMEM, "no memory for %u repeats",
					    run->repeats);
	}
	return run->count > 0 ? 0
			      : fg_error_set(error, EINVAL, "--only %s: matches no subject",
					     run->conf->only);
}

static double *series(const struct run *run, const struct subject *subject, uint32_t metric)
{
	return subject->values + (size_t)metric * run->repeats;
}

static void take_failure(struct run *run, struct subject *subject, const char *text)
{
	subject->out = true;
	message("%s failed: %s", subject->backend->name, text);
	if (!run->failed)
		fg_error_set(&run->first, EIO, "%s: %s", subject->backend->name, text);
	run->failed = true;
}

static void take(void *arg, const struct sample *sample)
{
	const struct recipient *recipient = arg;
	struct run *run = recipient->run;
	struct subject *subject = recipient->subject;
	uint32_t *count;

	switch (sample->kind) {
	case SAMPLE_VALUE:
		count = &subject->count[sample->metric];
		if (*count < run->repeats)
			series(run, subject, sample->metric)[(*count)++] = sample->value;
		break;
	case SAMPLE_UNAVAILABLE:
		subject->out = true;
		message("%s is left out: %s", subject->backend->name, sample->text);
		break;
	case SAMPLE_FAILED:
		take_failure(run, subject, sample->text);
		break;
	case SAMPLE_DONE:
		subject->tried = true;
		break;
	}
}

static bool has_case(uint32_t cases, uint32_t c)
{
	return (cases >> c & 1) != 0;
}

/* About how many milliseconds one backend takes for one repeat of a case. */
static uint64_t work_ms(const struct run *run, uint32_t c)
{
	const struct capture_conf *conf = run->conf;

	return 300 + (has_case(run->drain, c) ? 200 + conf->packets / 200 : 0) +
	       (has_case(run->live, c) ? 1000 + 12 * conf->run_ms : 0);
}

static bool is_asked_for(const struct run *run, uint32_t c)
{
	return has_case(run->drain | run->live, c);
}

/* -EINTR with @p error set if the run was interrupted; other failures put the subject out. */
static int measure_subject(struct run *run, uint32_t c, struct subject *subject,
			   struct fg_error *error)
{
	const struct measurer_plan plan = {.conf = run->conf,
					   .backend = subject->backend,
					   .drain = run->drain & 1u << c,
					   .live = run->live & 1u << c,
					   .try_first = !subject->tried};
	struct recipient recipient = {run, subject};
	struct fg_error reason = {0};
	int rc;

	progress_step(work_ms(run, c), capture_cases[c].name, subject->backend->name);
	rc = measurer_run(&plan, take, &recipient, &reason);
	if (rc == -EINTR) {
		*error = reason;
		return rc;
	}
	if (rc != 0)
		take_failure(run, subject, reason.text);
	return 0;
}

/* A subject that is out takes no part in the repeats and cases that follow. */
static void leave_out(const struct run *run, uint32_t c, uint32_t repeat)
{
	progress_leave_out((run->repeats - repeat - 1) * work_ms(run, c));
	for (uint32_t later = c + 1; later < CAPTURE_CASES_MAX; later++)
		if (is_asked_for(run, later))
			progress_leave_out(run->repeats * work_ms(run, later));
}

static int measure_case(struct run *run, uint32_t c, struct fg_error *error)
{
	for (uint32_t i = 0; i < run->count; i++)
		memset(run->subjects[i].count, 0, sizeof(run->subjects[i].count));
	for (uint32_t repeat = 0; repeat < run->repeats; repeat++)
		for (uint32_t i = 0; i < run->count; i++) {
			struct subject *subject = &run->subjects[i];
			const int rc = subject->out ? 0 : measure_subject(run, c, subject, error);

			if (rc != 0)
				return rc;
			if (subject->out && subject->values != NULL) {
				leave_out(run, c, repeat);
				free(subject->values);
				subject->values = NULL;
			}
		}
	return 0;
}

static int add_results(const struct run *run, uint32_t c, const struct subject *subject,
		       struct fg_error *error)
{
	int rc = 0;

	for (uint32_t metric = 0; rc == 0 && metric < METRICS; metric++) {
		const struct result r = {.bench = "capture",
					 .case_name = capture_cases[c].name,
					 .subject = subject->backend->name,
					 .metric = metrics[metric].name,
					 .unit = metrics[metric].unit,
					 .peer = PEER,
					 .values = series(run, subject, metric),
					 .repeats = subject->count[metric]};

		if (r.repeats > 0)
			rc = output_add(run->out, &r, error);
	}
	return rc;
}

/* Print what was measured, also of a case that was interrupted. */
static int print_case(const struct run *run, uint32_t c, struct fg_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < run->count; i++)
		if (!run->subjects[i].out)
			rc = add_results(run, c, &run->subjects[i], error);
	return rc == 0 ? output_finish_case(run->out, error) : rc;
}

static int measure_all(struct run *run, struct fg_error *error)
{
	struct fg_error print_error = {0};
	int rc = 0;

	for (uint32_t c = 0; c < CAPTURE_CASES_MAX; c++)
		if (is_asked_for(run, c))
			progress_expect(run->repeats * run->count * work_ms(run, c));
	for (uint32_t c = 0; rc == 0 && c < CAPTURE_CASES_MAX; c++) {
		int print_rc;

		if (!is_asked_for(run, c))
			continue;
		rc = measure_case(run, c, error);
		print_rc = print_case(run, c, &print_error);
		if (rc == 0 && print_rc != 0) {
			*error = print_error;
			rc = print_rc;
		}
	}
	return rc;
}

static int check(struct run *run, struct fg_error *error)
{
	int sender, reader;
	int rc = read_cases("cases", run->conf->cases, &run->drain, error);

	if (rc == 0)
		rc = read_cases("live-cases", run->conf->live_cases, &run->live, error);
	if (rc == 0)
		rc = add_subjects(run, error);
	if (rc == 0)
		rc = net_check(error);
	if (rc != 0)
		return rc;
	net_processors(&sender, &reader);
	if (sender == reader && run->live != 0) {
		message("there is one processor: sender and reader would share it, so the live "
			"measurement is left out");
		run->live = 0;
	}
	return 0;
}

/* Without any case: which backends are there? */
static int try_all(struct run *run, struct fg_error *error)
{
	int rc = 0;

	progress_expect(run->count * work_ms(run, 0));
	for (uint32_t i = 0; rc == 0 && i < run->count; i++)
		rc = measure_subject(run, 0, &run->subjects[i], error);
	return rc;
}

static int run(const void *conf, uint32_t repeats, struct output *out, struct fg_error *error)
{
	struct run run = {.conf = conf, .repeats = repeats, .out = out};
	int rc = check(&run, error);

	if (rc == 0)
		rc = (run.drain | run.live) != 0 ? measure_all(&run, error) : try_all(&run, error);
	if (rc == 0 && run.failed) {
		*error = run.first;
		rc = -EIO;
	}
	for (uint32_t i = 0; i < run.count; i++)
		free(run.subjects[i].values);
	return rc;
}

const struct bench bench_capture = {
	.name = "capture",
	.help = "receive packets from a network interface by every capture backend",
	.options = capture_options,
	.conf_bytes = sizeof(struct capture_conf),
	.run = run,
};

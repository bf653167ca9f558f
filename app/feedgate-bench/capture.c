/* SPDX-License-Identifier: MIT */
/*
 * capture: what each backend off a network interface costs, on the same work:
 * feedgate's sources, and what programs use without it.
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

#define PEER "libpcap"

#define ROW(member) .offset = offsetof(struct capture_conf, member)

static const struct fg_option capture_options[] = {
	{ROW(packets), .name = "packets", .type = FG_OPTION_U64, .min = 64, .max = 1000000,
	 .value = "100000", .help = "packets that are drained in each measurement"},
	{ROW(run_ms), .name = "run-ms", .type = FG_OPTION_U64, .min = 10, .max = 60000,
	 .value = "300", .help = "how long the sender sends in each live run"},
	{ROW(latency_pps), .name = "latency-pps", .type = FG_OPTION_U64, .min = 10, .max = 1000000,
	 .value = "50000", .help = "packets/s at which CPU time and latency are taken"},
	{ROW(only), .name = "only", .type = FG_OPTION_STRING, .value = "",
	 .help = "measure only subjects that this regular expression finds"},
	{ROW(cases), .name = "cases", .type = FG_OPTION_STRING,
	 .value = "64B,128B,512B,1500B,64B-filter,128B-filter,512B-filter,1500B-filter",
	 .help = "drain in these, by commas; or none"},
	{ROW(live_cases), .name = "live-cases", .type = FG_OPTION_STRING,
	 .value = "128B,128B-filter", .help = "measure live in these; or none"},
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

/* A backend, and what was measured of it. */
struct entrant {
	const struct backend *backend;
	bool out;       /* It is not available, or failed. */
	bool said;      /* ... and the reason was given. */
	double *values; /* [CAPTURE_CASES_MAX][METRICS][repeats] */
	uint32_t count[CAPTURE_CASES_MAX][METRICS];
};

struct race {
	const struct capture_conf *conf;
	uint32_t repeats;
	uint32_t drain, live; /* Cases: bits. */
	struct entrant entrants[CAPTURE_BACKENDS_MAX];
	uint32_t count;
	bool failed;
	struct fg_error first; /* The first failure. */
};

/* What a sample is to be put down to. */
struct turn {
	struct race *race;
	struct entrant *entrant;
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

static int add_entrants(struct race *race, struct fg_error *error)
{
	char reason[128];
	regex_t wanted;
	const int code = regcomp(&wanted, race->conf->only, REG_EXTENDED | REG_NOSUB);

	if (code != 0) {
		regerror(code, &wanted, reason, sizeof(reason));
		return fg_error_set(error, EINVAL, "--only %s: %s", race->conf->only, reason);
	}
	for (unsigned int i = 0; i < capture_n_backends; i++)
		if (race->conf->only[0] == '\0' ||
		    regexec(&wanted, capture_backends[i].name, 0, NULL, 0) == 0)
			race->entrants[race->count++].backend = &capture_backends[i];
	regfree(&wanted);
	for (uint32_t i = 0; i < race->count; i++) {
		struct entrant *entrant = &race->entrants[i];

		entrant->values = calloc((size_t)CAPTURE_CASES_MAX * METRICS * race->repeats,
					 sizeof(*entrant->values));
		if (entrant->values == NULL)
			return fg_error_set(error, ENOMEM, "no memory for %u repeats",
					    race->repeats);
	}
	return race->count > 0 ? 0
			       : fg_error_set(error, EINVAL, "--only %s: finds no subject",
					      race->conf->only);
}

static double *series(const struct race *race, const struct entrant *entrant, uint32_t c,
		      uint32_t metric)
{
	return entrant->values + ((size_t)c * METRICS + metric) * race->repeats;
}

static void take_failure(struct race *race, struct entrant *entrant, const char *text)
{
	entrant->out = true;
	fprintf(stderr, "feedgate-bench: %s failed: %s\n", entrant->backend->name, text);
	if (!race->failed)
		fg_error_set(&race->first, EIO, "%s: %s", entrant->backend->name, text);
	race->failed = true;
}

static void take(void *arg, const struct sample *sample)
{
	const struct turn *turn = arg;
	struct entrant *entrant = turn->entrant;
	uint32_t *count;

	switch (sample->kind) {
	case SAMPLE_VALUE:
		count = &entrant->count[sample->case_index][sample->metric];
		if (*count < turn->race->repeats)
			series(turn->race, entrant, sample->case_index,
			       sample->metric)[(*count)++] = sample->value;
		break;
	case SAMPLE_UNAVAILABLE:
		entrant->out = true;
		fprintf(stderr, "feedgate-bench: %s is left out: %s\n", entrant->backend->name,
			sample->text);
		break;
	case SAMPLE_FAILED:
		take_failure(turn->race, entrant, sample->text);
		break;
	case SAMPLE_DONE:
		break;
	}
}

/* One after another, and all of that again: whatever the machine does happens to all. */
static int measure_all(struct race *race, struct fg_error *error)
{
	for (uint32_t r = 0; r < race->repeats; r++)
		for (uint32_t i = 0; i < race->count; i++) {
			struct entrant *entrant = &race->entrants[i];
			struct turn turn = {race, entrant};
			struct fg_error reason = {0};
			int rc;

			if (entrant->out)
				continue;
			rc = measurer_run(race->conf, entrant->backend, race->drain, race->live,
					  take, &turn, &reason);
			if (rc == -EINTR) {
				*error = reason;
				return rc;
			}
			if (rc != 0)
				take_failure(race, entrant, reason.text);
		}
	return 0;
}

static int put_entrant(const struct race *race, const struct entrant *entrant, struct output *out,
		       struct fg_error *error)
{
	int rc = 0;

	for (uint32_t c = 0; c < CAPTURE_CASES_MAX; c++)
		for (uint32_t metric = 0; rc == 0 && metric < METRICS; metric++) {
			const struct result r = {.bench = "capture",
						 .case_name = capture_cases[c].name,
						 .subject = entrant->backend->name,
						 .metric = metrics[metric].name,
						 .unit = metrics[metric].unit,
						 .peer = PEER,
						 .values = series(race, entrant, c, metric),
						 .repeats = entrant->count[c][metric]};

			if (r.repeats > 0)
				rc = output_add(out, &r, error);
		}
	return rc;
}

static int check(struct race *race, struct fg_error *error)
{
	int sender, reader;
	int rc = read_cases("cases", race->conf->cases, &race->drain, error);

	if (rc == 0)
		rc = read_cases("live-cases", race->conf->live_cases, &race->live, error);
	if (rc == 0)
		rc = add_entrants(race, error);
	if (rc == 0)
		rc = net_check(error);
	if (rc != 0)
		return rc;
	net_processors(&sender, &reader);
	if (sender == reader && race->live != 0) {
		fputs("feedgate-bench: there is one processor: sender and reader would share it, "
		      "so nothing is measured live\n",
		      stderr);
		race->live = 0;
	}
	return 0;
}

static int run(const void *conf, uint32_t repeats, struct output *out, struct fg_error *error)
{
	struct race race = {.conf = conf, .repeats = repeats};
	int rc = check(&race, error);

	if (rc == 0)
		rc = measure_all(&race, error);
	for (uint32_t i = 0; rc == 0 && i < race.count; i++)
		if (!race.entrants[i].out)
			rc = put_entrant(&race, &race.entrants[i], out, error);
	if (rc == 0 && race.failed) {
		*error = race.first;
		rc = -EIO;
	}
	for (uint32_t i = 0; i < race.count; i++)
		free(race.entrants[i].values);
	return rc;
}

const struct bench bench_capture = {
	.name = "capture",
	.help = "take packets off a network interface, by every backend there is",
	.options = capture_options,
	.conf_bytes = sizeof(struct capture_conf),
	.run = run,
};

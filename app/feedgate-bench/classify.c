/* SPDX-License-Identifier: MIT */
/*
 * classify: what it takes to find the rule that a packet falls to, beside
 * DPDK's own means, and beside the least that anybody can do with a packet.
 */
#include "classify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_mempool.h>

#include "bench.h"
#include "classify_measure.h"
#include "output.h"

#define FEEDGATE     "feedgate"
#define PEER         "rte_acl"
#define ENTRANTS_MAX 16u

#define TABLES_BYTES_MIN (UINT64_C(32) << 20)

struct classify_conf {
	uint64_t channels;
	char *rules;
	char *trace;
	uint64_t packets;
	char *engine;
	char *subject;
	uint64_t pass_ms;
};

#define ROW(member) .offset = offsetof(struct classify_conf, member)

static const struct fg_option classify_options[] = {
	{ROW(channels), .name = "channels", .type = FG_OPTION_U64, .max = 100000, .value = "0",
	 .help = "rules on a group and a port each; 0: 16, 1000, 20000, 100000, one by one"},
	{ROW(rules), .name = "rules", .type = FG_OPTION_STRING, .value = "",
	 .help = "rules of this ClassBench file instead"},
	{ROW(trace), .name = "trace", .type = FG_OPTION_STRING, .value = "",
	 .help = "keys to look up in them; else drawn from the rules"},
	{ROW(packets), .name = "packets", .type = FG_OPTION_U64, .min = 64, .max = 262144,
	 .value = "65536", .help = "packets or keys that are looked up in turn"},
	{ROW(engine), .name = "engine", .type = FG_OPTION_STRING, .value = "",
	 .help = "feedgate's engine; else its best"},
	{ROW(subject), .name = "subject", .type = FG_OPTION_STRING, .value = "",
	 .help = "measure only this one: touch, " FEEDGATE ", " FEEDGATE ":VARIANT, " PEER
		 ", rte_hash"},
	{ROW(pass_ms), .name = "pass-ms", .type = FG_OPTION_U64, .max = 10000, .value = "20",
	 .help = "how long a measurement lasts at least; 0: one pass, for profilers"},
	{0}};

static const uint32_t channel_counts[] = {16, 1000, 20000, 100000};
#define CASES_MAX RTE_DIM(channel_counts)

/* A case: its work, and who takes part. */
struct trial {
	struct work work;
	struct entrant entrants[ENTRANTS_MAX];
	uint32_t count;
	double *values; /* Those of all entrants. */
};

/* Everything of one run. */
struct run {
	const struct classify_conf *conf;
	uint32_t repeats;
	uint32_t packets;
	const char *engine; /* NULL: the best. */
	struct trial trials[CASES_MAX];
	uint32_t count;
	struct memory memory;
	struct rte_mempool *pool;
};

static void add_entrant(struct run *run, struct trial *trial, const struct subject_kind *kind,
			const char *name, const char *variant)
{
	struct entrant *entrant = &trial->entrants[trial->count];

	if (trial->count == ENTRANTS_MAX)
		return;
	*entrant = (struct entrant){
		.subject = {.kind = kind, .engine = run->engine, .variant = variant}};
	snprintf(entrant->subject.name, sizeof(entrant->subject.name), "%s%s%s", name,
		 variant != NULL ? ":" : "", variant != NULL ? variant : "");
	if (run->conf->subject[0] == '\0' || strcmp(run->conf->subject, entrant->subject.name) == 0)
		trial->count++;
}

static int add_entrants(struct run *run, struct trial *trial, struct fg_error *error)
{
	const size_t series = (1 + INPUTS) * (size_t)run->repeats;

	add_entrant(run, trial, &subject_touch, "touch", NULL);
	add_entrant(run, trial, &subject_feedgate, FEEDGATE, NULL);
	for (const char *const *variant = fg_isa_options; *variant != NULL; variant++)
		if (strcmp(*variant, "auto") != 0)
			add_entrant(run, trial, &subject_feedgate, FEEDGATE, *variant);
	add_entrant(run, trial, &subject_acl, PEER, NULL);
	if (trial->work.channels > 0)
		add_entrant(run, trial, &subject_hash, "rte_hash", NULL);
	if (trial->count == 0)
		return fg_error_set(error, EINVAL,
				    "%s: no subject is called '%s'; --help names them",
				    trial->work.name, run->conf->subject);
	trial->values = calloc(trial->count * series, sizeof(*trial->values));
	if (trial->values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", run->repeats);
	for (uint32_t e = 0; e < trial->count; e++) {
		trial->entrants[e].build_ms = trial->values + e * series;
		for (unsigned int i = 0; i < INPUTS; i++)
			trial->entrants[e].ns[i] =
				trial->entrants[e].build_ms + (1 + i) * (size_t)run->repeats;
	}
	return 0;
}

/*
 * A network card leaves packets in the L3 cache, or in a part of it. So that
 * they are there and not in L2, the lines that are looked at, two a packet
 * (mbuf and header), take twice the room that L2 has.
 */
static uint32_t default_packets(void)
{
	const long l2_bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);

	return l2_bytes > 0 ? RTE_MAX(RTE_MIN((uint32_t)l2_bytes / 64, 65536u), 8192u) : 16384;
}

static int check_conf(struct run *run, struct fg_error *error)
{
	const struct classify_conf *conf = run->conf;

	run->packets = conf->packets > 0 ? (uint32_t)conf->packets : default_packets();
	if (conf->rules[0] != '\0' && conf->channels > 0)
		return fg_error_set(error, EINVAL, "either --channels or --rules, not both");
	if (conf->trace[0] != '\0' && conf->rules[0] == '\0')
		return fg_error_set(error, EINVAL, "--trace needs --rules");
	if (conf->engine[0] == '\0')
		return 0;
	for (const char *const *engine = fg_table_engines; *engine != NULL; engine++)
		if (strcmp(*engine, conf->engine) == 0)
			run->engine = *engine;
	return run->engine != NULL
		       ? 0
		       : fg_error_set(error, EINVAL, "no engine is called '%s'", conf->engine);
}

static int make_trials(struct run *run, struct fg_error *error)
{
	const struct classify_conf *conf = run->conf;
	const uint32_t count = conf->rules[0] != '\0' || conf->channels > 0 ? 1 : CASES_MAX;
	int rc = 0;

	while (rc == 0 && run->count < count) {
		struct trial *trial = &run->trials[run->count];

		if (conf->rules[0] != '\0')
			rc = work_make_rules(&trial->work, conf->rules, conf->trace, run->packets,
					     error);
		else
			rc = work_make_groups(&trial->work,
					      conf->channels > 0 ? (uint32_t)conf->channels
								 : channel_counts[run->count],
					      run->packets, error);
		run->count++;
		if (rc == 0)
			rc = add_entrants(run, trial, error);
	}
	return rc;
}

/* Is a failed build a reason to go on without this entrant? */
static bool bearable(const struct entrant *entrant)
{
	return entrant->subject.kind->may_fail ||
	       (entrant->probe.rc == -ENOTSUP && entrant->subject.variant != NULL);
}

/* Each table once in a child, before there is an EAL that it could spoil. */
static int probe_trial(struct trial *trial, struct fg_error *error)
{
	for (uint32_t e = 0; e < trial->count; e++) {
		struct entrant *entrant = &trial->entrants[e];
		int rc;

		if (entrant->subject.kind->build == NULL)
			continue;
		rc = classify_probe(&entrant->subject, &trial->work, &entrant->probe, error);
		if (rc != 0)
			return rc;
		if (entrant->probe.rc == 0)
			continue;
		if (!bearable(entrant))
			return fg_error_set(error, -entrant->probe.rc, "%s: %s: %s",
					    trial->work.name, entrant->subject.name,
					    entrant->probe.reason);
		entrant->out = true;
		classify_note(&trial->work, &entrant->subject, entrant->probe.reason);
	}
	return 0;
}

/* What all tables of a case take, and as much again for what there is while they are built. */
static uint64_t tables_bytes(const struct run *run)
{
	uint64_t most = 0;

	for (uint32_t t = 0; t < run->count; t++) {
		uint64_t sum = 0;

		for (uint32_t e = 0; e < run->trials[t].count; e++)
			sum += run->trials[t].entrants[e].probe.heap_bytes;
		most = RTE_MAX(most, sum);
	}
	return 2 * most + TABLES_BYTES_MIN;
}

/* Of an entrant that was built, which variant? None: then it is no entrant of its own. */
static void look_at_variant(const struct trial *trial, struct entrant *entrant)
{
	struct fg_table_info info;
	char text[96];

	if (entrant->subject.kind != &subject_feedgate || entrant->subject.state == NULL)
		return;
	fg_table_info(entrant->subject.state, &info);
	if (entrant->subject.variant != NULL) {
		entrant->out = strcmp(info.variant, "-") == 0;
		return;
	}
	snprintf(text, sizeof(text), "engine %s, variant %s", info.engine, info.variant);
	classify_note(&trial->work, &entrant->subject, text);
}

static int run_trial(struct run *run, struct trial *trial, struct fg_error *error)
{
	int rc = 0;

	if (trial->work.channels > 0)
		rc = work_fill_packets(&trial->work, run->pool, error);
	for (uint32_t e = 0; rc == 0 && e < trial->count; e++) {
		rc = entrant_build(&trial->entrants[e], &trial->work, &run->memory, run->repeats,
				   run->conf->pass_ms > 0, error);
		look_at_variant(trial, &trial->entrants[e]);
	}
	if (rc == 0)
		rc = entrants_verify(trial->entrants, trial->count, &trial->work, error);
	if (rc == 0)
		rc = entrants_measure(trial->entrants, trial->count, &trial->work, run->repeats,
				      run->conf->pass_ms, error);
	for (uint32_t e = 0; e < trial->count; e++)
		if (trial->entrants[e].subject.state != NULL)
			trial->entrants[e].subject.kind->free(&trial->entrants[e].subject);
	return rc;
}

/* Where results go, and the first error on the way. */
struct report {
	struct output *out;
	struct fg_error *error;
	const char *case_name;
	int rc;
};

static void put(struct report *report, const char *subject, const char *metric, const char *unit,
		const double *values, uint32_t count)
{
	const struct result result = {.bench = "classify",
				      .case_name = report->case_name,
				      .subject = subject,
				      .metric = metric,
				      .unit = unit,
				      .peer = PEER,
				      .values = values,
				      .repeats = count};

	if (report->rc == 0)
		report->rc = output_add(report->out, &result, report->error);
}

static void put_touch(struct report *report, const struct entrant *entrant, const double *touch,
		      const double *ns, double *ratios, uint32_t repeats)
{
	if (entrant->subject.kind == &subject_feedgate && entrant->subject.variant == NULL)
		put(report, entrant->subject.name, "touch_ns_per_packet", "ns", touch, repeats);
	for (uint32_t i = 0; i < repeats; i++)
		ratios[i] = ns[i] / touch[i];
	put(report, entrant->subject.name, "touch_ratio", "x touch", ratios, repeats);
}

static void put_entrant(struct report *report, const struct trial *trial,
			const struct entrant *entrant, uint32_t repeats)
{
	const struct entrant *first = &trial->entrants[0];
	const enum input input = trial->work.channels > 0 ? INPUT_PACKETS : INPUT_KEYS;
	const char *name = entrant->subject.name;
	const double bytes = (double)entrant->table_bytes, peak = (double)entrant->probe.peak_bytes;

	put(report, name, "ns_per_packet", "ns", entrant->ns[input], repeats);
	if (!entrant->subject.kind->answers)
		return;
	if (input != INPUT_KEYS)
		put(report, name, "lookup_ns_per_packet", "ns", entrant->ns[INPUT_KEYS], repeats);
	put(report, name, "build_ms", "ms", entrant->build_ms, entrant->builds);
	put(report, name, "table_bytes", "bytes", &bytes, 1);
	if (entrant->probe.peak_bytes > 0)
		put(report, name, "build_peak_bytes", "bytes", &peak, 1);
	/* Its build times are put out: their place serves for the ratios. */
	if (first->subject.kind == &subject_touch)
		put_touch(report, entrant, first->ns[input], entrant->ns[input], entrant->build_ms,
			  repeats);
}

static int put_trial(const struct run *run, const struct trial *trial, struct output *out,
		     struct fg_error *error)
{
	struct report report = {.out = out, .error = error, .case_name = trial->work.name};

	for (uint32_t e = 0; e < trial->count; e++)
		if (!trial->entrants[e].out)
			put_entrant(&report, trial, &trial->entrants[e], run->repeats);
	return report.rc;
}

static int run_trials(struct run *run, struct output *out, struct fg_error *error)
{
	const uint32_t packets = run->conf->rules[0] != '\0' ? 0 : run->packets;
	int rc = 0;

	for (uint32_t t = 0; rc == 0 && t < run->count; t++)
		rc = probe_trial(&run->trials[t], error);
	if (rc == 0)
		rc = memory_open(&run->memory, error);
	if (rc != 0)
		return rc;
	rc = memory_add_heap(&run->memory, packets, tables_bytes(run), error);
	if (rc == 0 && packets > 0) {
		run->pool = memory_pool(&run->memory, packets);
		if (run->pool == NULL)
			rc = fg_error_set(error, ENOMEM, "no memory for %u packets", packets);
	}
	for (uint32_t t = 0; rc == 0 && t < run->count; t++) {
		rc = run_trial(run, &run->trials[t], error);
		if (rc == 0)
			rc = put_trial(run, &run->trials[t], out, error);
		work_free(&run->trials[t].work);
	}
	rte_mempool_free(run->pool);
	memory_close();
	return rc;
}

static int run(const void *conf, uint32_t repeats, struct output *out, struct fg_error *error)
{
	struct run run = {.conf = conf, .repeats = repeats};
	int rc = check_conf(&run, error);

	if (rc == 0)
		rc = make_trials(&run, error);
	if (rc == 0)
		rc = run_trials(&run, out, error);
	for (uint32_t t = 0; t < run.count; t++) {
		work_free(&run.trials[t].work);
		free(run.trials[t].values);
	}
	return rc;
}

const struct bench bench_classify = {
	.name = "classify",
	.help = "find a packet's rule, beside rte_acl, rte_hash and merely touching the packet",
	.options = classify_options,
	.conf_bytes = sizeof(struct classify_conf),
	.run = run,
};

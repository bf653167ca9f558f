/* SPDX-License-Identifier: MIT */
/*
 * classify: the time to find a packet's rule, beside DPDK's rte_acl and rte_hash, and beside
 * touching the packet, which is the least that any classifier can do.
 */
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
#include "progress.h"

#define FEEDGATE     "feedgate"
#define PEER         "rte_acl"
#define SUBJECTS_MAX 16u

#define TABLES_BYTES_MIN (UINT64_C(32) << 20)

struct classify_conf {
	uint64_t groups;
	char *rules;
	char *trace;
	uint64_t packets;
	char *engine;
	char *subject;
	uint64_t pass_ms;
};

#define ROW(member) .offset = offsetof(struct classify_conf, member)

static const struct fg_option classify_options[] = {
	{ROW(groups), .name = "groups", .type = FG_OPTION_U64, .max = 100000, .value = "0",
	 .help = "rules, each on a group; 0: 16, then 1000, 20000 and 100000"},
	{ROW(rules), .name = "rules", .type = FG_OPTION_STRING, .unit = "FILE", .value = "",
	 .help = "use the rules of this ClassBench file instead"},
	{ROW(trace), .name = "trace", .type = FG_OPTION_STRING, .unit = "FILE", .value = "",
	 .help = "ClassBench file of keys; default: keys drawn from the rules"},
	{ROW(packets), .name = "packets", .type = FG_OPTION_U64, .min = 64, .max = 262144,
	 .value = "65536", .help = "packets or keys that are looked up"},
	{ROW(engine), .name = "engine", .type = FG_OPTION_STRING, .unit = "NAME", .value = "",
	 .help = "feedgate's engine; default: it chooses"},
	{ROW(subject), .name = "subject", .type = FG_OPTION_STRING, .unit = "NAME", .value = "",
	 .help = "measure only this subject: touch, " FEEDGATE ", " FEEDGATE ":VARIANT, " PEER
		 ", rte_hash"},
	{ROW(pass_ms), .name = "pass-ms", .type = FG_OPTION_U64, .max = 10000, .value = "20",
	 .help = "minimum duration of a measurement; 0: one pass, for profilers"},
	{0}};

static const uint32_t group_counts[] = {16, 1000, 20000, 100000};
#define CASES_MAX RTE_DIM(group_counts)

/* A case: its work and its subjects. */
struct classify_case {
	struct work work;
	struct measurement subjects[SUBJECTS_MAX];
	uint32_t count;
	uint32_t done;  /* Repeats. */
	double *values; /* Of all subjects. */
};

/* Everything of one run. */
struct run {
	const struct classify_conf *conf;
	struct measure_conf measure;
	uint32_t packets;
	const char *engine; /* NULL: feedgate chooses. */
	struct classify_case cases[CASES_MAX];
	uint32_t count;
	struct memory memory;
	struct rte_mempool *pool;
	struct output *out;
};

static void add_subject(struct run *run, struct classify_case *c, const struct subject_kind *kind,
			const char *name, const char *variant)
{
	struct measurement *m = &c->subjects[c->count];

	if (c->count == SUBJECTS_MAX)
		return;
	*m = (struct measurement){
		.subject = {.kind = kind, .engine = run->engine, .variant = variant}};
	snprintf(m->subject.name, sizeof(m->subject.name), "%s%s%s", name,
		 variant != NULL ? ":" : "", variant != NULL ? variant : "");
	if (run->conf->subject[0] == '\0' || strcmp(run->conf->subject, m->subject.name) == 0)
		c->count++;
}

static int add_subjects(struct run *run, struct classify_case *c, struct fg_error *error)
{
	const uint32_t repeats = run->measure.repeats;
	const size_t series = (1 + INPUTS) * (size_t)repeats;

	add_subject(run, c, &subject_touch, "touch", NULL);
	add_subject(run, c, &subject_feedgate, FEEDGATE, NULL);
	for (const char *const *variant = fg_isa_options; *variant != NULL; variant++)
		if (strcmp(*variant, "auto") != 0)
			add_subject(run, c, &subject_feedgate, FEEDGATE, *variant);
	add_subject(run, c, &subject_acl, PEER, NULL);
	if (c->work.groups > 0)
		add_subject(run, c, &subject_hash, "rte_hash", NULL);
	if (c->count == 0)
		return fg_error_set(error, EINVAL,
				    "%s: no subject is called '%s'; --help names them",
				    c->work.name, run->conf->subject);
	c->values = calloc(c->count * series, sizeof(*c->values));
	if (c->values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	for (uint32_t e = 0; e < c->count; e++) {
		c->subjects[e].build_ms = c->values + e * series;
		for (unsigned int i = 0; i < INPUTS; i++)
			c->subjects[e].ns[i] = c->subjects[e].build_ms + (1 + i) * (size_t)repeats;
	}
	return 0;
}

/*
 * A NIC writes packets to the L3 cache. The packets here are to be there too, and not in L2: the
 * lines that are read, two a packet (mbuf and header), need twice the size of L2.
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
	if (conf->rules[0] != '\0' && conf->groups > 0)
		return fg_error_set(error, EINVAL, "either --groups or --rules, not both");
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

static int make_cases(struct run *run, struct fg_error *error)
{
	const struct classify_conf *conf = run->conf;
	const uint32_t count = conf->rules[0] != '\0' || conf->groups > 0 ? 1 : CASES_MAX;
	int rc = 0;

	while (rc == 0 && run->count < count) {
		struct classify_case *c = &run->cases[run->count];

		if (conf->rules[0] != '\0')
			rc = work_make_rules(&c->work, conf->rules, conf->trace, run->packets,
					     error);
		else
			rc = work_make_groups(&c->work,
					      conf->groups > 0 ? (uint32_t)conf->groups
							       : group_counts[run->count],
					      run->packets, error);
		run->count++;
		if (rc == 0)
			rc = add_subjects(run, c, error);
	}
	return rc;
}

/* A probe builds once. */
static uint64_t probe_ms(const struct run *run, const struct classify_case *c)
{
	return measure_build_ms(&c->work, &run->measure) / run->measure.repeats;
}

/* What a subject takes once it was probed. */
static uint64_t subject_ms(const struct run *run, const struct classify_case *c,
			   const struct measurement *m)
{
	return measure_run_ms(&c->work, &run->measure) +
	       (m->subject.kind->build != NULL ? measure_build_ms(&c->work, &run->measure) : 0);
}

static void expect_all(const struct run *run)
{
	for (uint32_t i = 0; i < run->count; i++) {
		const struct classify_case *c = &run->cases[i];

		for (uint32_t e = 0; e < c->count; e++) {
			if (c->subjects[e].subject.kind->build != NULL)
				progress_expect(probe_ms(run, c));
			progress_expect(subject_ms(run, c, &c->subjects[e]));
		}
	}
}

static void leave_out(const struct run *run, const struct classify_case *c, struct measurement *m)
{
	m->out = true;
	progress_leave_out(subject_ms(run, c, m));
}

/* Can the case be measured without this subject? */
static bool is_optional(const struct measurement *m)
{
	return m->subject.kind->may_fail || (m->probe.rc == -ENOTSUP && m->subject.variant != NULL);
}

/* Build each table once in a child process, before EAL is started here. */
static int probe_case(const struct run *run, struct classify_case *c, struct fg_error *error)
{
	for (uint32_t e = 0; e < c->count; e++) {
		struct measurement *m = &c->subjects[e];
		int rc;

		if (m->subject.kind->build == NULL)
			continue;
		progress_step(probe_ms(run, c), c->work.name, m->subject.name);
		rc = classify_probe(&m->subject, &c->work, &m->probe, error);
		if (rc != 0)
			return rc;
		if (m->probe.rc == 0)
			continue;
		if (!is_optional(m))
			return fg_error_set(error, -m->probe.rc, "%s: %s: %s", c->work.name,
					    m->subject.name, m->probe.reason);
		leave_out(run, c, m);
		message("%s: %s is left out: %s", c->work.name, m->subject.name, m->probe.reason);
	}
	return 0;
}

/* DPDK memory for the tables of a case, and as much again for their builds. */
static uint64_t tables_bytes(const struct run *run)
{
	uint64_t max = 0;

	for (uint32_t i = 0; i < run->count; i++) {
		uint64_t sum = 0;

		for (uint32_t e = 0; e < run->cases[i].count; e++)
			sum += run->cases[i].subjects[e].probe.heap_bytes;
		max = RTE_MAX(max, sum);
	}
	return 2 * max + TABLES_BYTES_MIN;
}

/* Report what feedgate chose. If the engine has no variants, leave the others out. */
static void check_variant(const struct run *run, const struct classify_case *c,
			  struct measurement *m)
{
	struct fg_table_info info;

	if (m->subject.kind != &subject_feedgate || m->subject.state == NULL)
		return;
	fg_table_info(m->subject.state, &info);
	if (m->subject.variant == NULL)
		message("%s: %s: engine %s, variant %s", c->work.name, m->subject.name, info.engine,
			info.variant);
	else if (strcmp(info.variant, "-") == 0)
		leave_out(run, c, m);
}

static int measure_case(struct run *run, struct classify_case *c, struct fg_error *error)
{
	int rc = 0;

	if (c->work.groups > 0)
		rc = work_fill_packets(&c->work, run->pool, error);
	for (uint32_t e = 0; rc == 0 && e < c->count; e++) {
		rc = measurement_build(&c->subjects[e], &c->work, &run->memory, &run->measure,
				       error);
		check_variant(run, c, &c->subjects[e]);
	}
	if (rc == 0)
		rc = measurements_verify(c->subjects, c->count, &c->work, error);
	if (rc == 0)
		rc = measurements_run(c->subjects, c->count, &c->work, &run->measure, &c->done,
				      error);
	for (uint32_t e = 0; e < c->count; e++)
		if (c->subjects[e].subject.state != NULL)
			c->subjects[e].subject.kind->free(&c->subjects[e].subject);
	return rc;
}

/* Where results go, and the first error. */
struct report {
	struct output *out;
	struct fg_error *error;
	const char *case_name;
	int rc;
};

static void add(struct report *report, const char *subject, const char *metric, const char *unit,
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

	if (report->rc == 0 && count > 0)
		report->rc = output_add(report->out, &result, report->error);
}

static void add_touch(struct report *report, struct measurement *m, const double *touch,
		      const double *ns, uint32_t repeats)
{
	/* The build times were added already, so their array is free for the ratios. */
	double *ratios = m->build_ms;

	if (m->subject.kind == &subject_feedgate && m->subject.variant == NULL)
		add(report, m->subject.name, "touch_ns_per_packet", "ns", touch, repeats);
	for (uint32_t i = 0; i < repeats; i++)
		ratios[i] = ns[i] / touch[i];
	add(report, m->subject.name, "touch_ratio", "x touch", ratios, repeats);
}

static void add_subject_results(struct report *report, const struct classify_case *c,
				struct measurement *m)
{
	const struct measurement *first = &c->subjects[0];
	const enum input input = c->work.groups > 0 ? INPUT_PACKETS : INPUT_KEYS;
	const char *name = m->subject.name;
	const double bytes = (double)m->table_bytes, peak = (double)m->probe.peak_bytes;

	add(report, name, "ns_per_packet", "ns", m->ns[input], c->done);
	if (!m->subject.kind->answers)
		return;
	if (input != INPUT_KEYS)
		add(report, name, "lookup_ns_per_packet", "ns", m->ns[INPUT_KEYS], c->done);
	add(report, name, "build_ms", "ms", m->build_ms, m->builds);
	add(report, name, "table_bytes", "bytes", &bytes, m->builds > 0);
	add(report, name, "build_peak_bytes", "bytes", &peak, m->probe.peak_bytes > 0);
	if (first->subject.kind == &subject_touch)
		add_touch(report, m, first->ns[input], m->ns[input], c->done);
}

/* Print what was measured, also if it was interrupted. */
static int print_case(const struct run *run, struct classify_case *c, struct fg_error *error)
{
	struct report report = {.out = run->out, .error = error, .case_name = c->work.name};

	for (uint32_t e = 0; e < c->count; e++)
		if (!c->subjects[e].out)
			add_subject_results(&report, c, &c->subjects[e]);
	return report.rc == 0 ? output_finish_case(run->out, error) : report.rc;
}

static int run_case(struct run *run, struct classify_case *c, struct fg_error *error)
{
	struct fg_error print_error = {0};
	int rc = measure_case(run, c, error), print_rc = 0;

	if (rc == 0 || rc == -EINTR)
		print_rc = print_case(run, c, &print_error);
	if (rc == 0 && print_rc != 0) {
		*error = print_error;
		rc = print_rc;
	}
	work_free(&c->work);
	return rc;
}

static int run_cases(struct run *run, struct fg_error *error)
{
	const uint32_t packets = run->conf->rules[0] != '\0' ? 0 : run->packets;
	int rc = 0;

	expect_all(run);
	for (uint32_t i = 0; rc == 0 && i < run->count; i++)
		rc = probe_case(run, &run->cases[i], error);
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
	for (uint32_t i = 0; rc == 0 && i < run->count; i++)
		rc = run_case(run, &run->cases[i], error);
	/* Packets go back to the pool before it is freed. */
	for (uint32_t i = 0; i < run->count; i++)
		work_free(&run->cases[i].work);
	rte_mempool_free(run->pool);
	memory_close();
	return rc;
}

static int run(const void *conf_in, uint32_t repeats, struct output *out, struct fg_error *error)
{
	const struct classify_conf *conf = conf_in;
	struct run run = {.conf = conf,
			  .measure = {.repeats = repeats, .pass_ms = conf->pass_ms},
			  .out = out};
	int rc = check_conf(&run, error);

	if (rc == 0)
		rc = make_cases(&run, error);
	if (rc == 0)
		rc = run_cases(&run, error);
	for (uint32_t i = 0; i < run.count; i++) {
		work_free(&run.cases[i].work);
		free(run.cases[i].values);
	}
	return rc;
}

const struct bench bench_classify = {
	.name = "classify",
	.help = "find a packet's rule, beside rte_acl, rte_hash and touching the packet",
	.options = classify_options,
	.conf_bytes = sizeof(struct classify_conf),
	.run = run,
};

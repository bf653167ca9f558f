/* SPDX-License-Identifier: MIT */
/*
 * feed: the time to find the messages of a packet that a subscription matches, beside a plain loop
 * and beside touching the packet, which is the least that any filter can do; and the time that
 * arbitration adds.
 */
#include "feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_common.h>

#include "bench.h"
#include "child.h"
#include "classify_memory.h"
#include "output.h"
#include "progress.h"

#define ORDERS       16u /* Of visits, if the packets stay in the cache. */
#define INSTRUMENTS  64u
#define MANY         1000000u
#define SUBJECTS_MAX 3u
#define NS_PER_MS    1000000u
#define ROUNDS_MAX   1000000u

struct feed_conf {
	uint64_t packets;
	uint64_t dram_packets;
	char *cases;
	char *subject;
	uint64_t pass_ms;
};

#define ROW(member) .offset = offsetof(struct feed_conf, member)

static const struct fg_option feed_options[] = {
	{ROW(packets), .name = "packets", .type = FG_OPTION_U64, .min = 64, .max = 262144,
	 .value = "8192", .help = "packets to filter, in the L3 cache"},
	{ROW(dram_packets), .name = "dram-packets", .type = FG_OPTION_U64, .min = 64,
	 .max = 1048576, .value = "131072", .help = "packets of the case in memory"},
	{ROW(cases), .name = "case", .type = FG_OPTION_STRING, .unit = "NAME", .value = "",
	 .help = "measure only this case: itch50-l3, itch50-dram, mdp3-l3, instruments-1000000, "
		 "lines-96x2"},
	{ROW(subject), .name = "subject", .type = FG_OPTION_STRING, .unit = "NAME", .value = "",
	 .help = "measure only this subject: touch, feedgate, naive"},
	{ROW(pass_ms), .name = "pass-ms", .type = FG_OPTION_U64, .max = 10000, .value = "50",
	 .help = "minimum duration of a measurement; 0: one pass, for profilers"},
	{0}};

struct feed_case {
	const char *name;
	enum stream_kind kind;
	uint32_t instruments; /* Of the packets. */
	uint32_t selected;    /* Instruments that the filter selects. */
	bool dram, lines;
	const char *peer;
	const char *rate; /* The second metric. */
};

static const struct feed_case feed_cases[] = {
	{.name = "itch50-l3",
	 .kind = STREAM_ITCH50,
	 .instruments = 8000,
	 .selected = INSTRUMENTS,
	 .peer = "naive",
	 .rate = "messages_per_s"},
	{.name = "itch50-dram",
	 .kind = STREAM_ITCH50,
	 .instruments = 8000,
	 .selected = INSTRUMENTS,
	 .dram = true,
	 .peer = "naive",
	 .rate = "messages_per_s"},
	{.name = "mdp3-l3",
	 .kind = STREAM_MDP3,
	 .instruments = 8000,
	 .selected = INSTRUMENTS,
	 .peer = "naive",
	 .rate = "entries_per_s"},
	{.name = "instruments-1000000",
	 .kind = STREAM_MDP3,
	 .instruments = 2 * MANY,
	 .selected = MANY,
	 .peer = "feedgate:64",
	 .rate = "entries_per_s"},
	{.name = "lines-96x2", .lines = true},
};

/* Everything of one run. */
struct run {
	const struct feed_conf *conf;
	const struct feed_case *feed_case;
	uint32_t repeats;
	int socket_id;
	struct stream stream;
	struct feed_subject subjects[SUBJECTS_MAX];
	uint32_t count;
	uint32_t done; /* Repeats. */
	double *values;
	struct output *out;
};

/* Return values of passes go here, so that the compiler cannot remove the passes. */
static uint64_t sink;

/* CPU time of this thread, without that of other programs. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The code that is timed, in a function of its own for profilers. */
static __rte_noinline uint64_t feed_timed(struct feed_subject *subject, const struct stream *stream)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < subject->rounds; i++)
		sum += subject->pass(subject, stream);
	return sum;
}

static struct feed_subject *next_subject(struct run *run, const char *name)
{
	struct feed_subject *subject = &run->subjects[run->count];
	const char *only = run->conf->subject;

	if (only[0] != '\0' && strncmp(only, name, strlen(only)) != 0)
		return NULL;
	subject->name = name;
	subject->ns = run->values + (size_t)run->count * run->repeats;
	run->count++;
	return subject;
}

static int make_filters(struct run *run, struct fg_error *error)
{
	const struct feed_case *feed_case = run->feed_case;
	struct feed_subject *subject = next_subject(run, "touch");
	int rc = 0;

	if (subject != NULL)
		feed_subject_make_touch(subject);
	subject = next_subject(run, "feedgate");
	if (subject != NULL)
		rc = feed_subject_make_feedgate(subject, &run->stream, feed_case->selected, error);
	subject = rc == 0 ? next_subject(run, feed_case->peer) : NULL;
	if (subject != NULL && feed_case->selected == MANY)
		return feed_subject_make_feedgate(subject, &run->stream, INSTRUMENTS, error);
	if (subject != NULL)
		return feed_subject_make_naive(subject, &run->stream, feed_case->selected, error);
	return rc;
}

static int make_case(struct run *run, struct fg_error *error)
{
	const struct feed_case *feed_case = run->feed_case;
	const uint32_t packets =
		(uint32_t)(feed_case->dram ? run->conf->dram_packets : run->conf->packets);
	int rc;

	run->stream = (struct stream){.kind = feed_case->kind, .socket_id = run->socket_id};
	if (feed_case->lines) {
		rc = stream_make_lines(&run->stream, error);
		if (rc != 0)
			return rc;
		run->count = 2;
		for (uint32_t i = 0; i < run->count; i++)
			run->subjects[i].ns = run->values + (size_t)i * run->repeats;
		feed_subject_make_headers(&run->subjects[0]);
		run->subjects[0].name = "headers";
		run->subjects[1].name = "feedgate";
		return feed_subject_make_arbiter(&run->subjects[1], run->socket_id, error);
	}
	rc = stream_make(&run->stream, feed_case->instruments, packets,
			 feed_case->dram ? 1 : ORDERS, error);
	return rc == 0 ? make_filters(run, error) : rc;
}

/* All subjects that filter must find the same, unless they select different instruments. */
static int verify(struct run *run, struct fg_error *error)
{
	const struct feed_subject *first = NULL;

	for (uint32_t i = 0; i < run->count; i++) {
		struct feed_subject *subject = &run->subjects[i];
		const uint64_t answer = subject->pass(subject, &run->stream);
		const uint64_t expected = subject->answer != 0 ? subject->answer
					  : first != NULL && run->feed_case->selected != MANY
						  ? first->answer
						  : answer;

		if (!subject->answers)
			continue;
		if (answer != expected)
			return fg_error_set(error, EBADMSG,
					    "%s: %s: wrong answer: %" PRIu64
					    " matched, expected %" PRIu64,
					    run->feed_case->name, subject->name, answer, expected);
		subject->answer = answer;
		first = subject;
	}
	return 0;
}

/* About how many milliseconds a measurement takes. */
static uint64_t work_ms(const struct feed_conf *conf)
{
	return conf->pass_ms + 20;
}

static void count_rounds(struct run *run, struct feed_subject *subject)
{
	const uint64_t begin_ns = cpu_ns();
	uint64_t ns;

	sink += subject->pass(subject, &run->stream);
	ns = RTE_MAX(cpu_ns() - begin_ns, 1u);
	subject->rounds = (uint32_t)RTE_MIN(1 + run->conf->pass_ms * NS_PER_MS / ns, ROUNDS_MAX);
}

static int measure_one(struct run *run, struct feed_subject *subject, uint32_t repeat,
		       struct fg_error *error)
{
	uint64_t begin_ns, sum, ns;

	if (child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	progress_step(work_ms(run->conf), run->feed_case->name, subject->name);
	/* Warm the caches up: the subject before used them. */
	sink += subject->pass(subject, &run->stream);
	begin_ns = cpu_ns();
	sum = feed_timed(subject, &run->stream);
	ns = cpu_ns() - begin_ns;
	subject->ns[repeat] = (double)ns / ((double)subject->rounds * run->stream.n_visits);
	sink += sum;
	if (subject->answers && sum != subject->answer * subject->rounds)
		return fg_error_set(error, EBADMSG,
				    "%s: %s: wrong answers: their sum over %u passes is %" PRIu64
				    ", expected %" PRIu64,
				    run->feed_case->name, subject->name, subject->rounds, sum,
				    subject->answer * subject->rounds);
	return 0;
}

static int measure(struct run *run, struct fg_error *error)
{
	int rc = verify(run, error);

	for (uint32_t i = 0; rc == 0 && i < run->count; i++)
		count_rounds(run, &run->subjects[i]);
	for (uint32_t repeat = 0; rc == 0 && repeat < run->repeats; repeat++) {
		for (uint32_t i = 0; rc == 0 && i < run->count; i++)
			rc = measure_one(run, &run->subjects[i], repeat, error);
		run->done += rc == 0;
	}
	return rc;
}

static int add(struct run *run, const char *subject, const char *metric, const char *unit,
	       const double *values, struct fg_error *error)
{
	const struct result result = {.bench = "feed",
				      .case_name = run->feed_case->name,
				      .subject = subject,
				      .metric = metric,
				      .unit = unit,
				      .peer = run->feed_case->peer,
				      .values = values,
				      .repeats = run->done};

	return output_add(run->out, &result, error);
}

static int add_filter(struct run *run, const struct feed_subject *subject,
		      const struct feed_subject *touch, double *values, struct fg_error *error)
{
	const struct feed_case *feed_case = run->feed_case;
	const bool entries = strcmp(feed_case->rate, "entries_per_s") == 0;
	const uint64_t count = entries ? run->stream.n_entries : run->stream.n_messages;
	int rc = add(run, subject->name, "ns_per_packet", "ns", subject->ns, error);

	if (rc != 0 || !subject->answers)
		return rc;
	for (uint32_t i = 0; i < run->done; i++)
		values[i] = 1e9 * (double)count / (subject->ns[i] * run->stream.n_visits);
	rc = add(run, subject->name, feed_case->rate, entries ? "entries/s" : "messages/s", values,
		 error);
	if (rc != 0 || touch == NULL || strcmp(subject->name, "feedgate") != 0)
		return rc;
	return add(run, subject->name, "touch_ns_per_packet", "ns", touch->ns, error);
}

static int add_case(struct run *run, struct fg_error *error)
{
	double *values = run->values + (size_t)SUBJECTS_MAX * run->repeats;
	const struct feed_subject *first = &run->subjects[0];
	int rc = 0;

	if (run->feed_case->lines) {
		for (uint32_t i = 0; i < run->done; i++)
			values[i] = RTE_MAX(run->subjects[1].ns[i] - first->ns[i], 0.001);
		return add(run, "feedgate", "arbitration_ns_per_packet", "ns", values, error);
	}
	for (uint32_t i = 0; rc == 0 && i < run->count; i++)
		rc = add_filter(run, &run->subjects[i], first->answers ? NULL : first, values,
				error);
	return rc;
}

/* Print what was measured, also if it was interrupted. */
static int print_case(struct run *run, struct fg_error *error)
{
	const int rc = run->done > 0 ? add_case(run, error) : 0;

	return rc == 0 ? output_finish_case(run->out, error) : rc;
}

static int run_case(struct run *run, struct fg_error *error)
{
	struct fg_error print_error = {0};
	int rc, print_rc = 0;

	memset(run->subjects, 0, sizeof(run->subjects));
	run->count = 0;
	run->done = 0;
	rc = make_case(run, error);
	if (rc == 0)
		rc = measure(run, error);
	if (rc == 0 || rc == -EINTR)
		print_rc = print_case(run, &print_error);
	if (rc == 0 && print_rc != 0) {
		*error = print_error;
		rc = print_rc;
	}
	for (uint32_t i = 0; i < SUBJECTS_MAX; i++)
		feed_subject_free(&run->subjects[i]);
	stream_free(&run->stream);
	return rc;
}

static bool is_asked_for(const struct feed_conf *conf, const struct feed_case *feed_case)
{
	if (feed_case->lines && conf->subject[0] != '\0' && strcmp(conf->subject, "feedgate") != 0)
		return false;
	return conf->cases[0] == '\0' || strcmp(conf->cases, feed_case->name) == 0;
}

/* How many subjects a case has. */
static uint32_t count_subjects(const struct feed_conf *conf, const struct feed_case *feed_case)
{
	return feed_case->lines ? 2 : conf->subject[0] != '\0' ? 1 : SUBJECTS_MAX;
}

static int check_conf(const struct feed_conf *conf, struct fg_error *error)
{
	static const char *const subjects[] = {"", "touch", "feedgate", "naive"};
	bool any = false;

	for (size_t i = 0; i < RTE_DIM(feed_cases); i++)
		any |= is_asked_for(conf, &feed_cases[i]);
	if (!any)
		return fg_error_set(error, EINVAL, "no case is called '%s'; --help names them",
				    conf->cases);
	for (size_t i = 0; i < RTE_DIM(subjects); i++)
		if (strcmp(subjects[i], conf->subject) == 0)
			return 0;
	return fg_error_set(error, EINVAL, "no subject is called '%s'; --help names them",
			    conf->subject);
}

static int run_cases(struct run *run, struct fg_error *error)
{
	const uint64_t packets =
		RTE_MAX(RTE_MAX(run->conf->packets, run->conf->dram_packets), LINES_FEEDS * 86u);
	struct memory memory;
	int rc = memory_open(&memory, error);

	if (rc != 0)
		return rc;
	rc = memory_add_heap(&memory, 0, stream_bytes((uint32_t)packets) + (UINT64_C(256) << 20),
			     error);
	run->socket_id = memory.socket_id;
	for (size_t i = 0; i < RTE_DIM(feed_cases); i++)
		if (is_asked_for(run->conf, &feed_cases[i]))
			progress_expect(run->repeats * count_subjects(run->conf, &feed_cases[i]) *
					work_ms(run->conf));
	for (size_t i = 0; rc == 0 && i < RTE_DIM(feed_cases); i++) {
		run->feed_case = &feed_cases[i];
		if (is_asked_for(run->conf, run->feed_case))
			rc = run_case(run, error);
	}
	memory_close();
	return rc;
}

static int run(const void *conf, uint32_t repeats, struct output *out, struct fg_error *error)
{
	struct run run = {.conf = conf, .repeats = repeats, .out = out};
	int rc = check_conf(conf, error);

	if (rc != 0)
		return rc;
	run.values = calloc((size_t)(SUBJECTS_MAX + 1) * repeats, sizeof(*run.values));
	if (run.values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	rc = run_cases(&run, error);
	free(run.values);
	return rc;
}

const struct bench bench_feed = {
	.name = "feed",
	.help = "find the messages of a packet that a subscription matches, beside a plain loop "
		"and touching the packet",
	.options = feed_options,
	.conf_bytes = sizeof(struct feed_conf),
	.run = run,
};

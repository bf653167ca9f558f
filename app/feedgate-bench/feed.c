/* SPDX-License-Identifier: MIT */
/*
 * feed: what it takes to find the messages of a packet that are wanted, beside a
 * plain walk, and beside the least that anybody can do with a packet; and what
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
#include "output.h"

#define ORDERS      16u /* Of packets that are visited again and again. */
#define INSTRUMENTS 64u
#define MANY        1000000u
#define FEEDERS_MAX 3u
#define NS_PER_MS   1000000u
#define ROUNDS_MAX  1000000u

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
	 .value = "8192", .help = "packets that are filtered in turn, in the L3 cache"},
	{ROW(dram_packets), .name = "dram-packets", .type = FG_OPTION_U64, .min = 64,
	 .max = 1048576, .value = "131072",
	 .help = "packets that come from memory, one after another"},
	{ROW(cases), .name = "case", .type = FG_OPTION_STRING, .value = "",
	 .help = "only this one: itch50-l3, itch50-dram, mdp3-l3, instruments-1000000, lines-96x2"},
	{ROW(subject), .name = "subject", .type = FG_OPTION_STRING, .value = "",
	 .help = "only this one: touch, feedgate, naive"},
	{ROW(pass_ms), .name = "pass-ms", .type = FG_OPTION_U64, .max = 10000, .value = "50",
	 .help = "how long a measurement lasts at least; 0: one pass, for profilers"},
	{0}};

/* A case. */
struct contest {
	const char *name;
	enum stream_kind kind;
	uint32_t instruments; /* That the packets are about. */
	uint32_t wanted;      /* Of these, wanted. */
	bool dram, lines;
	const char *peer;
	const char *rate; /* A rate that is put out. */
};

static const struct contest contests[] = {
	{.name = "itch50-l3",
	 .kind = STREAM_ITCH50,
	 .instruments = 8000,
	 .wanted = INSTRUMENTS,
	 .peer = "naive",
	 .rate = "messages_per_s"},
	{.name = "itch50-dram",
	 .kind = STREAM_ITCH50,
	 .instruments = 8000,
	 .wanted = INSTRUMENTS,
	 .dram = true,
	 .peer = "naive",
	 .rate = "messages_per_s"},
	{.name = "mdp3-l3",
	 .kind = STREAM_MDP3,
	 .instruments = 8000,
	 .wanted = INSTRUMENTS,
	 .peer = "naive",
	 .rate = "entries_per_s"},
	{.name = "instruments-1000000",
	 .kind = STREAM_MDP3,
	 .instruments = 2 * MANY,
	 .wanted = MANY,
	 .peer = "feedgate:64",
	 .rate = "entries_per_s"},
	{.name = "lines-96x2", .lines = true},
};

/* Everything of one run. */
struct run {
	const struct feed_conf *conf;
	const struct contest *contest;
	uint32_t repeats;
	int socket_id;
	struct stream stream;
	struct feeder feeders[FEEDERS_MAX];
	uint32_t count;
	double *values;
	struct output *out;
};

/* What a pass returns goes here, or the compiler might leave out what adds it up. */
static uint64_t sink;

/* Time that this thread was on the CPU: other programs' share is left out. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What is timed, and what a profiler is told to look at. */
static __rte_noinline uint64_t feed_timed(struct feeder *feeder, const struct stream *stream)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < feeder->rounds; i++)
		sum += feeder->pass(feeder, stream);
	return sum;
}

static struct feeder *next_feeder(struct run *run, const char *name)
{
	struct feeder *feeder = &run->feeders[run->count];
	const char *only = run->conf->subject;

	if (only[0] != '\0' && strncmp(only, name, strlen(only)) != 0)
		return NULL;
	feeder->name = name;
	feeder->ns = run->values + (size_t)run->count * run->repeats;
	run->count++;
	return feeder;
}

static int make_filters(struct run *run, struct fg_error *error)
{
	const struct contest *contest = run->contest;
	struct feeder *feeder = next_feeder(run, "touch");
	int rc = 0;

	if (feeder != NULL)
		feeder_make_touch(feeder);
	feeder = next_feeder(run, "feedgate");
	if (feeder != NULL)
		rc = feeder_make_feedgate(feeder, &run->stream, contest->kind, contest->wanted,
					  run->socket_id, error);
	feeder = rc == 0 ? next_feeder(run, contest->peer) : NULL;
	if (feeder != NULL && contest->wanted == MANY)
		return feeder_make_feedgate(feeder, &run->stream, contest->kind, INSTRUMENTS,
					    run->socket_id, error);
	if (feeder != NULL)
		return feeder_make_naive(feeder, contest->kind, contest->wanted, error);
	return rc;
}

static int make_contest(struct run *run, struct fg_error *error)
{
	const struct contest *contest = run->contest;
	const uint32_t packets =
		(uint32_t)(contest->dram ? run->conf->dram_packets : run->conf->packets);
	int rc;

	if (contest->lines) {
		rc = lines_make(&run->stream, run->socket_id, error);
		if (rc != 0)
			return rc;
		run->count = 2;
		for (uint32_t i = 0; i < run->count; i++)
			run->feeders[i].ns = run->values + (size_t)i * run->repeats;
		feeder_make_headers(&run->feeders[0]);
		run->feeders[0].name = "headers";
		run->feeders[1].name = "feedgate";
		return feeder_make_judge(&run->feeders[1], run->socket_id, error);
	}
	rc = stream_make(&run->stream, contest->kind, contest->instruments, packets,
			 contest->dram ? 1 : ORDERS, run->socket_id, error);
	return rc == 0 ? make_filters(run, error) : rc;
}

/* All that answer say the same, but where they are asked for something else. */
static int verify(struct run *run, struct fg_error *error)
{
	const struct feeder *first = NULL;

	for (uint32_t i = 0; i < run->count; i++) {
		struct feeder *feeder = &run->feeders[i];
		const uint64_t answer = feeder->pass(feeder, &run->stream);
		const uint64_t expected = feeder->answer != 0 ? feeder->answer
					  : first != NULL && run->contest->wanted != MANY
						  ? first->answer
						  : answer;

		if (!feeder->answers)
			continue;
		if (answer != expected)
			return fg_error_set(error, EBADMSG,
					    "%s: %s: wrong answer: %" PRIu64
					    " wanted, expected %" PRIu64,
					    run->contest->name, feeder->name, answer, expected);
		feeder->answer = answer;
		first = feeder;
	}
	return 0;
}

static void count_rounds(struct run *run, struct feeder *feeder)
{
	const uint64_t begin_ns = cpu_ns();
	uint64_t ns;

	sink += feeder->pass(feeder, &run->stream);
	ns = RTE_MAX(cpu_ns() - begin_ns, 1u);
	feeder->rounds = (uint32_t)RTE_MIN(1 + run->conf->pass_ms * NS_PER_MS / ns, ROUNDS_MAX);
}

static int measure_one(struct run *run, struct feeder *feeder, uint32_t repeat,
		       struct fg_error *error)
{
	uint64_t begin_ns, sum, ns;

	if (child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	/* Whoever came before has left the caches full of what is his. */
	sink += feeder->pass(feeder, &run->stream);
	begin_ns = cpu_ns();
	sum = feed_timed(feeder, &run->stream);
	ns = cpu_ns() - begin_ns;
	feeder->ns[repeat] = (double)ns / ((double)feeder->rounds * run->stream.n_turns);
	sink += sum;
	if (feeder->answers && sum != feeder->answer * feeder->rounds)
		return fg_error_set(error, EBADMSG,
				    "%s: %s: wrong answers: their sum over %u passes is %" PRIu64
				    ", expected %" PRIu64,
				    run->contest->name, feeder->name, feeder->rounds, sum,
				    feeder->answer * feeder->rounds);
	return 0;
}

static int measure(struct run *run, struct fg_error *error)
{
	int rc = verify(run, error);

	for (uint32_t i = 0; rc == 0 && i < run->count; i++)
		count_rounds(run, &run->feeders[i]);
	for (uint32_t repeat = 0; rc == 0 && repeat < run->repeats; repeat++)
		for (uint32_t i = 0; rc == 0 && i < run->count; i++)
			rc = measure_one(run, &run->feeders[i], repeat, error);
	return rc;
}

static int put(struct run *run, const char *subject, const char *metric, const char *unit,
	       const double *values, struct fg_error *error)
{
	const struct result result = {.bench = "feed",
				      .case_name = run->contest->name,
				      .subject = subject,
				      .metric = metric,
				      .unit = unit,
				      .peer = run->contest->peer,
				      .values = values,
				      .repeats = run->repeats};

	return output_add(run->out, &result, error);
}

static int put_filter(struct run *run, const struct feeder *feeder, const struct feeder *touch,
		      double *values, struct fg_error *error)
{
	const struct contest *contest = run->contest;
	const bool entries = strcmp(contest->rate, "entries_per_s") == 0;
	const uint64_t count = entries ? run->stream.n_entries : run->stream.n_messages;
	int rc = put(run, feeder->name, "ns_per_packet", "ns", feeder->ns, error);

	if (rc != 0 || !feeder->answers)
		return rc;
	for (uint32_t i = 0; i < run->repeats; i++)
		values[i] = 1e9 * (double)count / (feeder->ns[i] * run->stream.n_turns);
	rc = put(run, feeder->name, contest->rate, entries ? "entries/s" : "messages/s", values,
		 error);
	if (rc != 0 || touch == NULL || strcmp(feeder->name, "feedgate") != 0)
		return rc;
	return put(run, feeder->name, "touch_ns_per_packet", "ns", touch->ns, error);
}

static int put_contest(struct run *run, struct fg_error *error)
{
	double *values = run->values + (size_t)FEEDERS_MAX * run->repeats;
	const struct feeder *first = &run->feeders[0];
	int rc = 0;

	if (run->contest->lines) {
		for (uint32_t i = 0; i < run->repeats; i++)
			values[i] = RTE_MAX(run->feeders[1].ns[i] - first->ns[i], 0.001);
		return put(run, "feedgate", "arbitration_ns_per_packet", "ns", values, error);
	}
	for (uint32_t i = 0; rc == 0 && i < run->count; i++)
		rc = put_filter(run, &run->feeders[i], first->answers ? NULL : first, values,
				error);
	return rc;
}

static int run_contest(struct run *run, struct fg_error *error)
{
	int rc;

	memset(run->feeders, 0, sizeof(run->feeders));
	memset(&run->stream, 0, sizeof(run->stream));
	run->count = 0;
	rc = make_contest(run, error);
	if (rc == 0)
		rc = measure(run, error);
	if (rc == 0)
		rc = put_contest(run, error);
	for (uint32_t i = 0; i < FEEDERS_MAX; i++)
		feeder_free(&run->feeders[i]);
	stream_free(&run->stream);
	return rc;
}

static bool is_asked_for(const struct feed_conf *conf, const struct contest *contest)
{
	if (contest->lines && conf->subject[0] != '\0' && strcmp(conf->subject, "feedgate") != 0)
		return false;
	return conf->cases[0] == '\0' || strcmp(conf->cases, contest->name) == 0;
}

static int check_conf(const struct feed_conf *conf, struct fg_error *error)
{
	static const char *const subjects[] = {"", "touch", "feedgate", "naive"};
	bool any = false;

	for (size_t i = 0; i < RTE_DIM(contests); i++)
		any |= is_asked_for(conf, &contests[i]);
	if (!any)
		return fg_error_set(error, EINVAL, "no case is called '%s'; --help names them",
				    conf->cases);
	for (size_t i = 0; i < RTE_DIM(subjects); i++)
		if (strcmp(subjects[i], conf->subject) == 0)
			return 0;
	return fg_error_set(error, EINVAL, "no subject is called '%s'; --help names them",
			    conf->subject);
}

static int run_contests(struct run *run, struct fg_error *error)
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
	for (size_t i = 0; rc == 0 && i < RTE_DIM(contests); i++) {
		run->contest = &contests[i];
		if (is_asked_for(run->conf, run->contest))
			rc = run_contest(run, error);
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
	run.values = calloc((size_t)(FEEDERS_MAX + 1) * repeats, sizeof(*run.values));
	if (run.values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	rc = run_contests(&run, error);
	free(run.values);
	return rc;
}

const struct bench bench_feed = {
	.name = "feed",
	.help = "find a packet's messages that are wanted, beside a plain walk and merely touching "
		"it",
	.options = feed_options,
	.conf_bytes = sizeof(struct feed_conf),
	.run = run,
};

/* SPDX-License-Identifier: MIT */
/*
 * feed: the time that the feed stage takes for a packet, of each protocol, with and without
 * arbitration, beside plain loops over the same messages and beside touching the packet, which is
 * the least that any filter can do.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_atomic.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>

#include "before.h"
#include "bench.h"
#include "child.h"
#include "eal.h"
#include "feed_results.h"
#include "feed_work.h"
#include "output.h"
#include "progress.h"

#define PACKET_NS    40u /* between packets; of the arbiter's clock */
#define START_NS     UINT64_C(1700000000000000000)
#define NS_PER_MS    1000000u
#define LAPS_MAX     1000000u
#define OTHERS_US    100u /* a burst that takes longer: another program had the CPU */
#define TABLES_MB    768u
#define PACKET_BYTES 2560u

#define ROW(member) .offset = offsetof(struct feed_conf, member)

static const struct fg_option feed_options[] = {
	{ROW(packets), .name = "packets", .type = FG_OPTION_U64, .min = 128, .max = 262144,
	 .value = "8192", .help = "packets of cases in the L3 cache, -l3 and others"},
	{ROW(l2_packets), .name = "l2-packets", .type = FG_OPTION_U64, .min = 128, .max = 262144,
	 .value = "128", .help = "packets of cases in the near caches, -l2"},
	{ROW(dram_packets), .name = "dram-packets", .type = FG_OPTION_U64, .min = 128,
	 .max = 1048576, .value = "131072", .help = "packets of the case in memory, -dram"},
	{ROW(cases), .name = "case", .type = FG_OPTION_STRING, .unit = "PATTERN", .value = "",
	 .help = "measure only these cases, e.g. 'itch50-*' or '*-l3': PROTOCOL-l2, -l3 and "
		 "-1000000, itch50-dram, lines-96x1, lines-96x2"},
	{ROW(subject), .name = "subject", .type = FG_OPTION_STRING, .unit = "PATTERN", .value = "",
	 .help = "measure only these subjects: touch, feedgate, feedgate:arbitrate, naive, "
		 "naive:walk"},
	{ROW(pass_ms), .name = "pass-ms", .type = FG_OPTION_U64, .max = 10000, .value = "50",
	 .help = "minimum duration of a measurement; 0: one lap, for profilers"},
	{ROW(memory), .name = "memory", .type = FG_OPTION_NAME, .names = eal_memories,
	 .value = "auto", .help = EAL_MEMORY_HELP},
	{ROW(before), .name = "before", .type = FG_OPTION_STRING, .unit = "PATH", .value = "",
	 .help = BEFORE_HELP},
	{0}};

/* The code that is timed, in a function of its own for profilers. */
static __rte_noinline void feed_timed(struct feed_subject *subject, const struct feed_burst *burst)
{
	subject->burst(subject, burst, subject->now_ns);
}

/* Nothing before it is still under way, and nothing after it has begun. */
static inline uint64_t ticks_now(void)
{
	uint64_t ticks;

	rte_rmb();
	ticks = rte_rdtsc();
	rte_rmb();
	return ticks;
}

/* Time of the bursts of laps. */
struct timed {
	uint64_t ticks, packets; /* without bursts in which another program ran */
	uint64_t all_ticks, all_packets;
};

static void run_lap(const struct run *run, struct feed_subject *subject, struct feed_seen *seen,
		    struct timed *timed)
{
	const uint64_t limit = rte_get_tsc_hz() / 1000000 * OTHERS_US;
	uint64_t left = feed_ring_packets(run->ring);

	while (left > 0) {
		struct feed_burst burst;
		uint64_t ticks;

		subject->now_ns += (uint64_t)FG_BURST_MAX * PACKET_NS;
		feed_ring_take(run->ring, subject->filters, subject->now_ns, &burst, seen);
		ticks = ticks_now();
		feed_timed(subject, &burst);
		ticks = ticks_now() - ticks;
		feed_ring_advance(run->ring);
		left -= burst.count;
		timed->all_ticks += ticks;
		timed->all_packets += burst.count;
		if (ticks < limit) {
			timed->ticks += ticks;
			timed->packets += burst.count;
		}
	}
}

static double ns_per_packet(const struct timed *timed)
{
	const bool any = timed->packets > 0;
	const double ticks = (double)(any ? timed->ticks : timed->all_ticks);
	const double packets = (double)(any ? timed->packets : timed->all_packets);

	return ticks * 1e9 / (double)rte_get_tsc_hz() / packets;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* One measurement: a lap to warm up, which also brings the arbiters to the numbers of this series,
 * and laps that count. */
static int measure_one(struct run *run, struct feed_subject *subject, uint32_t repeat,
		       struct fg_error *error)
{
	struct feed_seen seen = {0};
	struct timed timed = {0};
	uint64_t begun_ns;
	int rc = 0;

	if (child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	progress_step(run_work_ms(run->conf), run->case_name, subject->name);
	feed_ring_begin(run->ring, subject->next);
	begun_ns = cpu_ns();
	run_lap(run, subject, &seen, &timed);
	if (subject->check != NULL)
		subject->check(subject, NULL, error);
	if (subject->laps == 0)
		subject->laps = (uint32_t)RTE_MIN(1 + run->conf->pass_ms * NS_PER_MS /
								  RTE_MAX(cpu_ns() - begun_ns, 1u),
						  LAPS_MAX);
	seen = (struct feed_seen){0};
	timed = (struct timed){0};
	for (uint32_t i = 0; i < subject->laps; i++)
		run_lap(run, subject, &seen, &timed);
	feed_ring_end(run->ring, subject->next);
	if (subject->check != NULL)
		rc = subject->check(subject, &seen, error);
	subject->ns[repeat] = ns_per_packet(&timed);
	subject->packets = seen.packets;
	subject->messages = seen.messages;
	subject->entries = seen.entries;
	return rc;
}

static int measure(struct run *run, struct fg_error *error)
{
	int rc = 0;

	for (uint32_t repeat = 0; rc == 0 && repeat < run->repeats; repeat++) {
		for (uint32_t i = 0; rc == 0 && i < run->count; i++)
			rc = measure_one(run, &run->subjects[i], repeat, error);
		run->done += rc == 0;
	}
	return rc;
}

/* The next subject; NULL: it is not asked for. */
static struct feed_subject *next_subject(struct run *run, const char *name)
{
	struct feed_subject *subject = &run->subjects[run->count];

	if (!run_is_asked_for(run->conf, name))
		return NULL;
	subject->name = name;
	subject->now_ns = START_NS;
	subject->ns = run->values + (size_t)run->count * run->repeats;
	run->count++;
	return subject;
}

static int make_stages(struct run *run, const struct feed_maker *maker, struct fg_error *error)
{
	const uint32_t selected = run->feed_case.selected;
	struct feed_subject *subject = next_subject(run, "feedgate");
	int rc = 0;

	if (subject != NULL)
		rc = feed_stage_open(subject, maker, false, selected, SOCKET_ID_ANY, error);
	if (rc == 0 && selected <= FEED_FEW) {
		subject = next_subject(run, "feedgate:arbitrate");
		if (subject != NULL)
			rc = feed_stage_open(subject, maker, true, selected, SOCKET_ID_ANY, error);
	} else if (rc == 0) {
		subject = next_subject(run, "feedgate:64");
		if (subject != NULL)
			rc = feed_stage_open(subject, maker, false, FEED_FEW, SOCKET_ID_ANY, error);
	}
	return rc;
}

static int make_subjects(struct run *run, const struct feed_maker *maker, struct fg_error *error)
{
	struct feed_subject *subject = next_subject(run, "touch");
	int rc;

	if (subject != NULL)
		feed_touch_open(subject);
	rc = make_stages(run, maker, error);
	if (rc == 0 && feed_naive_has(&run->feed_case)) {
		subject = next_subject(run, "naive");
		if (subject != NULL)
			rc = feed_naive_open(subject, maker, error);
	}
	if (rc == 0 && feed_walk_has(&run->feed_case)) {
		subject = next_subject(run, "naive:walk");
		if (subject != NULL)
			rc = feed_walk_open(subject, maker, error);
	}
	return rc;
}

static uint32_t packets_of(const struct feed_conf *conf, enum feed_place place)
{
	return (uint32_t)(place == FEED_L2     ? conf->l2_packets
			  : place == FEED_DRAM ? conf->dram_packets
					       : conf->packets);
}

static void close_case(struct run *run, struct feed_maker *maker)
{
	for (uint32_t i = 0; i < run->count; i++)
		if (run->subjects[i].close != NULL && run->subjects[i].state != NULL)
			run->subjects[i].close(&run->subjects[i]);
	feed_ring_close(run->ring);
	run->ring = NULL;
	if (maker->close != NULL)
		maker->close(maker);
}

static int run_case(struct run *run, struct fg_error *error)
{
	struct feed_maker maker = {0};
	struct fg_error print_error = {0};
	int rc, print_rc = 0;

	memset(run->subjects, 0, sizeof(run->subjects));
	run->count = 0;
	run->done = 0;
	rc = feed_maker_open(&maker, &run->feed_case, error);
	if (rc == 0)
		rc = feed_ring_open(&run->ring, &maker, packets_of(run->conf, run->feed_case.place),
				    SOCKET_ID_ANY, error);
	if (rc == 0)
		rc = make_subjects(run, &maker, error);
	if (rc == 0)
		rc = measure(run, error);
	if (rc == 0 || rc == -EINTR)
		print_rc = run_print(run, &print_error);
	if (rc == 0 && print_rc != 0) {
		*error = print_error;
		rc = print_rc;
	}
	close_case(run, &maker);
	return rc;
}

static bool is_asked_for(const struct feed_conf *conf, const struct feed_case *feed_case)
{
	return conf->cases[0] == '\0' || fnmatch(conf->cases, feed_case->name, 0) == 0;
}

/* Check the names, and find the most packets of a case. */
static int check_conf(const struct feed_conf *conf, uint32_t *packets, struct fg_error *error)
{
	struct feed_case feed_case;
	uint32_t subjects = 0;

	*packets = 0;
	for (uint32_t i = 0; feed_case_get(i, &feed_case); i++)
		if (is_asked_for(conf, &feed_case)) {
			*packets = RTE_MAX(*packets, packets_of(conf, feed_case.place));
			subjects += run_subjects(conf, &feed_case);
		}
	if (*packets == 0)
		return fg_error_set(error, EINVAL, "no case is called '%s'; --help names them",
				    conf->cases);
	if (subjects == 0)
		return fg_error_set(error, EINVAL, "no subject is called '%s'; --help names them",
				    conf->subject);
	return 0;
}

static int run_cases(struct run *run, uint32_t packets, struct fg_error *error)
{
	const unsigned int megabytes =
		TABLES_MB + (unsigned int)(((uint64_t)packets * PACKET_BYTES) >> 20);
	unsigned int first, last;
	char lcores[32];
	int rc = eal_cpus(&first, &last, error);

	snprintf(lcores, sizeof(lcores), "0@%u", last);
	run->memory = run->conf->memory;
	if (rc == 0)
		rc = eal_start(&run->memory, megabytes, lcores, error);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; feed_case_get(i, &run->feed_case); i++)
		if (is_asked_for(run->conf, &run->feed_case))
			progress_expect(run->repeats * run_work_ms(run->conf) *
					run_subjects(run->conf, &run->feed_case));
	for (uint32_t i = 0; rc == 0 && feed_case_get(i, &run->feed_case); i++) {
		snprintf(run->case_name, sizeof(run->case_name), "%s-%s", run->feed_case.name,
			 eal_memories[run->memory]);
		if (is_asked_for(run->conf, &run->feed_case) &&
		    run_subjects(run->conf, &run->feed_case) > 0)
			rc = run_case(run, error);
	}
	rte_eal_cleanup();
	return rc;
}

static int run(const void *conf_in, uint32_t repeats, struct output *out, struct fg_error *error)
{
	const struct feed_conf *conf = conf_in;
	struct run run = {.conf = conf, .repeats = repeats, .out = out};
	uint32_t packets;
	int rc = check_conf(conf, &packets, error);

	if (rc != 0)
		return rc;
	if (conf->before[0] != '\0')
		return feed_before(conf, repeats, out, error);
	run.values = calloc((size_t)(SUBJECTS_MAX + 1) * repeats, sizeof(*run.values));
	if (run.values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	rc = run_cases(&run, packets, error);
	free(run.values);
	return rc;
}

const struct bench bench_feed = {
	.name = "feed",
	.help = "the feed stage: each protocol, with and without arbitration, beside plain loops "
		"and touching the packet",
	.options = feed_options,
	.conf_bytes = sizeof(struct feed_conf),
	.run = run,
};

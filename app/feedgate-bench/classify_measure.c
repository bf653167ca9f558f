/* SPDX-License-Identifier: MIT */
#include "classify_measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <rte_common.h>

#include <fg_burst.h>
#include <fg_meta.h>

#include "child.h"
#include "progress.h"

/* After so much time a table is not built again. */
#define BUILDS_NS_MAX     UINT64_C(3000000000)
#define QUICKEST_OF       5
#define NS_PER_MS         1000000u
#define ROUNDS_MAX        1000000u
#define FIRST_INPUT(work) ((work)->groups > 0 ? INPUT_PACKETS : INPUT_KEYS)

/* CPU time of this thread: an lcore of feedgate would not share its CPU with other programs. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t classify_pass(const struct subject *subject, const struct work *work, enum input input)
{
	const uint32_t count = work_count(work, input);
	uint32_t rules[FG_BURST_MAX];
	uint64_t sum = 0;

	for (uint32_t first = 0; first < count; first += FG_BURST_MAX)
		sum += subject->kind->burst[input](subject, work, first,
						   RTE_MIN(count - first, FG_BURST_MAX), rules);
	return sum;
}

static inline uint64_t rounds_of(const struct subject *subject, const struct work *work,
				 enum input input, uint32_t rounds)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < rounds; i++)
		sum += classify_pass(subject, work, input);
	return sum;
}

/* The code that is timed, in functions of their own for profilers. */
static __rte_noinline uint64_t classify_timed_packets(const struct subject *subject,
						      const struct work *work, uint32_t rounds)
{
	return rounds_of(subject, work, INPUT_PACKETS, rounds);
}

static __rte_noinline uint64_t classify_timed_keys(const struct subject *subject,
						   const struct work *work, uint32_t rounds)
{
	return rounds_of(subject, work, INPUT_KEYS, rounds);
}

/* Sums of passes go here, so that the compiler cannot remove the passes. */
static uint64_t sink;

uint64_t classify_quickest(const struct subject *subject, const struct work *work, enum input input)
{
	uint64_t best_ns = UINT64_MAX;

	for (unsigned int i = 0; i < QUICKEST_OF; i++) {
		const uint64_t begin_ns = cpu_ns();
		uint64_t ns;

		sink += classify_pass(subject, work, input);
		ns = cpu_ns() - begin_ns;
		best_ns = RTE_MIN(best_ns, ns);
	}
	return best_ns;
}

/* Build once, and measure the time and the memory. */
static int build_once(struct measurement *m, const struct work *work, const struct memory *memory,
		      struct fg_error *error)
{
	const struct subject_kind *kind = m->subject.kind;
	const uint64_t used = memory_used(memory), begin_ns = cpu_ns();
	const int rc = kind->build(&m->subject, work, memory->socket_id, error);

	m->build_ms[m->builds] = (double)(cpu_ns() - begin_ns) / NS_PER_MS;
	if (rc != 0)
		return rc;
	m->builds++;
	m->table_bytes = memory_used(memory) - used;
	if (kind->bytes != NULL && kind->bytes(&m->subject) > 0)
		m->table_bytes = kind->bytes(&m->subject);
	/* The kernel counts pages in batches, so its figure may be too low. */
	if (m->probe.peak_bytes > 0)
		m->probe.peak_bytes = RTE_MAX(m->probe.peak_bytes, m->table_bytes);
	return 0;
}

uint64_t measure_build_ms(const struct work *work, const struct measure_conf *conf)
{
	return conf->repeats * (1 + work->n_matches / 200u);
}

int measurement_build(struct measurement *m, const struct work *work, const struct memory *memory,
		      const struct measure_conf *conf, struct fg_error *error)
{
	const struct subject_kind *kind = m->subject.kind;
	const uint64_t begin_ns = cpu_ns();

	if (kind->build == NULL || m->out)
		return 0;
	progress_step(measure_build_ms(work, conf), work->name, m->subject.name);
	do {
		struct fg_error reason = {0};
		int rc;

		if (m->builds > 0)
			kind->free(&m->subject);
		m->subject.state = NULL;
		if (child_interrupted())
			return fg_error_set(error, EINTR, "interrupted");
		progress_update();
		rc = build_once(m, work, memory, &reason);
		if (rc != 0)
			return fg_error_set(error, -rc, "%s: %s: %s", work->name, m->subject.name,
					    reason.text);
	} while (m->builds < conf->repeats && cpu_ns() - begin_ns < BUILDS_NS_MAX);
	if (conf->pass_ms > 0 && kind->tune != NULL)
		kind->tune(&m->subject, work);
	return 0;
}

static int verify_burst(const struct measurement *m, struct work *work, enum input input,
			uint32_t first, struct fg_error *error)
{
	const unsigned int count = RTE_MIN(work_count(work, input) - first, FG_BURST_MAX);
	const struct subject *subject = &m->subject;
	uint32_t rules[FG_BURST_MAX] = {0};

	(void)subject->kind->burst[input](subject, work, first, count, rules);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t key = work_key(work, input, first + i);
		uint32_t *truth = &work->truth[key];

		if (*truth == TRUTH_UNKNOWN)
			*truth = rules[i];
		if (*truth != rules[i])
			return fg_error_set(error, EBADMSG,
					    "%s: %s: wrong answer: key %u: rule %u, expected %u",
					    work->name, subject->name, key, rules[i], *truth);
	}
	return 0;
}

int measurements_verify(const struct measurement *all, uint32_t count, struct work *work,
			struct fg_error *error)
{
	for (uint32_t e = 0; e < count; e++)
		for (enum input input = FIRST_INPUT(work); input < INPUTS; input++) {
			if (all[e].out || !all[e].subject.kind->answers)
				continue;
			for (uint32_t first = 0; first < work_count(work, input);
			     first += FG_BURST_MAX) {
				const int rc = verify_burst(&all[e], work, input, first, error);

				if (rc != 0)
					return rc;
			}
		}
	return 0;
}

static uint64_t sum_truth(const struct work *work, enum input input)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < work_count(work, input); i++)
		sum += work->truth[work_key(work, input, i)];
	return sum;
}

/* The number of rounds that take @p pass_ms. */
static uint32_t count_rounds(const struct subject *subject, const struct work *work,
			     enum input input, uint64_t pass_ms)
{
	const uint64_t ns = RTE_MAX(classify_quickest(subject, work, input), 1u);

	return (uint32_t)RTE_MIN(1 + pass_ms * NS_PER_MS / ns, ROUNDS_MAX);
}

static int measure_one(struct measurement *m, const struct work *work, enum input input,
		       uint32_t repeat, struct fg_error *error)
{
	const struct subject *subject = &m->subject;
	const uint32_t rounds = m->rounds[input];
	uint64_t begin_ns, sum, ns;

	if (child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	/* Warm the caches up: the subject before used them. */
	sink += classify_pass(subject, work, input);
	begin_ns = cpu_ns();
	sum = input == INPUT_PACKETS ? classify_timed_packets(subject, work, rounds)
				     : classify_timed_keys(subject, work, rounds);
	ns = cpu_ns() - begin_ns;
	m->ns[input][repeat] = (double)ns / ((double)rounds * work_count(work, input));
	sink += sum;
	if (subject->kind->answers && sum != rounds * sum_truth(work, input))
		return fg_error_set(error, EBADMSG,
				    "%s: %s: wrong answers: their sum over %u rounds is %" PRIu64
				    ", expected %" PRIu64,
				    work->name, subject->name, rounds, sum,
				    rounds * sum_truth(work, input));
	return 0;
}

uint64_t measure_run_ms(const struct work *work, const struct measure_conf *conf)
{
	const uint64_t lookups = work->groups > 0 ? 2 : 1;

	return lookups * conf->repeats * (conf->pass_ms + 10);
}

int measurements_run(struct measurement *all, uint32_t count, const struct work *work,
		     const struct measure_conf *conf, uint32_t *done, struct fg_error *error)
{
	const uint64_t work_ms = measure_run_ms(work, conf) / conf->repeats;

	for (uint32_t e = 0; e < count; e++)
		for (enum input input = FIRST_INPUT(work); !all[e].out && input < INPUTS; input++)
			all[e].rounds[input] =
				count_rounds(&all[e].subject, work, input, conf->pass_ms);
	for (*done = 0; *done < conf->repeats; ++*done)
		for (enum input input = FIRST_INPUT(work); input < INPUTS; input++)
			for (uint32_t e = 0; e < count; e++) {
				int rc;

				if (all[e].out)
					continue;
				if (input == FIRST_INPUT(work))
					progress_step(work_ms, work->name, all[e].subject.name);
				rc = measure_one(&all[e], work, input, *done, error);
				if (rc != 0)
					return rc;
			}
	return 0;
}

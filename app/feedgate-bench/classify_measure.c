/* SPDX-License-Identifier: MIT */
#include "classify_measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <rte_common.h>

#include <fg_meta.h>

#include "child.h"

/* When so much time was spent on builds of one table, that is enough of them. */
#define BUILDS_NS_MAX     UINT64_C(3000000000)
#define QUICKEST_OF       5
#define NS_PER_MS         1000000u
#define ROUNDS_MAX        1000000u
#define FIRST_INPUT(work) ((work)->channels > 0 ? INPUT_PACKETS : INPUT_KEYS)

void classify_note(const struct work *work, const struct subject *subject, const char *what)
{
	fprintf(stderr, "feedgate-bench: %s: %s: %s\n", work->name, subject->name, what);
}

/*
 * Time that this thread was on the CPU: what other programs take in between,
 * which a filter's lcore would not let them have, is not counted.
 */
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

/* What is timed. A profiler is told to look at one of these; no other passes are made in them. */
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

/* A pass's sum goes here, or the compiler might leave out what adds it up. */
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

/* Build once, and take the time and what memory it took. */
static int build_once(struct entrant *entrant, const struct work *work, const struct memory *memory,
		      struct fg_error *error)
{
	const struct subject_kind *kind = entrant->subject.kind;
	const uint64_t used = memory_used(memory), begin_ns = cpu_ns();
	const int rc = kind->build(&entrant->subject, work, memory->socket_id, error);

	entrant->build_ms[entrant->builds] = (double)(cpu_ns() - begin_ns) / NS_PER_MS;
	if (rc != 0)
		return rc;
	entrant->builds++;
	entrant->table_bytes = memory_used(memory) - used;
	if (kind->bytes != NULL && kind->bytes(&entrant->subject) > 0)
		entrant->table_bytes = kind->bytes(&entrant->subject);
	/* Memory comes in pages, and the kernel counts them by the handful. */
	if (entrant->probe.peak_bytes > 0)
		entrant->probe.peak_bytes =
			RTE_MAX(entrant->probe.peak_bytes, entrant->table_bytes);
	return 0;
}

int entrant_build(struct entrant *entrant, const struct work *work, const struct memory *memory,
		  uint32_t repeats, bool tune, struct fg_error *error)
{
	const struct subject_kind *kind = entrant->subject.kind;
	const uint64_t begin_ns = cpu_ns();

	if (kind->build == NULL || entrant->out)
		return 0;
	do {
		struct fg_error reason = {0};
		int rc;

		if (entrant->builds > 0)
			kind->free(&entrant->subject);
		entrant->subject.state = NULL;
		if (child_interrupted())
			return fg_error_set(error, EINTR, "interrupted");
		rc = build_once(entrant, work, memory, &reason);
		if (rc != 0)
			return fg_error_set(error, -rc, "%s: %s: %s", work->name,
					    entrant->subject.name, reason.text);
	} while (entrant->builds < repeats && cpu_ns() - begin_ns < BUILDS_NS_MAX);
	if (tune && kind->tune != NULL)
		kind->tune(&entrant->subject, work);
	return 0;
}

static int verify_burst(const struct entrant *entrant, struct work *work, enum input input,
			uint32_t first, struct fg_error *error)
{
	const unsigned int count = RTE_MIN(work_count(work, input) - first, FG_BURST_MAX);
	const struct subject *subject = &entrant->subject;
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

int entrants_verify(const struct entrant *entrants, uint32_t count, struct work *work,
		    struct fg_error *error)
{
	for (uint32_t e = 0; e < count; e++)
		for (enum input input = FIRST_INPUT(work); input < INPUTS; input++) {
			if (entrants[e].out || !entrants[e].subject.kind->answers)
				continue;
			for (uint32_t first = 0; first < work_count(work, input);
			     first += FG_BURST_MAX) {
				const int rc =
					verify_burst(&entrants[e], work, input, first, error);

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

/* How many rounds take so long? */
static uint32_t count_rounds(const struct subject *subject, const struct work *work,
			     enum input input, uint64_t pass_ms)
{
	const uint64_t ns = RTE_MAX(classify_quickest(subject, work, input), 1u);

	return (uint32_t)RTE_MIN(1 + pass_ms * NS_PER_MS / ns, ROUNDS_MAX);
}

static int measure_one(struct entrant *entrant, const struct work *work, enum input input,
		       uint32_t repeat, struct fg_error *error)
{
	const struct subject *subject = &entrant->subject;
	const uint32_t rounds = entrant->rounds[input];
	uint64_t begin_ns, sum, ns;

	if (child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	/* Whoever came before has left the caches full of what is his. */
	sink += classify_pass(subject, work, input);
	begin_ns = cpu_ns();
	sum = input == INPUT_PACKETS ? classify_timed_packets(subject, work, rounds)
				     : classify_timed_keys(subject, work, rounds);
	ns = cpu_ns() - begin_ns;
	entrant->ns[input][repeat] = (double)ns / ((double)rounds * work_count(work, input));
	sink += sum;
	if (subject->kind->answers && sum != rounds * sum_truth(work, input))
		return fg_error_set(error, EBADMSG,
				    "%s: %s: wrong answers: their sum over %u rounds is %" PRIu64
				    ", expected %" PRIu64,
				    work->name, subject->name, rounds, sum,
				    rounds * sum_truth(work, input));
	return 0;
}

int entrants_measure(struct entrant *entrants, uint32_t count, const struct work *work,
		     uint32_t repeats, uint64_t pass_ms, struct fg_error *error)
{
	for (uint32_t e = 0; e < count; e++)
		for (enum input input = FIRST_INPUT(work); !entrants[e].out && input < INPUTS;
		     input++)
			entrants[e].rounds[input] =
				count_rounds(&entrants[e].subject, work, input, pass_ms);
	for (uint32_t repeat = 0; repeat < repeats; repeat++)
		for (enum input input = FIRST_INPUT(work); input < INPUTS; input++)
			for (uint32_t e = 0; e < count; e++) {
				const int rc = entrants[e].out ? 0
							       : measure_one(&entrants[e], work,
									     input, repeat, error);

				if (rc != 0)
					return rc;
			}
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "replay_clock.h"

#include <fg_log.h>

#define SECOND_NS     1000000000u
#define LATE_START_NS (10ull * SECOND_NS) /* Worth a line in the log. */

struct replay_clock replay_clock __attribute__((aligned(128)));

static TAILQ_HEAD(, replay_member) members = TAILQ_HEAD_INITIALIZER(members);
static unsigned int n_started;

void replay_clock_join(struct replay_member *member)
{
	TAILQ_INSERT_TAIL(&members, member, next);
}

void replay_clock_leave(struct replay_member *member)
{
	TAILQ_REMOVE(&members, member, next);
	if (TAILQ_EMPTY(&members))
		replay_clock = (struct replay_clock){0};
}

/* The mean packet interval. */
static uint64_t interval_of(const struct replay_file *file)
{
	return file->count < 2 ? 1 : RTE_MAX((file->max_ns - file->min_ns) / (file->count - 1), 1u);
}

uint64_t replay_clock_span(const struct replay_file *file)
{
	return file->count < 2 ? 1 : file->max_ns - file->min_ns + interval_of(file);
}

static bool is_paced(const struct replay_member *member)
{
	return member->file != NULL && member->file->count > 0;
}

static uint64_t first_ns(const struct replay_member *member)
{
	return replay_file_packet(member->file, 0)->ns;
}

/* Set origin and length of a loop from all replays at the recorded pace. */
static void decide(void)
{
	uint64_t origin_ns = UINT64_MAX, min_ns = UINT64_MAX, max_ns = 0, interval_ns = 1;
	const struct replay_member *member;

	TAILQ_FOREACH (member, &members, next) {
		if (!is_paced(member))
			continue;
		origin_ns = RTE_MIN(origin_ns, first_ns(member));
		min_ns = RTE_MIN(min_ns, member->file->min_ns);
		max_ns = RTE_MAX(max_ns, member->file->max_ns);
		interval_ns = RTE_MAX(interval_ns, interval_of(member->file));
	}
	if (origin_ns == UINT64_MAX)
		return;
	replay_clock.origin_ns = origin_ns;
	replay_clock.span_ns = max_ns == min_ns ? 1 : max_ns - min_ns + interval_ns;
	TAILQ_FOREACH (member, &members, next)
		if (is_paced(member) && first_ns(member) - origin_ns >= LATE_START_NS)
			fg_log(WARNING,
			       "source %s: its capture begins %.1f s after that of another replay, "
			       "and so does the replay",
			       member->name, (double)(first_ns(member) - origin_ns) / SECOND_NS);
}

void replay_clock_start(void)
{
	if (n_started++ == 0 && replay_clock.run_ticks == 0)
		decide();
}

void replay_clock_stop(void)
{
	const uint64_t start =
		atomic_load_explicit(&replay_clock.start_ticks, memory_order_relaxed);

	n_started--;
	if (start == 0)
		return; /* Not polled, or another replay has stopped the clock. */
	replay_clock.run_ticks = rte_rdtsc() - start;
	atomic_store_explicit(&replay_clock.start_ticks, 0, memory_order_relaxed);
}

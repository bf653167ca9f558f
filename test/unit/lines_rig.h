/* SPDX-License-Identifier: MIT */
/* Lines under test: packets by their numbers, verdicts and what is taken back as sets of numbers.
 */
#ifndef LINES_RIG_H
#define LINES_RIG_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_memory.h>

#include <fg_lines.h>

#define MS UINT64_C(1000000)
#define T0 UINT64_C(1700000000000000000)

static __rte_unused uint64_t random_state = 88172645463325252u;

static inline uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

static inline struct fg_lines *lines_of(struct fg_lines_conf conf)
{
	struct fg_lines *lines = NULL;
	struct fg_error error = {0};

	conf.socket_id = SOCKET_ID_ANY;
	if (fg_lines_create(&conf, &lines, &error) != 0)
		fail_msg("%s", error.text);
	return lines;
}

static inline struct fg_feed_packet packet_of(enum fg_feed_control control, uint64_t first,
					      uint32_t count)
{
	return (struct fg_feed_packet){.session = "S1",
				       .channel = 7,
				       .first = first,
				       .count = count,
				       .control = (uint8_t)control,
				       .sequence_bits = 64};
}

/* Whether the verdict says that index @p i is new: as fg_lines.h has it. */
static inline bool says(const struct fg_lines_verdict *verdict, uint32_t i)
{
	if (i < verdict->from || i >= verdict->to)
		return false;
	return i - verdict->from >= 64 || (verdict->mask >> (i - verdict->from) & 1) != 0;
}

static inline struct fg_lines_verdict judge(struct fg_lines *lines, unsigned int line, uint64_t now,
					    enum fg_feed_control control, uint64_t first,
					    uint32_t count)
{
	struct fg_feed_packet pkt = packet_of(control, first, count);
	struct fg_lines_verdict verdict;

	pkt.arrival_ns = now;
	fg_lines_judge(lines, line, now, &pkt, (void *)(uintptr_t)first, &verdict);
	return verdict;
}

static inline struct fg_lines_verdict data(struct fg_lines *lines, unsigned int line, uint64_t now,
					   uint64_t first, uint32_t count)
{
	return judge(lines, line, now, FG_FEED_DATA, first, count);
}

static inline uint64_t total(const struct fg_lines *lines, enum fg_lines_space_counter counter)
{
	uint64_t totals[FG_LINES_SPACE_COUNT];

	fg_lines_totals(lines, totals);
	return totals[counter];
}

static inline uint64_t of_line(const struct fg_lines *lines, unsigned int line,
			       enum fg_lines_line_counter counter)
{
	struct fg_lines_line out;

	fg_lines_line(lines, line, &out);
	return out.counters[counter];
}

/* The next event of this kind; others before it are dropped. kind is FG_LINES_EVENT_KINDS if there
 * is none. */
static inline struct fg_lines_event event_of(struct fg_lines *lines, enum fg_lines_event_kind kind)
{
	struct fg_lines_event event;

	while (fg_lines_events(lines, &event, 1) == 1)
		if (event.kind == kind)
			return event;
	return (struct fg_lines_event){.kind = FG_LINES_EVENT_KINDS};
}

#define assert_passes(verdict, n_from, n_to)                                                       \
	do {                                                                                       \
		const struct fg_lines_verdict verdict_ = (verdict);                                \
		assert_int_equal(verdict_.fate, FG_LINES_PASS);                                    \
		assert_int_equal(verdict_.from, n_from);                                           \
		assert_int_equal(verdict_.to, n_to);                                               \
		for (uint32_t i_ = verdict_.from; i_ < verdict_.to; i_++)                          \
			assert_true(says(&verdict_, i_));                                          \
	} while (0)
#define assert_fate(verdict, what) assert_int_equal((verdict).fate, what)

#endif /* LINES_RIG_H */

/* SPDX-License-Identifier: MIT */
/* Helpers for tests of the arbiter: packets made from numbers, and checks of results. */
#ifndef ARBITER_RIG_H
#define ARBITER_RIG_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_memory.h>

#include <fg_arbiter.h>

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

static inline struct fg_arbiter *arbiter_of(struct fg_arbiter_conf conf)
{
	struct fg_arbiter *arbiter = NULL;
	struct fg_error error = {0};

	conf.socket_id = SOCKET_ID_ANY;
	if (fg_arbiter_create(&conf, &arbiter, &error) != 0)
		fail_msg("%s", error.text);
	return arbiter;
}

static inline struct fg_feed_packet packet_of(enum fg_feed_packet_kind kind, uint64_t first,
					      uint32_t count)
{
	return (struct fg_feed_packet){.session = "S1",
				       .channel = 7,
				       .first = first,
				       .count = count,
				       .kind = (uint8_t)kind,
				       .sequence_bits = 64};
}

/* Whether index @p i is new, as fg_arbiter.h defines it. */
static inline bool result_has(const struct fg_arbiter_result *result, uint32_t i)
{
	if (i < result->from || i >= result->to)
		return false;
	return i - result->from >= 64 || (result->mask >> (i - result->from) & 1) != 0;
}

static inline struct fg_arbiter_result arbitrate(struct fg_arbiter *arbiter, unsigned int line,
						 uint64_t now, enum fg_feed_packet_kind kind,
						 uint64_t first, uint32_t count)
{
	struct fg_feed_packet pkt = packet_of(kind, first, count);
	struct fg_arbiter_result result;

	pkt.arrival_ns = now;
	fg_arbiter_arbitrate(arbiter, line, now, &pkt, (void *)(uintptr_t)first, &result);
	return result;
}

static inline struct fg_arbiter_result data(struct fg_arbiter *arbiter, unsigned int line,
					    uint64_t now, uint64_t first, uint32_t count)
{
	return arbitrate(arbiter, line, now, FG_FEED_DATA, first, count);
}

static inline uint64_t total_counter(const struct fg_arbiter *arbiter,
				     enum fg_arbiter_channel_counter counter)
{
	uint64_t totals[FG_ARBITER_CHANNEL_COUNT];

	fg_arbiter_totals(arbiter, totals);
	return totals[counter];
}

static inline uint64_t line_counter(const struct fg_arbiter *arbiter, unsigned int line,
				    enum fg_arbiter_line_counter counter)
{
	struct fg_arbiter_line out;

	fg_arbiter_line(arbiter, line, &out);
	return out.counters[counter];
}

/* Skip to the next event of this kind. Without one the result's kind is FG_ARBITER_EVENT_KINDS. */
static inline struct fg_arbiter_event event_of(struct fg_arbiter *arbiter,
					       enum fg_arbiter_event_kind kind)
{
	struct fg_arbiter_event event;

	while (fg_arbiter_events(arbiter, &event, 1) == 1)
		if (event.kind == kind)
			return event;
	return (struct fg_arbiter_event){.kind = FG_ARBITER_EVENT_KINDS};
}

#define assert_passes(result, n_from, n_to)                                                        \
	do {                                                                                       \
		const struct fg_arbiter_result result_ = (result);                                 \
		assert_int_equal(result_.disposition, FG_ARBITER_PASS);                            \
		assert_int_equal(result_.from, n_from);                                            \
		assert_int_equal(result_.to, n_to);                                                \
		for (uint32_t i_ = result_.from; i_ < result_.to; i_++)                            \
			assert_true(result_has(&result_, i_));                                     \
	} while (0)
#define assert_disposition(result, what) assert_int_equal((result).disposition, what)

#endif /* ARBITER_RIG_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The fast path of the line arbiter (fg_arbiter.h), inline: packets of the channel of the last
 * packet that bring the next numbers, or are duplicates of another line's. Everything else goes to
 * fg_arbiter_arbitrate_slow().
 *
 * A packet of the common case touches these cache lines, and no others of the arbiter: the head,
 * the first of the tracker, the one of the packet's line, one of the ring of first arrivals, and
 * for a duplicate one of the table of lead times. fg_arbiter_prefetch() fetches the first three.
 *
 * The fields are the arbiter's: the owner that owns it writes them, other code reads none of them.
 */
#ifndef FG_ARBITER_FAST_H
#define FG_ARBITER_FAST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>

#include <fg_feed_packet.h>
#include <fg_stats.h>

#define FG_ARBITER_LINES_MAX     8u   /**< Lines of one feed. */
#define FG_ARBITER_LEADS         40u  /**< Buckets of lead times, up to 2^39 ns. */
#define FG_ARBITER_FIRSTS        256u /**< First arrivals that a tracker remembers. */
#define FG_ARBITER_TIME_BITS     40u  /**< Of an arrival's time, in a first arrival. */
#define FG_ARBITER_COUNT_BITS    20u  /**< Of the numbers, in a first arrival. */
#define FG_ARBITER_LINE_BITS     4u   /**< Of the line, in a first arrival. */
#define FG_ARBITER_ARRIVED_SHIFT 22u  /**< Of an arrival, in a line of a tracker. */
#define FG_ARBITER_FIRST_SHIFT   (64u - FG_ARBITER_TIME_BITS)

/** A packet that brought numbers first. */
struct fg_arbiter_first {
	uint64_t first;
	uint64_t
		packed; /**< Low 40 bits of its arrival in ns; its line, 4 bits; its numbers, 20. */
};

/** One line in a tracker. The counters are of this tracker: control adds those of all. */
struct fg_arbiter_track_line {
	struct fg_counter last_ns; /**< Time of the line's last packet here. */
	struct fg_counter first_arrivals;
	struct fg_counter first_numbers;
	struct fg_counter duplicates;
	struct fg_counter duplicate_numbers;
	uint64_t next;     /**< One past the line's highest number. */
	uint64_t position; /**< The same, without numbers that it sent ahead and came back from. */
	uint32_t cursor;   /**< First arrival with which its next duplicate is compared first. */
	uint32_t arrived;  /**< When the line's last packet arrived here, in 2^22 ns. */
} __rte_aligned(RTE_CACHE_LINE_SIZE);

static_assert(sizeof(struct fg_arbiter_track_line) == 64, "one cache line");

/** What the fast path knows of a tracker. */
struct fg_arbiter_track {
	uint64_t channel; /**< The key of its channel. */
	uint64_t session[FG_SESSION_BYTES / 8];
	struct fg_counter high;   /**< One past the highest number that is known. */
	uint64_t contiguous_from; /**< All of [contiguous_from, high) came. */
	uint64_t fast_path_end;   /**< The fast path takes no number from here on. */
	uint32_t firsts_head;     /**< Of the ring, free running. */
	uint32_t jump_max;
	uint8_t fast_path_lines; /**< Bit per line: the fast path may take its packets. */
	uint8_t shift;           /**< 64 - bits of a number. */
	uint8_t window_log2;
	uint8_t spare[5];
	struct fg_arbiter_track_line lines[FG_ARBITER_LINES_MAX];
	struct fg_arbiter_first firsts[FG_ARBITER_FIRSTS]; /**< Ring. */
} __rte_aligned(RTE_CACHE_LINE_SIZE);

static_assert(offsetof(struct fg_arbiter_track, lines) == 64, "one cache line");

/** The head of struct fg_arbiter. */
struct fg_arbiter_head {
	struct fg_arbiter_track *tracker; /**< Of the last packet's channel, the current one. */
	uint64_t due_ns;                  /**< Some timeout is due. */
	/** Duplicates by lead time, of the line that was first. */
	struct fg_counter (*leads)[FG_ARBITER_LEADS];
	uint8_t n_fast_lines; /**< 0 while released packets wait to be taken, otherwise n_lines. */
} __rte_aligned(RTE_CACHE_LINE_SIZE);

/** What a packet is, by the arbiter's present state. */
enum fg_arbiter_peek {
	FG_ARBITER_PEEK_NEXT,      /**< It brings the next numbers of its channel. */
	FG_ARBITER_PEEK_DUPLICATE, /**< All of its numbers came: fg_arbiter_arbitrate() says so. */
	FG_ARBITER_PEEK_OTHER,     /**< Anything else: fg_arbiter_arbitrate() needs its digest. */
};

/** What the caller does with a packet. */
enum fg_arbiter_disposition {
	FG_ARBITER_PASS = 0,  /**< Deliver the new messages of it. */
	FG_ARBITER_HELD,      /**< Nothing: the arbiter has it; fg_arbiter_take() returns it. */
	FG_ARBITER_DUPLICATE, /**< Drop it: all of its numbers came before. */
	FG_ARBITER_STALE,     /**< Drop it: below the window, or perhaps an unannounced reset. */
	FG_ARBITER_ADMIN,     /**< A heartbeat, reset or end of session: it has no numbers. */
	FG_ARBITER_DISPOSITIONS,
};

/**
 * Which messages of a packet are new, by index from its first number: index i is new if
 * from <= i < to and, while i - from < 64, bit i - from of mask is set.
 */
struct fg_arbiter_result {
	uint64_t mask;
	uint32_t from;
	uint32_t to;
	uint8_t disposition; /**< enum fg_arbiter_disposition. */
	uint8_t flags;       /**< FG_ARBITER_LATE, ... */
	uint8_t line;        /**< Line on which it came. */
};

struct fg_arbiter;

/** A number as a tracker counts: the one nearest to @p high. */
static inline uint64_t fg_arbiter_widen(uint64_t high, uint64_t number, unsigned int shift)
{
	return high + (uint64_t)((int64_t)((number - high) << shift) >> shift);
}

/** Whether the packet belongs to the tracker's channel. */
static inline bool fg_arbiter_track_is(const struct fg_arbiter_track *track,
				       const struct fg_feed_packet *pkt)
{
	uint64_t session[FG_SESSION_BYTES / 8];

	memcpy(session, pkt->session, sizeof(session));
	return ((track->channel ^ pkt->channel) | (track->session[0] ^ session[0]) |
		(track->session[1] ^ session[1])) == 0;
}

/** What the fast path does with a packet of the tracker's channel. Changes nothing. */
static __rte_always_inline enum fg_arbiter_peek
fg_arbiter_track_peek(const struct fg_arbiter_track *track, unsigned int line,
		      const struct fg_feed_packet *pkt, uint64_t *first)
{
	const uint64_t high = fg_counter_read(&track->high);
	uint64_t end;

	*first = fg_arbiter_widen(high, pkt->first, track->shift);
	end = *first + pkt->count;
	/* count - 1 is larger than jump_max for a count of 0. */
	if (unlikely(pkt->kind != FG_FEED_DATA || (track->fast_path_lines >> line & 1) == 0 ||
		     pkt->count - 1 >= track->jump_max))
		return FG_ARBITER_PEEK_OTHER;
	if (*first == high)
		return likely((int64_t)(end - track->fast_path_end) <= 0) ? FG_ARBITER_PEEK_NEXT
									  : FG_ARBITER_PEEK_OTHER;
	/* What the line itself has sent before may be a restart. */
	if (unlikely((int64_t)(end - high) > 0 || (int64_t)(*first - track->contiguous_from) < 0 ||
		     (high - *first - 1) >> track->window_log2 != 0 ||
		     (int64_t)(end - track->lines[line].position) <= 0))
		return FG_ARBITER_PEEK_OTHER;
	return FG_ARBITER_PEEK_DUPLICATE;
}

/** The line brought [first, first + n) first. */
static __rte_always_inline void fg_arbiter_track_record(struct fg_arbiter_track *track,
							unsigned int line, uint64_t arrival_ns,
							uint64_t first, uint64_t n)
{
	struct fg_arbiter_first *entry = &track->firsts[track->firsts_head++ % FG_ARBITER_FIRSTS];

	entry->first = first;
	entry->packed = arrival_ns << FG_ARBITER_FIRST_SHIFT |
			(uint64_t)line << FG_ARBITER_COUNT_BITS |
			RTE_MIN(n, (1u << FG_ARBITER_COUNT_BITS) - 1u);
}

/** How many numbers a first arrival brought. */
static inline uint64_t fg_arbiter_first_numbers(const struct fg_arbiter_first *entry)
{
	return entry->packed & ((1u << FG_ARBITER_COUNT_BITS) - 1u);
}

/** Count the lead time of a first arrival over its duplicate on @p line. */
static __rte_always_inline void fg_arbiter_lead_count(struct fg_arbiter_head *head,
						      const struct fg_arbiter_first *entry,
						      unsigned int line, uint64_t arrival_ns)
{
	const unsigned int first_line =
		entry->packed >> FG_ARBITER_COUNT_BITS & ((1u << FG_ARBITER_LINE_BITS) - 1u);
	const uint64_t lead = (arrival_ns - (entry->packed >> FG_ARBITER_FIRST_SHIFT)) &
			      (UINT64_MAX >> FG_ARBITER_FIRST_SHIFT);
	unsigned int bucket = 0;

	if (first_line == line)
		return;
	/* The upper half is negative: the clocks of two queues may differ a little. */
	if (likely(lead != 0 && lead >> (FG_ARBITER_TIME_BITS - 1) == 0))
		bucket = 64 - (unsigned int)__builtin_clzll(lead);
	fg_counter_add(&head->leads[first_line][bucket], 1);
}

/** The lead time of a duplicate that is not at its line's cursor. Threads: the owner. */
void fg_arbiter_lead_search(struct fg_arbiter *arbiter, struct fg_arbiter_track *track,
			    unsigned int line, uint64_t arrival_ns, uint64_t first, uint64_t end);
/** The line's packet [first, end) does not follow its last one: count. Threads: the owner. */
void fg_arbiter_line_uneven(struct fg_arbiter *arbiter, struct fg_arbiter_track *track,
			    unsigned int line, uint64_t first, uint64_t end, bool duplicate);

/** Count the lead time over a duplicate with numbers [first, end). */
static __rte_always_inline void fg_arbiter_lead_measure(struct fg_arbiter *arbiter,
							struct fg_arbiter_track *track,
							unsigned int line, uint64_t arrival_ns,
							uint64_t first, uint64_t end)
{
	struct fg_arbiter_track_line *state = &track->lines[line];
	const struct fg_arbiter_first *entry = &track->firsts[state->cursor % FG_ARBITER_FIRSTS];

	/* All lines send the same order, so the entry mostly follows the line's last one. */
	if (unlikely(first - entry->first >= fg_arbiter_first_numbers(entry) ||
		     state->cursor == track->firsts_head)) {
		fg_arbiter_lead_search(arbiter, track, line, arrival_ns, first, end);
		return;
	}
	state->cursor += end - entry->first >= fg_arbiter_first_numbers(entry);
	fg_arbiter_lead_count((struct fg_arbiter_head *)arbiter, entry, line, arrival_ns);
}

/** The packet brings the next numbers. */
static __rte_always_inline void fg_arbiter_fast_next(struct fg_arbiter_track *track,
						     unsigned int line,
						     const struct fg_feed_packet *pkt,
						     uint64_t first,
						     struct fg_arbiter_result *result)
{
	struct fg_arbiter_track_line *state = &track->lines[line];
	const uint32_t count = pkt->count;
	const uint64_t end = first + count;

	*result = (struct fg_arbiter_result){
		.mask = UINT64_MAX >> (64 - RTE_MIN(count, 64u)),
		.to = count,
		.line = (uint8_t)line,
	};
	fg_counter_set(&track->high, end);
	state->position = end;
	fg_arbiter_track_record(track, line, pkt->arrival_ns, first, count);
	/* The line's next duplicate is above this packet. */
	state->cursor = track->firsts_head;
	fg_counter_add(&state->first_arrivals, 1);
	fg_counter_add(&state->first_numbers, count);
}

/** All of the packet came before, from another line. */
static __rte_always_inline void
fg_arbiter_fast_duplicate(struct fg_arbiter *arbiter, struct fg_arbiter_track *track,
			  unsigned int line, const struct fg_feed_packet *pkt, uint64_t first,
			  struct fg_arbiter_result *result)
{
	struct fg_arbiter_track_line *state = &track->lines[line];
	const uint32_t count = pkt->count;
	const uint64_t end = first + count;

	*result = (struct fg_arbiter_result){.disposition = FG_ARBITER_DUPLICATE,
					     .line = (uint8_t)line};
	state->position = end;
	fg_counter_add(&state->duplicates, 1);
	fg_counter_add(&state->duplicate_numbers, count);
	fg_arbiter_lead_measure(arbiter, track, line, pkt->arrival_ns, first, end);
}

/** @return whether the fast path took a packet of the tracker's channel; if not, nothing changed.
 */
static __rte_always_inline bool fg_arbiter_track_arbitrate(struct fg_arbiter *arbiter,
							   struct fg_arbiter_track *track,
							   unsigned int line, uint64_t now_ns,
							   const struct fg_feed_packet *pkt,
							   struct fg_arbiter_result *result)
{
	uint64_t first;
	const enum fg_arbiter_peek peek = fg_arbiter_track_peek(track, line, pkt, &first);
	struct fg_arbiter_track_line *state = &track->lines[line];

	if (unlikely(peek == FG_ARBITER_PEEK_OTHER))
		return false;
	/* Mostly the line's packets follow one another. */
	if (unlikely(first != state->next))
		fg_arbiter_line_uneven(arbiter, track, line, first, first + pkt->count,
				       peek == FG_ARBITER_PEEK_DUPLICATE);
	else
		state->next = first + pkt->count;
	if (peek == FG_ARBITER_PEEK_NEXT)
		fg_arbiter_fast_next(track, line, pkt, first, result);
	else
		fg_arbiter_fast_duplicate(arbiter, track, line, pkt, first, result);
	fg_counter_set(&state->last_ns, now_ns);
	state->arrived = (uint32_t)(pkt->arrival_ns >> FG_ARBITER_ARRIVED_SHIFT);
	return true;
}

/** fg_arbiter_arbitrate() without the fast path. Threads: the feed's owner. */
void fg_arbiter_arbitrate_slow(struct fg_arbiter *arbiter, unsigned int line, uint64_t now_ns,
			       const struct fg_feed_packet *pkt, void *packet,
			       struct fg_arbiter_result *result);

#endif /* FG_ARBITER_FAST_H */

/* SPDX-License-Identifier: MIT */
/*
 * What the parts of fg_arbiter.h share.
 *
 *   fg_arbiter.c         creation; fg_arbiter_arbitrate(): the common path, then where a packet
 * belongs select.c   jumps, resets, sessions: which place of which channel a packet belongs to
 *   channel.c   the table of channels
 *   tracker.c   one place: window of numbers, gaps, lead times
 *   hold.c    order: what is held, and its release
 *   report.c  events and counters, for control
 *
 * A channel has one place, its current tracker, and beside it at times a second one, the candidate:
 * where a jump led, or where the feed was before one.
 *
 *                  first packet             second goes on            far packet
 *   (no tracker) ------------------> current, --------------> current, --------------------->
 * current + candidate, unconfirmed           confirmed <--------          candidate unconfirmed
 * rejected: its line       | goes on in current         | second goes on, or | another line comes
 * current <-> candidate: exchanged, both confirmed <--------------------------------------------+
 *
 * A third place replaces the candidate. Numbers are held in 64 bits and compared by signed
 * difference; those of 32 bits are widened towards the tracker's end (tracker_widen()), so only
 * their low 32 bits mean anything outside.
 */
#ifndef LINES_H
#define LINES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include <fg_arbiter.h>

#define FIRST_ARRIVALS_MAX 256u                /* winners a tracker remembers, for lead times */
#define GAPS_MAX           32u                 /* gaps open at once in a tracker */
#define SLACK_NS           UINT64_C(1000000)   /* how far a clock may go back unnoticed */
#define FAR_AWAY           (UINT64_C(1) << 61) /* beyond any number, for comparisons */
#define STRAYS_MAX         16u /* packets in a row that make the candidate the current tracker */

/* A packet that brought numbers first. */
struct first_arrival {
	uint64_t first;
	uint64_t stamp; /* ns, low 40 bits; line, 4; count, 20 */
};

/* Numbers [first, end), of which `missing` did not come so far. */
struct gap {
	uint64_t first;
	uint64_t end;
	uint64_t opened_ns;
	uint32_t missing;
	uint8_t line; /* that revealed it */
};

/* A packet that is held or ready to be taken. */
struct held {
	struct held *next;
	void *packet;
	uint64_t first; /* numbers [first, end) */
	uint64_t end;
	uint64_t since_ns;
	struct fg_arbiter_result result;
};

struct tracker_line {
	uint64_t next;   /* one past the line's highest number */
	uint32_t cursor; /* where its next race may be found in the tracker's first_arrivals */
};

/* A place in a sequence channel. Written by the worker only. */
struct tracker {
	/* What the common path reads, on one cache line. */
	uint64_t high;            /* one past the highest number known */
	uint64_t contiguous_from; /* all of [contiguous_from, high) came */
	uint64_t limit;           /* high goes no further without giving up a gap */
	uint64_t next;            /* hold: what is delivered next */
	uint64_t *bits;           /* bit n % window: n came; for n in [high - window, high) */
	struct first_arrival *first_arrivals; /* ring; first_arrivals_head counts on */
	uint32_t first_arrivals_head;
	uint8_t fast_path_lines; /* lines for which the common path is all there is */
	uint8_t joined;          /* lines that were here */
	bool confirmed;
	bool rejected; /* its line went on elsewhere */

	struct tracker_line line[FG_ARBITER_LINES_MAX];

	bool muted;          /* its first packet was dropped: maybe a new beginning */
	uint8_t reset_lines; /* lines that announced this beginning; 0: nobody did */
	uint8_t first_line;  /* that opened it */
	uint32_t epoch; /* counts new beginnings; numbers of different epochs have nothing in common
			 */
	uint64_t reset_at;   /* the number announced, */
	uint64_t reset_ns;   /* and when first */
	uint64_t touched_ns; /* last packet, not kept up by the common path */
	uint64_t start;      /* first number of the first packet */
	uint64_t floor;      /* min number that ever came */
	struct held *held;   /* ascending by first */
	uint64_t held_ns;    /* the oldest's arrival */
	uint32_t n_gaps;     /* in gaps, ascending */
	struct gap gaps[GAPS_MAX];
	struct tracker *next_free;
} __rte_aligned(RTE_CACHE_LINE_SIZE);

struct channel {
	/* The key: read by control, hence atomic; version is odd while it changes. */
	_Atomic uint64_t id;
	_Atomic uint64_t session[FG_SESSION_BYTES / 8];
	struct tracker *current;
	struct tracker *candidate;
	struct fg_counter next; /* current->high, for control */
	struct fg_counter last_ns;
	_Atomic uint32_t version;
	_Atomic uint8_t is_current;
	_Atomic uint8_t shift; /* 64 - bits of a number */
	uint8_t strays;

	uint32_t chain; /* next in the bucket, CHANNEL_NONE at its end */
	bool ended;
	struct fg_counter counters[FG_ARBITER_CHANNEL_COUNT];
} __rte_aligned(RTE_CACHE_LINE_SIZE);

#define CHANNEL_NONE UINT32_MAX

struct line {
	struct fg_counter counters[FG_ARBITER_LINE_COUNT];
	struct fg_counter leads[FG_ARBITER_LEADS];
} __rte_aligned(RTE_CACHE_LINE_SIZE);

struct fg_arbiter {
	/* What the common path reads, on one cache line. */
	struct channel *last; /* the last packet's */
	uint64_t base_ns;     /* fg_arbiter_tick() has work from base_ns + span_ns on, */
	uint64_t span_ns;     /* or when the clock is before base_ns */
	uint64_t mask;        /* window - 1 */
	uint64_t window;
	uint64_t jump_max;
	bool hold;
	uint8_t n_lines;
	uint8_t silent;      /* lines that are */
	uint32_t n_channels; /* in the table */
	struct held *ready;  /* to be taken, in order */
	struct channel *channels;

	struct line lines[FG_ARBITER_LINES_MAX];
	struct fg_counter totals[FG_ARBITER_CHANNEL_COUNT];
	uint64_t began_ns; /* first packet or tick */
	uint64_t hold_ns, gap_timeout_ns, silence_ns;
	uint32_t epochs; /* the last new beginning's number */

	struct held **ready_end;
	struct held *free_held;
	uint32_t hold_packets, n_held;

	struct tracker *free_trackers;
	uint32_t n_free_trackers;
	uint32_t max_channels;
	uint32_t bucket_mask;
	uint32_t *buckets;

	/* Events: the worker writes at head, control reads at tail. */
	struct fg_arbiter_event *events;
	uint32_t event_mask;
	struct fg_counter events_lost;
	_Atomic uint32_t event_head __rte_aligned(128);
	_Atomic uint32_t event_tail __rte_aligned(128);
};

/* One packet on its way through. */
struct arrival {
	struct fg_arbiter *arbiter;
	struct channel *channel;
	struct tracker *tracker;
	const struct fg_feed_packet *pkt;
	void *packet;
	struct fg_arbiter_result *result;
	uint64_t now_ns;
	uint64_t first; /* numbers [first, end), as the tracker counts; empty: a heartbeat */
	uint64_t end;
	uint64_t claimed; /* of these, those that it brings first */
	uint8_t line;
};

static inline int64_t ahead(uint64_t number, uint64_t of)
{
	return (int64_t)(number - of);
}

static inline uint64_t later(uint64_t a, uint64_t b)
{
	return ahead(a, b) > 0 ? a : b;
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	return ahead(a, b) < 0 ? a : b;
}

/* A packet's number, as the tracker counts: the one next to its end. */
static inline uint64_t tracker_widen(const struct tracker *tracker, uint64_t number,
				     unsigned int shift)
{
	return tracker->high + (uint64_t)((int64_t)((number - tracker->high) << shift) >> shift);
}

static inline uint64_t session_word(const struct fg_feed_packet *pkt, unsigned int i)
{
	uint64_t word;

	memcpy(&word, pkt->session + sizeof(word) * i, sizeof(word));
	return word;
}

/* Whether it is the packet's. */
static inline bool channel_is(const struct channel *channel, const struct fg_feed_packet *pkt)
{
	return atomic_load_explicit(&channel->id, memory_order_relaxed) == pkt->channel &&
	       atomic_load_explicit(&channel->session[0], memory_order_relaxed) ==
		       session_word(pkt, 0) &&
	       atomic_load_explicit(&channel->session[1], memory_order_relaxed) ==
		       session_word(pkt, 1);
}

static inline void line_add(struct fg_arbiter *arbiter, unsigned int line,
			    enum fg_arbiter_line_counter counter, uint64_t n)
{
	fg_counter_add(&arbiter->lines[line].counters[counter], n);
}

/* Count for a channel and for the feed. */
static inline void channel_add(struct fg_arbiter *arbiter, struct channel *channel,
			       enum fg_arbiter_channel_counter counter, uint64_t n)
{
	fg_counter_add(&channel->counters[counter], n);
	fg_counter_add(&arbiter->totals[counter], n);
}

/* Numbers [from, from + n), 1 <= n <= window, in a window's bits. */
static inline void bits_set(uint64_t *bits, uint64_t mask, uint64_t from, uint64_t n)
{
	uint64_t at = from & mask;

	/* Mostly it is all in one word. */
	while (unlikely((at & 63) + n > 64)) {
		bits[at >> 6] |= UINT64_MAX << (at & 63);
		n -= 64 - (at & 63);
		at = (at + 64 - (at & 63)) & mask;
	}
	if (likely(n > 0))
		bits[at >> 6] |= (UINT64_MAX >> (64 - n)) << (at & 63);
}

/* Note that a line is at [first, end). */
static inline void line_moves(struct fg_arbiter *arbiter, struct tracker_line *place,
			      unsigned int line, uint64_t first, uint64_t end)
{
	const int64_t skipped = ahead(first, place->next);

	if (unlikely(skipped > 0))
		line_add(arbiter, line, FG_ARBITER_LINE_skipped, (uint64_t)skipped);
	place->next = later(place->next, end);
}

static inline void first_arrival_record(struct tracker *tracker, unsigned int line,
					uint64_t arrival_ns, uint64_t first, uint64_t n)
{
	struct first_arrival *first_arrival =
		&tracker->first_arrivals[tracker->first_arrivals_head++ % FIRST_ARRIVALS_MAX];

	first_arrival->first = first;
	first_arrival->stamp =
		arrival_ns << 24 | (uint64_t)line << 20 | RTE_MIN(n, (1u << 20) - 1u);
}

void first_arrival_search(struct fg_arbiter *arbiter, struct tracker *tracker, unsigned int line,
			  uint64_t arrival_ns, uint64_t first, uint64_t end);

/* Numbers that a first_arrival brought. */
static inline uint64_t first_arrival_count(const struct first_arrival *first_arrival)
{
	return first_arrival->stamp & ((1u << 20) - 1u);
}

/* Count by how much the line lost this race. */
static inline void lead_count(struct fg_arbiter *arbiter, const struct first_arrival *first_arrival,
			      unsigned int line, uint64_t arrival_ns)
{
	const unsigned int winner = first_arrival->stamp >> 20 & 15;
	const uint64_t lead = (arrival_ns - (first_arrival->stamp >> 24)) & (UINT64_MAX >> 24);
	unsigned int bucket = 0;

	if (winner == line)
		return;
	/* Half of the range is the future: clocks of two queues may differ by a little. */
	if (likely(lead != 0 && lead >> 39 == 0))
		bucket = 64 - (unsigned int)__builtin_clzll(lead);
	fg_counter_add(&arbiter->lines[winner].leads[bucket], 1);
}

/* [first, end) came before: who was first, and by how much? Told by the first number. */
static inline void lead_measure(struct fg_arbiter *arbiter, struct tracker *tracker,
				unsigned int line, uint64_t arrival_ns, uint64_t first,
				uint64_t end)
{
	struct tracker_line *place = &tracker->line[line];
	const struct first_arrival *first_arrival =
		&tracker->first_arrivals[place->cursor % FIRST_ARRIVALS_MAX];

	/* Lines bring the same in the same order, so it is mostly where the last one ended. */
	if (unlikely(first - first_arrival->first >= first_arrival_count(first_arrival))) {
		first_arrival_search(arbiter, tracker, line, arrival_ns, first, end);
		return;
	}
	place->cursor += end - first_arrival->first >= first_arrival_count(first_arrival);
	lead_count(arbiter, first_arrival, line, arrival_ns);
}

/* Make sure that fg_arbiter_tick() has a look at @p when_ns. */
static inline void due_at(struct fg_arbiter *arbiter, uint64_t when_ns)
{
	const int64_t span = (int64_t)(when_ns - arbiter->base_ns);

	arbiter->span_ns = RTE_MIN(arbiter->span_ns, span > 0 ? (uint64_t)span : 0);
}

/* Whether @p limit_ns have gone by; or the clock was put back, so that nobody knows. */
static inline bool overdue(uint64_t now_ns, uint64_t since_ns, uint64_t limit_ns)
{
	const uint64_t age = now_ns - since_ns;

	return (int64_t)age < 0 ? since_ns - now_ns > SLACK_NS : age >= limit_ns;
}

/* tracker.c */
void tracker_start(const struct fg_arbiter *arbiter, struct tracker *tracker, uint64_t at);
void tracker_settle(struct fg_arbiter *arbiter, struct channel *channel);
/* From high on, numbers below @p to did not come: a gap. */
void tracker_skip(struct arrival *a, uint64_t to);
/* What did not come so far of [at, end) comes now. */
void tracker_claim(struct arrival *a, uint64_t at, uint64_t end);
uint64_t tracker_next_unseen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			     uint64_t at, uint64_t end);
uint64_t tracker_next_seen(const struct fg_arbiter *arbiter, const struct tracker *tracker,
			   uint64_t at, uint64_t end);
/* Whatever is missing below @p to is lost. */
void tracker_abandon_gaps(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t to, uint64_t now_ns);
void tracker_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns);
/* Note in the result what is new of [from, end): what did not come, and all from solid on. @return
 * where it stopped. */
uint64_t tracker_mark_new(const struct arrival *a, uint64_t from, uint64_t solid);
void tracker_duplicate(struct arrival *a);

/* hold.c */
void hold_reach(struct arrival *a);
void hold_arrive(struct arrival *a);
void hold_pass(struct arrival *a);
void hold_release_all(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		      uint64_t now_ns);
void hold_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
	       uint64_t now_ns);

/* channel.c */
struct channel *channel_find(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt);
struct channel *channel_open(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt,
			     uint64_t now_ns);
void channel_take_over(struct fg_arbiter *arbiter, struct channel *channel, unsigned int line,
		       uint64_t now_ns);
struct tracker *tracker_get(struct fg_arbiter *arbiter, uint64_t at, unsigned int line);
struct tracker *tracker_get_spare(struct fg_arbiter *arbiter, uint64_t at, unsigned int line);
void channel_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns);
void channel_abandon_gaps(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns);
void tracker_free(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns);

/* select.c */
void tracker_reject(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		    uint64_t now_ns);
void arrival_arbitrate(struct arrival *a);

/* report.c */
void report(struct fg_arbiter *arbiter, const struct channel *channel,
	    enum fg_arbiter_event_kind kind, unsigned int line, uint64_t now_ns, uint64_t first,
	    uint64_t last, uint64_t n);
void report_gap(struct fg_arbiter *arbiter, const struct channel *channel,
		enum fg_arbiter_event_kind kind, unsigned int line, uint64_t now_ns,
		const struct gap *gap, uint64_t end, uint64_t n);

#endif /* LINES_H */

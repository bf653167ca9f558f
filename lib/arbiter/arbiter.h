/* SPDX-License-Identifier: MIT */
/*
 * The arbiter's structures, and what every module of it uses. fg_arbiter.h defines arbitration.
 * Each module has a header and calls only modules above it in this list:
 *
 *   report.c      events and counters, for control
 *   lead.c        lead times: which line brought a number first, and how much later the others did
 *   tracker.c     one tracker: which numbers of the window came, and its gaps
 *   hold.c        packets above a gap, held and released in order
 *   channel.c     the table of channels, and the pool of trackers
 *   select.c      the tracker of a channel to which a packet belongs; jumps and resets
 *   fg_arbiter.c  the fast path and timeouts
 *   create.c      creation
 *
 * A channel's trackers:
 *
 *   current, unconfirmed
 *     |  a second packet continues it, or another line reaches it
 *   current, confirmed
 *     |  a packet comes that is far from it
 *   current and candidate, unconfirmed
 *     |
 *     +-- a second packet continues the candidate, or another line reaches it:
 *     |     the candidate is confirmed, and the two trackers change places
 *     +-- the candidate's line continues at the current tracker:
 *           the candidate is rejected, and stays until it is idle for gap_timeout_ns
 *
 * An announced reset opens a confirmed current tracker at once. A channel has two trackers at most:
 * a third replaces the candidate.
 *
 * A tracker holds sequence numbers in 64 bits and compares them by signed difference. Numbers of 32
 * bits are widened towards the tracker's highest one (tracker_widen()): only their low 32 bits mean
 * anything to others.
 */
#ifndef ARBITER_H
#define ARBITER_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include <fg_arbiter.h>

#define FIRST_ARRIVALS_MAX   256u              /* that a tracker remembers, for lead times */
#define GAPS_MAX             32u               /* open gaps of a tracker */
#define CLOCK_SLACK_NS       UINT64_C(1000000) /* the clock may go back this far */
#define CANDIDATE_STREAK_MAX 16u               /* packets in a row that make a candidate current */
/* Larger than any difference of numbers or times that occurs; twice this is no overflow. */
#define DIFF_MAX (UINT64_C(1) << 61)

/* A packet that brought numbers first. */
struct first_arrival {
	uint64_t first;
	uint64_t packed; /* low 40 bits of its arrival in ns; its line, 4 bits; its numbers, 20 */
};

/* Numbers [first, end), of which `missing` did not come so far. */
struct gap {
	uint64_t first;
	uint64_t end;
	uint64_t opened_ns;
	uint32_t missing;
	uint8_t line; /* that revealed it */
};

/* A packet that is held, or ready to be taken. */
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
	uint32_t cursor; /* first arrival with which its next duplicate is compared first */
};

/* Where a channel's sequence stands. Written by the worker only. */
struct tracker {
	/* What the fast path reads, on one cache line. */
	uint64_t high;            /* one past the highest number that is known */
	uint64_t contiguous_from; /* all of [contiguous_from, high) came */
	uint64_t fast_path_end;   /* the fast path takes no number from here on */
	uint64_t deliver_next;    /* hold: the next number to deliver */
	uint64_t *bits;           /* bit n % window: n came; for n in [high - window, high) */
	struct first_arrival *first_arrivals; /* ring of FIRST_ARRIVALS_MAX */
	uint32_t first_arrivals_head;         /* free running */
	uint8_t fast_path_lines;              /* bit per line: the fast path may take its packets */
	uint8_t lines_seen;                   /* bit per line: it was at this tracker */
	bool confirmed;
	bool rejected;

	struct tracker_line lines[FG_ARBITER_LINES_MAX];

	uint8_t reset_lines;     /* bit per line that announced this reset; 0: none did */
	uint8_t opening_line;    /* line of the packet that opened the tracker */
	uint32_t epoch;          /* unique in the arbiter */
	uint64_t reset_first;    /* the number to which the reset was announced, */
	uint64_t reset_ns;       /* and when first */
	uint64_t last_packet_ns; /* the fast path does not update it */
	uint64_t start;          /* first number of the first packet */
	uint64_t lowest;         /* lowest number that came */
	struct held *held;       /* ascending by first */
	uint64_t oldest_held_ns; /* when the oldest of them came */
	uint32_t n_gaps;
	struct gap gaps[GAPS_MAX]; /* ascending */
	struct tracker *next_free;
} __rte_aligned(RTE_CACHE_LINE_SIZE);

static_assert(offsetof(struct tracker, lines) <= RTE_CACHE_LINE_SIZE,
	      "the fast path reads one cache line of a tracker, and the line's");

struct channel {
	/* The key: control reads it, hence atomic; version is odd while it changes. */
	_Atomic uint64_t id;
	_Atomic uint64_t session[FG_SESSION_BYTES / 8];
	struct tracker *current;
	struct tracker *candidate;
	struct fg_counter next; /* current->high, for control */
	struct fg_counter last_ns;
	_Atomic uint32_t version;
	_Atomic uint8_t current_session; /* this is the current session of the channel id */
	_Atomic uint8_t shift;           /* 64 - bits of a number */
	uint8_t candidate_streak;        /* packets in a row that went to a confirmed candidate */

	uint32_t chain; /* next in the bucket, CHANNEL_NONE at its end */
	bool ended;
	struct fg_counter counters[FG_ARBITER_CHANNEL_COUNT];
} __rte_aligned(RTE_CACHE_LINE_SIZE);

#define CHANNEL_NONE UINT32_MAX

static_assert(offsetof(struct channel, chain) <= RTE_CACHE_LINE_SIZE,
	      "the fast path reads one cache line of a channel");

struct line {
	struct fg_counter counters[FG_ARBITER_LINE_COUNT];
	struct fg_counter leads[FG_ARBITER_LEADS];
} __rte_aligned(RTE_CACHE_LINE_SIZE);

#define LINE_COUNTER_IS_FAST(counter)                                                              \
	(offsetof(struct line, counters[FG_ARBITER_LINE_##counter]) + sizeof(struct fg_counter) <= \
	 RTE_CACHE_LINE_SIZE)

static_assert(LINE_COUNTER_IS_FAST(first_arrivals) && LINE_COUNTER_IS_FAST(first_numbers) &&
		      LINE_COUNTER_IS_FAST(duplicates) && LINE_COUNTER_IS_FAST(duplicate_numbers) &&
		      LINE_COUNTER_IS_FAST(last_ns),
	      "the fast path writes one cache line of a line's counters");

struct fg_arbiter {
	/* What the fast path reads, on one cache line. */
	struct channel *last;  /* the last packet's */
	uint64_t tick_base_ns; /* something is due from tick_base_ns + tick_span_ns on, */
	uint64_t tick_span_ns; /* or when the clock is before tick_base_ns */
	uint64_t mask;         /* window - 1 */
	uint64_t window;
	uint64_t jump_max;
	bool hold;
	uint8_t n_lines;
	uint8_t silent;      /* bit per line */
	uint32_t n_channels; /* in the table */
	struct held *ready;  /* to be taken, in order */

	struct channel *channels;
	struct line lines[FG_ARBITER_LINES_MAX];
	struct fg_counter totals[FG_ARBITER_CHANNEL_COUNT];
	uint64_t began_ns; /* first packet or tick */
	uint64_t hold_ns, gap_timeout_ns, silence_ns;
	uint32_t last_epoch;

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

static_assert(offsetof(struct fg_arbiter, channels) <= RTE_CACHE_LINE_SIZE,
	      "the fast path reads one cache line of the arbiter");
static_assert(offsetof(struct fg_arbiter, lines) % RTE_CACHE_LINE_SIZE == 0 &&
		      sizeof(struct line) % RTE_CACHE_LINE_SIZE == 0,
	      "lines share no cache line");
static_assert(offsetof(struct fg_arbiter, event_tail) - offsetof(struct fg_arbiter, event_head) >=
		      128,
	      "worker and control write different cache lines");

/* A packet while it is arbitrated. */
struct arrival {
	struct fg_arbiter *arbiter;
	struct channel *channel;
	struct tracker *tracker;
	const struct fg_feed_packet *pkt;
	void *packet;
	struct fg_arbiter_result *result;
	uint64_t now_ns;
	uint64_t first; /* numbers [first, end), widened for `tracker`; empty: a heartbeat */
	uint64_t end;
	uint64_t n_first; /* how many of them it brings first */
	uint8_t line;
};

/* a - b, of sequence numbers that wrap. */
static inline int64_t seq_diff(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b);
}

static inline uint64_t seq_max(uint64_t a, uint64_t b)
{
	return seq_diff(a, b) > 0 ? a : b;
}

static inline uint64_t seq_min(uint64_t a, uint64_t b)
{
	return seq_diff(a, b) < 0 ? a : b;
}

static inline uint64_t session_word(const struct fg_feed_packet *pkt, unsigned int i)
{
	uint64_t word;

	memcpy(&word, pkt->session + sizeof(word) * i, sizeof(word));
	return word;
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

/* Let fg_arbiter_tick() look for timeouts at @p when_ns at the latest. */
static inline void tick_schedule(struct fg_arbiter *arbiter, uint64_t when_ns)
{
	const int64_t span = (int64_t)(when_ns - arbiter->tick_base_ns);

	arbiter->tick_span_ns = RTE_MIN(arbiter->tick_span_ns, span > 0 ? (uint64_t)span : 0);
}

/* Whether @p limit_ns have passed, or may have because the clock was set back. */
static inline bool overdue(uint64_t now_ns, uint64_t since_ns, uint64_t limit_ns)
{
	const uint64_t age = now_ns - since_ns;

	return (int64_t)age < 0 ? since_ns - now_ns > CLOCK_SLACK_NS : age >= limit_ns;
}

#endif /* ARBITER_H */

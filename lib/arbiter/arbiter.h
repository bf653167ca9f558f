/* SPDX-License-Identifier: MIT */
/*
 * The arbiter's structures, and what every module of it uses. fg_arbiter.h defines arbitration,
 * fg_arbiter_fast.h has the fast path. Each module has a header and calls only modules above it in
 * this list:
 *
 *   report.c      events and counters, for control
 *   lead.c        lead times: which line brought a number first, and how much later the others did
 *   lost.c        ranges of numbers that were given up, until they come after all
 *   tracker.c     one tracker: which numbers of the window came, and its gaps
 *   hold.c        packets above a gap, held and released in order
 *   channel.c     the table of channels, and the pool of trackers
 *   silence.c     lines from which no packet comes
 *   epoch.c       sequence jumps and resets: a channel changes its tracker
 *   claim.c       packets with numbers ahead, until another packet confirms or contradicts them
 *   restart.c     lines that go back to numbers that they sent before
 *   select.c      the tracker of a channel to which a packet belongs, and what it brings
 *   fg_arbiter.c  packets that the fast path does not take, and timeouts
 *   create.c      creation
 *
 * A channel's trackers: the current one and, after a jump or a reset, the one before it, the
 * candidate: it becomes the current one again if the channel's packets go on to come there. Nothing
 * but evidence of two packets or two lines opens a second tracker. A third replaces the candidate.
 *
 * A tracker holds sequence numbers in 64 bits and compares them by signed difference. Numbers of 32
 * bits are widened towards the tracker's highest one (tracker_widen()): only their low 32 bits mean
 * anything to others.
 *
 * The fast path writes neither the window's bits nor deliver_next: tracker_sync() does, before
 * anything else looks at them.
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

#define GAPS_MAX             32u /* open gaps of a tracker */
#define LOST_MAX             64u /* ranges given up of a tracker */
#define CLAIMS_MAX           32u
#define RESETS_MAX           4u                /* announced resets of a channel */
#define CLAIM_SUPPORT        2u                /* packets that confirm one near its tracker */
#define CLAIM_STREAK         8u                /* claims of a line that confirm one another */
#define CLOCK_SLACK_NS       UINT64_C(1000000) /* the clock may go back this far */
#define CANDIDATE_STREAK_MAX 16u               /* packets in a row that make one current */
#define SECOND_NS            UINT64_C(1000000000)
#define UNCONFIRMED_NS       (9 * SECOND_NS)     /* what one packet claims is forgotten then */
#define RESTART_PAUSE_NS     UINT64_C(100000000) /* of a channel whose lines go back together */
#define RESTART_SILENCE_NS   (10 * SECOND_NS)    /* of a channel one line of which goes back */
#define RESTART_RUN_MIN      2u                  /* packets in order, of each of two lines */
#define RESTART_RUN_ALONE    3u                  /* packets in order, of one line */
#define RESTART_HEARTBEATS   3u                  /* in a row, of one line */
#define EVENTS_PER_SECOND    16u                 /* of one kind and channel, before merging */
/* Larger than any difference of numbers or times that occurs; twice this is no overflow. */
#define DIFF_MAX (UINT64_C(1) << 61)

/* Numbers [first, end), of which `missing` did not come so far and are not given up. */
struct gap {
	uint64_t first;
	uint64_t end;
	uint64_t opened_ns;
	uint64_t abandoned_to; /* what did not come below this is given up */
	uint32_t missing;
	uint32_t lost; /* given up, and did not come since */
	uint8_t line;  /* that revealed it */
};

/* Numbers [first, end) that were given up. Of a gap there may be several ranges. */
struct lost {
	uint64_t first, end;
	uint64_t gap_first, gap_end;
	uint64_t opened_ns;
	uint32_t n;      /* given up of the whole gap */
	uint8_t line;    /* that revealed it */
	bool incomplete; /* another range of the gap was forgotten */
};

/* A packet that is held, or ready to be taken. */
struct held {
	struct held *next;        /* ready, or free; held: of the hash bucket */
	struct held *same, *last; /* held, of the first with these numbers: more from `first` on */
	struct held *older, *younger;
	struct tracker *tracker;
	void *packet;
	uint64_t first; /* numbers [first, end) */
	uint64_t end;
	uint64_t since_ns;
	struct fg_arbiter_result result;
};

/* A line that sends numbers that it sent before: see restart.c. */
struct back {
	uint64_t first, next; /* it went back to `first`, and continued in order to `next` */
	uint64_t high;        /* the tracker's, when it went back */
	uint64_t since_ns;
	uint64_t pause_ns; /* how long the channel had been silent */
	uint32_t n;        /* packets */
	bool was_on_top;   /* the line had reached the tracker's highest number, or led */
	uint8_t n_heartbeats;
	uint64_t heartbeat; /* the number that they name */
};

/* Where a channel's sequence stands. Written by the worker only. */
struct tracker {
	struct fg_arbiter_track fast;
	uint64_t *bits;        /* bit n % window: n came; for n in [high - window, high) */
	uint64_t *held_bits;   /* the same: a packet is held whose first number is n */
	uint64_t bits_end;     /* the bits are written up to here; above it all came */
	uint64_t deliver_next; /* hold: the next number to deliver */
	uint8_t lines_seen;    /* bit per line: it was at this tracker */
	uint8_t lines_leading; /* bit per line: it brought the highest numbers at some time */
	bool confirmed;
	bool rejected;

	uint8_t reset_lines;     /* bit per line that announced this reset; 0: none did */
	uint8_t opening_line;    /* line of the packet that opened the tracker */
	uint32_t epoch;          /* unique in the arbiter */
	uint64_t reset_first;    /* the number to which the reset was announced, */
	uint64_t reset_ns;       /* and when first */
	uint64_t last_packet_ns; /* the fast path does not update it */
	uint64_t start;          /* first number of the first packet */
	uint64_t lowest;         /* lowest number that came */
	uint64_t slow_leads[FG_ARBITER_LINES_MAX]; /* first arrivals, by line, not of the fast path
						    */
	struct back back[FG_ARBITER_LINES_MAX];
	uint8_t lines_back; /* bit per line whose back[] is in use */

	struct held *oldest, *youngest; /* held packets, by age */
	uint64_t held_first;            /* lowest first number of a held packet, if any */
	uint32_t n_gaps, n_lost;
	struct gap gaps[GAPS_MAX];  /* ascending */
	struct lost lost[LOST_MAX]; /* in the order in which they were given up */
	struct tracker *next_free;
} __rte_aligned(RTE_CACHE_LINE_SIZE);

static_assert(offsetof(struct tracker, fast) == 0, "the fast path knows the tracker by this");

/* A packet with numbers ahead, or a heartbeat or end of session that names such a number. */
enum claim_state {
	CLAIM_NONE,
	CLAIM_OPEN,    /* nothing but the packet itself says that its numbers were sent */
	CLAIM_SETTLED, /* its numbers came; a packet with these numbers and another digest is new */
};

struct claim {
	uint64_t first, end; /* empty: of a heartbeat */
	uint64_t since_ns, arrival_ns;
	uint64_t position; /* of the line before it */
	struct held *held; /* its packet; NULL: it passed */
	uint32_t digest;
	uint8_t state;
	uint8_t lines;           /* bit per line that brought it */
	uint8_t line;            /* the first of them */
	uint8_t support;         /* other packets that agree with it */
	bool reached;            /* all below it came */
	bool rejected;           /* its line came back: the line's next packets confirm nothing */
	struct tracker *tracker; /* as which its numbers count; NULL: far from all, a jump */
};

/* An announced reset that nothing confirms so far. */
struct reset {
	uint64_t first;
	uint64_t since_ns;
	uint8_t lines; /* bit per line that announced it; 0: free */
};

/* Events of one kind in one second. */
struct merge {
	uint64_t second_ns; /* when it began, by the packets' time */
	uint64_t since_ns;  /* the same, by the worker's clock */
	uint32_t n;
	uint32_t merged; /* of these, those in `event` */
	struct fg_arbiter_event event;
};

struct channel {
	/* The key: control reads it, hence atomic; version is odd while it changes. */
	_Atomic uint64_t id;
	_Atomic uint64_t session[FG_SESSION_BYTES / 8];
	_Atomic(struct tracker *) current;
	struct tracker *candidate;
	_Atomic uint32_t version;
	_Atomic uint8_t current_session; /* this is the current session of the channel id */
	_Atomic uint8_t shift;           /* 64 - bits of a number */
	_Atomic bool used;
	bool ended;
	bool confirmed; /* two packets agree on it */
	uint8_t silent; /* bit per line */
	uint32_t chain; /* next in the bucket or of free ones, CHANNEL_NONE at its end */
	struct channel *older, *younger; /* while it is unconfirmed */
	uint64_t opened_ns;
	uint64_t streak_high;     /* the current tracker's highest number, at the streak's start */
	uint8_t candidate_streak; /* packets in a row that went to the candidate */
	uint8_t session_streak;   /* packets with new numbers after another session replaced it, */
	uint64_t session_high;    /* while this was that session's highest number */

	/* Bit per claim. */
	uint32_t claims_used;
	uint32_t claims_open;                     /* open ones */
	uint32_t claims_held;                     /* with a packet that is held */
	uint32_t claims_of[FG_ARBITER_LINES_MAX]; /* the line's open ones that are not rejected */
	uint8_t lines_claiming;                   /* bit per line that has such */
	uint8_t next_claim;                       /* to be replaced if all are used */
	uint8_t last_claim[FG_ARBITER_LINES_MAX]; /* the line's last packet is it; CLAIMS_MAX: no */
	/* Of each claim, the low 32 bits of its first number, and how many it has: to find it by.
	 */
	uint32_t claim_firsts[CLAIMS_MAX], claim_counts[CLAIMS_MAX];
	struct claim claims[CLAIMS_MAX];
	struct reset resets[RESETS_MAX];
	uint8_t lines_resetting; /* bit per line with an announced reset */

	struct fg_counter last_ns; /* of the slow path */
	struct fg_counter counters[FG_ARBITER_CHANNEL_COUNT];
	struct merge merges[FG_ARBITER_EVENT_KINDS];
	uint32_t merging; /* bit per kind with merged events to report */
} __rte_aligned(RTE_CACHE_LINE_SIZE);

#define CHANNEL_NONE UINT32_MAX

/* Counters of a line, but for those that its trackers have. */
struct line {
	struct fg_counter counters[FG_ARBITER_LINE_COUNT];
} __rte_aligned(RTE_CACHE_LINE_SIZE);

struct fg_arbiter {
	struct fg_arbiter_head head;

	uint64_t last_tick_ns; /* if the clock goes back from it, all is due */
	uint64_t mask;         /* window - 1 */
	uint64_t window;
	uint64_t jump_max;
	bool hold;
	uint8_t n_lines;
	uint32_t max_channels;
	uint32_t n_used;           /* of the table */
	uint64_t packet_ns;        /* arrival of the packet that is arbitrated; 0: none is */
	uint64_t latest_packet_ns; /* arrival of the last packet that was not on the fast path */

	struct channel *channels;
	uint64_t *channel_due_ns;          /* [max_channels] some timeout of the channel is due */
	struct channel *oldest, *youngest; /* unconfirmed */
	uint32_t free_channel;             /* CHANNEL_NONE: none */
	struct channel *last;              /* the last packet's; NULL: none */
	struct tracker *trackers;
	uint32_t n_trackers;
	struct fg_arbiter_track none; /* the head's, without a channel */
	struct line lines[FG_ARBITER_LINES_MAX];
	struct fg_counter leads[FG_ARBITER_LINES_MAX][FG_ARBITER_LEADS] __rte_cache_aligned;
	struct fg_counter totals[FG_ARBITER_CHANNEL_COUNT];
	uint64_t began_ns; /* first packet or tick */
	uint64_t hold_ns, gap_timeout_ns, silence_ns;
	uint32_t last_epoch;
	uint64_t n_sessions; /* that became current: the first one, and those that replaced another
			      */

	struct held *ready, **ready_end; /* to be taken, in order */
	struct held *free_held;
	struct held **held_buckets;
	uint32_t held_mask;
	uint32_t hold_packets, n_held;

	struct tracker *free_trackers;
	uint32_t n_free_trackers;
	uint32_t bucket_mask;
	uint32_t *buckets;
	uint8_t lines_silent;                    /* bit per line, while the feed has no channel */
	uint32_t n_silent[FG_ARBITER_LINES_MAX]; /* channels in which the line is silent */

	/* Events: the worker writes at head, control reads at tail. */
	struct fg_arbiter_event *events;
	uint32_t event_mask;
	struct fg_counter events_lost;
	_Atomic uint32_t event_head __rte_aligned(128);
	_Atomic uint32_t event_tail __rte_aligned(128);
};

static_assert(offsetof(struct fg_arbiter, head) == 0, "the fast path knows the arbiter by this");
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
	uint64_t n_first;  /* how many of them it brings first */
	uint64_t pause_ns; /* since the channel's last packet before it */
	uint8_t line;
	uint8_t support;    /* other packets that agree that it is ahead */
	uint32_t touching;  /* bit per claim that overlaps it, or is next to it */
	uint8_t last_claim; /* the line's packet before it; CLAIMS_MAX: it was none */
};

/* The claim of the lowest bit in @p bits, which is cleared. */
static inline struct claim *claim_take(struct channel *channel, uint32_t *bits)
{
	const unsigned int i = (unsigned int)__builtin_ctz(*bits);

	*bits &= *bits - 1;
	return &channel->claims[i];
}

static inline uint32_t claim_bit(const struct channel *channel, const struct claim *claim)
{
	return 1u << (claim - channel->claims);
}

/* The claim is rejected (still @p open), or settled, or free. */
static inline void claim_close(struct channel *channel, const struct claim *claim, bool open)
{
	const uint32_t bit = claim_bit(channel, claim);

	if (!open)
		channel->claims_open &= ~bit;
	channel->claims_of[claim->line] &= ~bit;
	if (channel->claims_of[claim->line] == 0)
		channel->lines_claiming &= (uint8_t) ~(1u << claim->line);
}

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

static inline uint64_t tracker_high(const struct tracker *tracker)
{
	return fg_counter_read(&tracker->fast.high);
}

static inline struct tracker *channel_current(const struct channel *channel)
{
	return atomic_load_explicit(&channel->current, memory_order_relaxed);
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

/* Let fg_arbiter_tick() look for timeouts of the channel, or with NULL of the feed, at @p when_ns
 * at the latest. */
static inline void tick_schedule(struct fg_arbiter *arbiter, const struct channel *channel,
				 uint64_t when_ns)
{
	if (channel != NULL) {
		uint64_t *due_ns = &arbiter->channel_due_ns[channel - arbiter->channels];

		*due_ns = RTE_MIN(*due_ns, when_ns);
	}
	arbiter->head.due_ns = RTE_MIN(arbiter->head.due_ns, when_ns);
}

/* The sum, or the largest time there is. */
static inline uint64_t time_after(uint64_t from_ns, uint64_t limit_ns)
{
	return from_ns > UINT64_MAX - limit_ns ? UINT64_MAX : from_ns + limit_ns;
}

/* Whether @p limit_ns have passed, or may have because the clock was set back. */
static inline bool overdue(uint64_t now_ns, uint64_t since_ns, uint64_t limit_ns)
{
	const uint64_t age = now_ns - since_ns;

	return (int64_t)age < 0 ? since_ns - now_ns > CLOCK_SLACK_NS : age >= limit_ns;
}

#endif /* ARBITER_H */

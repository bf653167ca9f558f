/* SPDX-License-Identifier: MIT */
/*
 * What the parts of fg_lines.h share.
 *
 *   lines.c         creation; fg_lines_judge(): the common path, then where a packet belongs
 *   lines_place.c   jumps, resets, sessions: which place of which space a packet belongs to
 *   lines_space.c   the table of spaces
 *   lines_track.c   one place: window of numbers, gaps, lead times
 *   lines_hold.c    order: what is held, and its release
 *   lines_report.c  events and counters, for control
 *
 * A space has one place, its main track, and beside it at times a second one, the side: where
 * a jump led, or where the feed was before one.
 *
 *                  first packet             second goes on            far packet
 *   (no track) ------------------> main, --------------> main, ---------------------> main + side,
 *                                  unconfirmed           confirmed <--------          side
 * unconfirmed refused: its line       | goes on in main         | second goes on, or | another line
 * comes main <-> side: exchanged, both confirmed <--------------------------------------------+
 *
 * A third place replaces the side. Numbers are held in 64 bits and compared by signed
 * difference; those of 32 bits are widened towards the track's end (track_widen()), so only
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

#include <fg_lines.h>

#define WINS_MAX   256u                /* winners a track remembers, for lead times */
#define GAPS_MAX   32u                 /* gaps open at once in a track */
#define SLACK_NS   UINT64_C(1000000)   /* how far a clock may go back unnoticed */
#define FAR_AWAY   (UINT64_C(1) << 61) /* beyond any number, for comparisons */
#define STRAYS_MAX 16u                 /* packets in a row that make the side the main track */

/* A packet that brought numbers first. */
struct win {
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
	struct fg_lines_verdict verdict;
};

struct line_place {
	uint64_t next;   /* one past the line's highest number */
	uint32_t cursor; /* where its next race may be found in the track's wins */
};

/* A place in a sequence space. Written by the worker only. */
struct track {
	/* What the common path reads, on one cache line. */
	uint64_t high;     /* one past the highest number known */
	uint64_t run_from; /* all of [run_from, high) came */
	uint64_t limit;    /* high goes no further without giving up a gap */
	uint64_t next;     /* hold: what is delivered next */
	uint64_t *bits;    /* bit n % window: n came; for n in [high - window, high) */
	struct win *wins;  /* ring; wins_head counts on */
	uint32_t wins_head;
	uint8_t easy;   /* lines for which the common path is all there is */
	uint8_t joined; /* lines that were here */
	bool confirmed;
	bool refused; /* its line went on elsewhere */

	struct line_place line[FG_LINES_MAX];

	bool muted;          /* its first packet was dropped: maybe a new beginning */
	uint8_t reset_lines; /* lines that announced this beginning; 0: nobody did */
	uint8_t first_line;  /* that opened it */
	uint32_t run; /* counts new beginnings; numbers of different runs have nothing in common */
	uint64_t reset_at;   /* the number announced, */
	uint64_t reset_ns;   /* and when first */
	uint64_t touched_ns; /* last packet, not kept up by the common path */
	uint64_t start;      /* first number of the first packet */
	uint64_t floor;      /* least number that ever came */
	struct held *held;   /* ascending by first */
	uint64_t held_ns;    /* the oldest's arrival */
	uint32_t n_gaps;     /* in gaps, ascending */
	struct gap gaps[GAPS_MAX];
	struct track *next_free;
} __rte_aligned(RTE_CACHE_LINE_SIZE);

struct space {
	/* The key: read by control, hence atomic; version is odd while it changes. */
	_Atomic uint64_t channel;
	_Atomic uint64_t session[FG_SESSION_BYTES / 8];
	struct track *main;
	struct track *side;
	struct fg_counter next; /* main->high, for control */
	struct fg_counter last_ns;
	_Atomic uint32_t version;
	_Atomic uint8_t current;
	_Atomic uint8_t shift; /* 64 - bits of a number */
	uint8_t strays;

	uint32_t chain; /* next in the bucket, SPACE_NONE at its end */
	bool ended;
	struct fg_counter counters[FG_LINES_SPACE_COUNT];
} __rte_aligned(RTE_CACHE_LINE_SIZE);

#define SPACE_NONE UINT32_MAX

struct line {
	struct fg_counter counters[FG_LINES_LINE_COUNT];
	struct fg_counter leads[FG_LINES_LEADS];
} __rte_aligned(RTE_CACHE_LINE_SIZE);

struct fg_lines {
	/* What the common path reads, on one cache line. */
	struct space *last; /* the last packet's */
	uint64_t base_ns;   /* fg_lines_tick() has work from base_ns + span_ns on, */
	uint64_t span_ns;   /* or when the clock is before base_ns */
	uint64_t mask;      /* window - 1 */
	uint64_t window;
	uint64_t jump_max;
	bool hold;
	uint8_t n_lines;
	uint8_t silent;     /* lines that are */
	uint32_t n_spaces;  /* in the table */
	struct held *ready; /* to be taken, in order */
	struct space *spaces;

	struct line lines[FG_LINES_MAX];
	struct fg_counter totals[FG_LINES_SPACE_COUNT];
	uint64_t began_ns; /* first packet or tick */
	uint64_t hold_ns, lost_ns, silence_ns;
	uint32_t runs; /* the last new beginning's number */

	struct held **ready_end;
	struct held *free_held;
	uint32_t hold_packets, n_held;

	struct track *free_tracks;
	uint32_t n_free_tracks;
	uint32_t max_spaces;
	uint32_t bucket_mask;
	uint32_t *buckets;

	/* Events: the worker writes at head, control reads at tail. */
	struct fg_lines_event *events;
	uint32_t event_mask;
	struct fg_counter events_lost;
	_Atomic uint32_t event_head __rte_aligned(128);
	_Atomic uint32_t event_tail __rte_aligned(128);
};

/* One packet on its way through. */
struct arrival {
	struct fg_lines *lines;
	struct space *space;
	struct track *track;
	const struct fg_feed_packet *pkt;
	void *packet;
	struct fg_lines_verdict *verdict;
	uint64_t now_ns;
	uint64_t first; /* numbers [first, end), as the track counts; empty: a heartbeat */
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

/* A packet's number, as the track counts: the one next to its end. */
static inline uint64_t track_widen(const struct track *track, uint64_t number, unsigned int shift)
{
	return track->high + (uint64_t)((int64_t)((number - track->high) << shift) >> shift);
}

static inline uint64_t session_word(const struct fg_feed_packet *pkt, unsigned int i)
{
	uint64_t word;

	memcpy(&word, pkt->session + sizeof(word) * i, sizeof(word));
	return word;
}

/* Whether it is the packet's. */
static inline bool space_is(const struct space *space, const struct fg_feed_packet *pkt)
{
	return atomic_load_explicit(&space->channel, memory_order_relaxed) == pkt->channel &&
	       atomic_load_explicit(&space->session[0], memory_order_relaxed) ==
		       session_word(pkt, 0) &&
	       atomic_load_explicit(&space->session[1], memory_order_relaxed) ==
		       session_word(pkt, 1);
}

static inline void line_add(struct fg_lines *lines, unsigned int line,
			    enum fg_lines_line_counter counter, uint64_t n)
{
	fg_counter_add(&lines->lines[line].counters[counter], n);
}

/* Count for a space and for the feed. */
static inline void space_add(struct fg_lines *lines, struct space *space,
			     enum fg_lines_space_counter counter, uint64_t n)
{
	fg_counter_add(&space->counters[counter], n);
	fg_counter_add(&lines->totals[counter], n);
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
static inline void line_moves(struct fg_lines *lines, struct line_place *place, unsigned int line,
			      uint64_t first, uint64_t end)
{
	const int64_t skipped = ahead(first, place->next);

	if (unlikely(skipped > 0))
		line_add(lines, line, FG_LINES_LINE_skipped, (uint64_t)skipped);
	place->next = later(place->next, end);
}

static inline void win_note(struct track *track, unsigned int line, uint64_t arrival_ns,
			    uint64_t first, uint64_t n)
{
	struct win *win = &track->wins[track->wins_head++ % WINS_MAX];

	win->first = first;
	win->stamp = arrival_ns << 24 | (uint64_t)line << 20 | RTE_MIN(n, (1u << 20) - 1u);
}

void win_search(struct fg_lines *lines, struct track *track, unsigned int line, uint64_t arrival_ns,
		uint64_t first, uint64_t end);

/* Numbers that a win brought. */
static inline uint64_t win_count(const struct win *win)
{
	return win->stamp & ((1u << 20) - 1u);
}

/* Count by how much the line lost this race. */
static inline void win_count_lead(struct fg_lines *lines, const struct win *win, unsigned int line,
				  uint64_t arrival_ns)
{
	const unsigned int winner = win->stamp >> 20 & 15;
	const uint64_t lead = (arrival_ns - (win->stamp >> 24)) & (UINT64_MAX >> 24);
	unsigned int bucket = 0;

	if (winner == line)
		return;
	/* Half of the range is the future: clocks of two queues may differ by a little. */
	if (likely(lead != 0 && lead >> 39 == 0))
		bucket = 64 - (unsigned int)__builtin_clzll(lead);
	fg_counter_add(&lines->lines[winner].leads[bucket], 1);
}

/* [first, end) came before: who was first, and by how much? Told by the first number. */
static inline void win_measure(struct fg_lines *lines, struct track *track, unsigned int line,
			       uint64_t arrival_ns, uint64_t first, uint64_t end)
{
	struct line_place *place = &track->line[line];
	const struct win *win = &track->wins[place->cursor % WINS_MAX];

	/* Lines bring the same in the same order, so it is mostly where the last one ended. */
	if (unlikely(first - win->first >= win_count(win))) {
		win_search(lines, track, line, arrival_ns, first, end);
		return;
	}
	place->cursor += end - win->first >= win_count(win);
	win_count_lead(lines, win, line, arrival_ns);
}

/* Make sure that fg_lines_tick() has a look at @p when_ns. */
static inline void due_at(struct fg_lines *lines, uint64_t when_ns)
{
	const int64_t span = (int64_t)(when_ns - lines->base_ns);

	lines->span_ns = RTE_MIN(lines->span_ns, span > 0 ? (uint64_t)span : 0);
}

/* Whether @p limit_ns have gone by; or the clock was put back, so that nobody knows. */
static inline bool overdue(uint64_t now_ns, uint64_t since_ns, uint64_t limit_ns)
{
	const uint64_t age = now_ns - since_ns;

	return (int64_t)age < 0 ? since_ns - now_ns > SLACK_NS : age >= limit_ns;
}

/* lines_track.c */
void track_start(const struct fg_lines *lines, struct track *track, uint64_t at);
void track_settle(struct fg_lines *lines, struct space *space);
/* From high on, numbers below @p to did not come: a gap. */
void track_skip(struct arrival *a, uint64_t to);
/* What did not come so far of [at, end) comes now. */
void track_claim(struct arrival *a, uint64_t at, uint64_t end);
uint64_t track_next_unseen(const struct fg_lines *lines, const struct track *track, uint64_t at,
			   uint64_t end);
uint64_t track_next_seen(const struct fg_lines *lines, const struct track *track, uint64_t at,
			 uint64_t end);
/* Whatever is missing below @p to is lost. */
void track_lose(struct fg_lines *lines, struct space *space, struct track *track, uint64_t to,
		uint64_t now_ns);
void track_tick(struct fg_lines *lines, struct space *space, struct track *track, uint64_t now_ns);
/* Note in the verdict what is new of [from, end): what did not come, and all from solid on. @return
 * where it stopped. */
uint64_t track_say(const struct arrival *a, uint64_t from, uint64_t solid);
void track_duplicate(struct arrival *a);

/* lines_hold.c */
void hold_reach(struct arrival *a);
void hold_arrive(struct arrival *a);
void hold_pass(struct arrival *a);
void hold_release_all(struct fg_lines *lines, struct space *space, struct track *track,
		      uint64_t now_ns);
void hold_tick(struct fg_lines *lines, struct space *space, struct track *track, uint64_t now_ns);

/* lines_space.c */
struct space *space_find(struct fg_lines *lines, const struct fg_feed_packet *pkt);
struct space *space_open(struct fg_lines *lines, const struct fg_feed_packet *pkt, uint64_t now_ns);
void space_take_over(struct fg_lines *lines, struct space *space, unsigned int line,
		     uint64_t now_ns);
struct track *track_get(struct fg_lines *lines, uint64_t at, unsigned int line);
struct track *track_get_spare(struct fg_lines *lines, uint64_t at, unsigned int line);
void space_tick(struct fg_lines *lines, struct space *space, uint64_t now_ns);
void space_give_up(struct fg_lines *lines, struct space *space, uint64_t now_ns);
void track_retire(struct fg_lines *lines, struct space *space, struct track *track,
		  uint64_t now_ns);

/* lines_place.c */
void place_refuse(struct fg_lines *lines, struct space *space, struct track *track,
		  uint64_t now_ns);
void place_judge(struct arrival *a);

/* lines_report.c */
void report(struct fg_lines *lines, const struct space *space, enum fg_lines_event_kind kind,
	    unsigned int line, uint64_t now_ns, uint64_t first, uint64_t last, uint64_t n);
void report_gap(struct fg_lines *lines, const struct space *space, enum fg_lines_event_kind kind,
		unsigned int line, uint64_t now_ns, const struct gap *gap, uint64_t end,
		uint64_t n);

#endif /* LINES_H */

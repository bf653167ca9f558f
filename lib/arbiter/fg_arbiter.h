/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The lines of one feed: of what comes on line A, B, ... each sequence number passes once,
 * by the packet that brings it first, and what is missing is known.
 *
 * This knows nothing of bytes: a protocol says what a packet is (fg_feed_packet.h), the caller
 * owns packets and does with them what the result says. One worker lcore handles all of a
 * feed; control reads counters and events at any time. All memory is taken at creation.
 *
 * A sequence channel is a (channel, session). Each is arbitrated for itself, so that a line
 * which is still in the old session, or a straggler of it, disturbs nothing. A table holds as
 * many channels as `channels` says; when it is full, the one that was quiet for longest goes,
 * unless it is its channel's current session. If all are, packets of further channels pass on every
 * line, flagged FG_ARBITER_UNTRACKED and counted.
 *
 * Within a channel, a window of the last `window` numbers says exactly which came. So:
 *
 *   where a packet's numbers are             what happens
 *   what comes next                          pass
 *   ahead, by `jump_max` at most             pass (or held), a gap opens between
 *   ahead, further                           a jump: see below
 *   within the window, not seen              pass: fills a gap, or late, or before the first packet
 *   within the window, seen                  FG_ARBITER_DUPLICATE
 *   older than the window, of numbers        FG_ARBITER_STALE: nobody knows any more whether they
 * came; that this channel has gone through         lines must be less than `window` apart older
 * than anything ever seen            a jump
 *
 * The first packet defines the start; nothing before it is missing, and what comes of it (a
 * line that lags) passes. Numbers are compared modulo 2^32 or 2^64, so they may wrap.
 *
 * Jumps. A packet far from where the feed is may be wrong, or all others may have become
 * old. It passes, flagged FG_ARBITER_JUMP, and opens a second place beside the first; packets near
 * either place are arbitrated there. When a second packet goes on from it, or another line comes to
 * it, it is believed (an event) and becomes the place that is shown; if its line goes on where it
 * was, it is rejected (an event). Neither way is the first place disturbed: one wrong packet costs
 * nothing but itself. A line that goes back, by more than the window, to numbers that were gone
 * through already is either repeating or begins anew unannounced: its first packet is dropped as
 * FG_ARBITER_STALE, and when a second goes on from it, or another line does the same, that counts
 * as a reset. A packet that says to carry more than `jump_max` numbers passes,
 * FG_ARBITER_UNTRACKED, and counts as `oversized`. (What cannot be told: a line that begins anew,
 * unannounced, less than a window from where it was. Its packets are duplicates until it is beyond;
 * its counter `repeated` shows it.)
 *
 * Gaps. A gap is open until its numbers came, by another line or late by the one that revealed
 * it, or until it is lost: after `gap_timeout_ns`, when the window has moved past it, when too
 * many are open, when `hold` goes on without it, or its channel ends. What comes of it after that
 * passes nevertheless while the window knows it (FG_ARBITER_LATE, counter `recovered`), so what is
 * missing for good is `lost` less `recovered`.
 *
 * Order. Without `hold` a packet passes when it comes. With `hold` one that comes early is held
 * until what is missing came, at most `hold_ns`, and at most `hold_packets` in all of the feed:
 * then the gap is lost, and what was held is released. So numbers come out in order, but for
 * packets flagged FG_ARBITER_LATE (of a gap given up, or before the first packet) and
 * FG_ARBITER_JUMP. Held packets come back by fg_arbiter_take(), also what another overtook there
 * (FG_ARBITER_DUPLICATE: to be dropped). A reset or another session releases what the old one
 * holds.
 *
 * Reset, end of session: fg_feed_packet.h. The second line's notice of the same reset within
 * `gap_timeout_ns` is the same reset; the line's stragglers from before it still go by the old
 * numbers.
 */
#ifndef FG_ARBITER_H
#define FG_ARBITER_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_feed_packet.h>
#include <fg_stats.h>

#define FG_ARBITER_LINES_MAX 8u  /**< Lines of one feed. */
#define FG_ARBITER_LEADS     40u /**< Buckets of lead times, up to 2^39 ns. */

/** How a feed's lines are handled. 0 in a number means its default. */
struct fg_arbiter_conf {
	uint8_t n_lines;         /**< 1..FG_ARBITER_LINES_MAX; 2. */
	bool hold;               /**< Hold what comes early. */
	int socket_id;           /**< NUMA node of the worker, or SOCKET_ID_ANY. */
	uint32_t channels;       /**< Sequence channels at most, up to 1,024; 32. */
	uint32_t window;         /**< Numbers, a power of two, 128 to 1 M; 8,192. */
	uint32_t jump_max;       /**< Numbers, at most half the window; half the window. */
	uint32_t hold_packets;   /**< Held at once at most, up to 65,536; 256. */
	uint64_t hold_ns;        /**< Longest that a packet is held; 1 ms. */
	uint64_t gap_timeout_ns; /**< A gap this old is lost; 1 s. */
	uint64_t silence_ns;     /**< A line this quiet is silent; 5 s; UINT64_MAX: never. */
	uint32_t events; /**< Events that wait for control, a power of two up to 1 M; 1,024. */
};

/** What becomes of a packet. */
enum fg_arbiter_disposition {
	FG_ARBITER_PASS = 0,  /**< Yours: deliver what is new of it. */
	FG_ARBITER_HELD,      /**< Kept here; it comes back by fg_arbiter_take(). */
	FG_ARBITER_DUPLICATE, /**< Yours to drop: all of it came before. */
	FG_ARBITER_STALE, /**< Yours to drop: older than the window, or maybe a new beginning. */
	FG_ARBITER_ADMIN, /**< Yours: heartbeat, reset or end; it has no numbers. */
	FG_ARBITER_DISPOSITIONS,
};

/* Flags of a result. */
#define FG_ARBITER_LATE      0x01u /**< Some of it lies behind what was known when it came. */
#define FG_ARBITER_JUMP      0x02u /**< Far from where the feed is, and not believed so far. */
#define FG_ARBITER_UNTRACKED 0x04u /**< Not arbitrated: unsequenced, oversized, or no room. */
#define FG_ARBITER_MORE      0x08u /**< More of it is new, see fg_arbiter_arbitrate(). */
#define FG_ARBITER_READY     0x10u /**< fg_arbiter_take() has packets. */

/**
 * What of a packet is new, by index from its first number: index i if
 * from <= i < to, and, while i - from < 64, bit i - from of mask is set.
 */
struct fg_arbiter_result {
	uint64_t mask;
	uint32_t from;
	uint32_t to;
	uint8_t disposition; /**< enum fg_arbiter_disposition. */
	uint8_t flags;       /**< FG_ARBITER_... */
	uint8_t line;        /**< On which it came. */
};

/** A packet that comes back. Its disposition is PASS or DUPLICATE. */
struct fg_arbiter_taken {
	void *packet;
	struct fg_arbiter_result result;
};

/** X(name, help): what one line did. What the common path writes comes first: one cache line. */
#define FG_ARBITER_LINE_COUNTERS(X)                                                                \
	X(first_arrivals, "packets that brought something first")                                  \
	X(first_numbers, "sequence numbers that it brought first")                                 \
	X(duplicates, "packets that brought nothing new")                                          \
	X(duplicate_numbers, "sequence numbers in them")                                           \
	X(last_ns, "when its last packet came")                                                    \
	X(partial, "of the packets won, those that brought known numbers, too")                    \
	X(repeated, "of the duplicates, those that the line itself had gone beyond")               \
	X(stale, "packets older than the window, or of a new beginning not believed so far")       \
	X(admin, "heartbeats, resets and ends of session")                                         \
	X(untracked, "packets that were not arbitrated")                                           \
	X(skipped, "sequence numbers that its packets left out, though some may have come late")   \
	X(silent, "1 while it is silent")                                                          \
	X(silences, "how often it fell silent")                                                    \
	X(unmeasured, "duplicates whose lead time is no longer known")

/** X(name, help): what happened in one sequence channel, and in all of a feed. */
#define FG_ARBITER_CHANNEL_COUNTERS(X)                                                             \
	X(gaps_opened, "gaps found")                                                               \
	X(gaps_closed_other, "gaps closed by another line than the one that revealed them")        \
	X(gaps_closed_late, "gaps closed late by the line that revealed them")                     \
	X(gaps_unfilled, "gaps, or parts of gaps, given up")                                       \
	X(gaps_open, "gaps open now")                                                              \
	X(missing, "sequence numbers given up")                                                    \
	X(filled_late, "of these, those that came later")                                          \
	X(out_of_order, "packets that brought something from behind what was known")               \
	X(before_start, "sequence numbers from before the first packet")                           \
	X(resets, "new beginnings, announced or not")                                              \
	X(jumps_accepted, "jumps believed")                                                        \
	X(jumped_over, "sequence numbers that forward jumps left out")                             \
	X(jumps_rejected, "jumps that came to nothing")                                            \
	X(session_changes, "sessions that took over from another one")                             \
	X(ended, "ends of session")                                                                \
	X(held, "packets held")                                                                    \
	X(held_now, "packets held now")                                                            \
	X(hold_expired, "times that held packets were released after hold_ns")                     \
	X(hold_full, "times that a gap was given up because no more could be held")                \
	X(oversized, "packets that said to carry more than jump_max numbers")                      \
	X(channels_evicted, "sequence channels forgotten to make room")                            \
	X(channels_full, "packets whose sequence channel found no room")

enum fg_arbiter_line_counter {
#define X(name, help) FG_ARBITER_LINE_##name,
	FG_ARBITER_LINE_COUNTERS(X)
#undef X
		FG_ARBITER_LINE_COUNT
};

enum fg_arbiter_channel_counter {
#define X(name, help) FG_ARBITER_CHANNEL_##name,
	FG_ARBITER_CHANNEL_COUNTERS(X)
#undef X
		FG_ARBITER_CHANNEL_COUNT
};

/** One line at one moment. */
struct fg_arbiter_line {
	uint64_t counters[FG_ARBITER_LINE_COUNT];
	/** Races won, by lead: bucket 0 is 0 ns, bucket i is [2^(i-1), 2^i) ns. */
	uint64_t leads[FG_ARBITER_LEADS];
};

/** One sequence channel at one moment. */
struct fg_arbiter_channel {
	uint64_t channel;
	uint8_t session[FG_SESSION_BYTES];
	uint64_t next;    /**< Sequence number expected next. */
	uint64_t last_ns; /**< When its last packet came. */
	bool current; /**< The channel's session; false: an earlier one, or not believed so far. */
	uint64_t counters[FG_ARBITER_CHANNEL_COUNT];
};

/** What an event tells. */
enum fg_arbiter_event_kind {
	FG_ARBITER_GAP_OPENED,       /**< [first, last] did not come; line revealed it. */
	FG_ARBITER_GAP_CLOSED_OTHER, /**< All of it came, at last by this other line. */
	FG_ARBITER_GAP_CLOSED_LATE,  /**< All of it came, at last by the line that revealed it. */
	FG_ARBITER_GAP_UNFILLED,     /**< n numbers in [first, last] are given up. */
	FG_ARBITER_SESSION,          /**< This session took over; first is its start. */
	FG_ARBITER_END,              /**< End of session; first would come next. */
	FG_ARBITER_RESET,            /**< New beginning at first; last was reached before. */
	FG_ARBITER_JUMP_ACCEPTED,    /**< Believed: first is where the feed is, last what it had
					reached. */
	FG_ARBITER_JUMP_REJECTED,    /**< [first, last] came and was not gone on from. */
	FG_ARBITER_SILENT,           /**< Nothing on this line since first, ns. */
	FG_ARBITER_BACK,             /**< The line is back; it was silent since first, ns. */
	FG_ARBITER_EVENT_KINDS,
};

/** Something to tell, of fixed size. */
struct fg_arbiter_event {
	uint64_t time_ns;
	uint64_t since_ns; /**< Of a gap: when it opened; else time_ns. */
	uint64_t channel;
	uint8_t session[FG_SESSION_BYTES];
	uint64_t first;
	uint64_t last;
	uint64_t n;   /**< Sequence numbers it is about. */
	uint8_t kind; /**< enum fg_arbiter_event_kind. */
	uint8_t line;
};

struct fg_arbiter;

/**
 * Make the lines of one feed; fg_arbiter_free() frees it.
 * @return 0; -EINVAL, @p error says which number and what it may be; -ENOMEM.
 * Threads: control, with EAL started.
 */
int fg_arbiter_create(const struct fg_arbiter_conf *conf, struct fg_arbiter **out,
		      struct fg_error *error);

/** Free it; NULL is allowed. It must hold no packets: see fg_arbiter_flush(). Threads: control. */
void fg_arbiter_free(struct fg_arbiter *arbiter);

/**
 * Judge a packet. Hot. Threads: the feed's worker.
 *
 * After each call whose result has FG_ARBITER_READY, take all that fg_arbiter_take() has, and
 * deliver that after this packet if its disposition is FG_ARBITER_PASS, before it if
 * FG_ARBITER_ADMIN. (A packet with numbers that others must precede is FG_ARBITER_HELD, and comes
 * back in its place.)
 *
 * FG_ARBITER_MORE, seen only where a packet of more than 64 numbers brings several new pieces: what
 * is new behind `to` is not noted as seen. Judge a copy of the packet again for that, or leave it
 * to the other lines.
 *
 * @param line    0..n_lines-1; others are taken as line 0.
 * @param now_ns  Now, of the clock that fg_arbiter_tick() goes by; it may go back a little from
 * call to call. What is overdue is released first. Lead times are by arrival_ns of @p pkt.
 * @param packet  What to give back if it is held; ownership goes with it. Opaque.
 */
void fg_arbiter_arbitrate(struct fg_arbiter *arbiter, unsigned int line, uint64_t now_ns,
			  const struct fg_feed_packet *pkt, void *packet,
			  struct fg_arbiter_result *result);

/**
 * Do what time asks for: release what is overdue, give up gaps, notice silence. Hot, and next to
 * nothing while nothing is due. @return whether fg_arbiter_take() has packets. Threads: the worker.
 */
bool fg_arbiter_tick(struct fg_arbiter *arbiter, uint64_t now_ns);

/**
 * Packets that come back, in order. @return how many, 0..max; they are the caller's.
 * Hot. Threads: the worker.
 */
unsigned int fg_arbiter_take(struct fg_arbiter *arbiter, struct fg_arbiter_taken *out,
			     unsigned int max);

/** Give up all gaps and release all that is held, as at the end of a epoch. Threads: the worker. */
void fg_arbiter_flush(struct fg_arbiter *arbiter, uint64_t now_ns);

/** Take up to @p max events, oldest first. @return how many. Threads: control. */
unsigned int fg_arbiter_events(struct fg_arbiter *arbiter, struct fg_arbiter_event *out,
			       unsigned int max);

/** Events that found no room, ever. Threads: any. */
uint64_t fg_arbiter_events_lost(const struct fg_arbiter *arbiter);

/** Counters of one line. Threads: any. */
void fg_arbiter_line(const struct fg_arbiter *arbiter, unsigned int line,
		     struct fg_arbiter_line *out);

/** Counters of all channels together, also of those gone: [FG_ARBITER_CHANNEL_COUNT]. Threads: any.
 */
void fg_arbiter_totals(const struct fg_arbiter *arbiter, uint64_t *out);

/** The sequence channels in use. @return how many, at most @p max. Threads: any. */
unsigned int fg_arbiter_channels(const struct fg_arbiter *arbiter, struct fg_arbiter_channel *out,
				 unsigned int max);

/** Name and meaning of a counter, as printed. */
const char *fg_arbiter_line_counter_name(enum fg_arbiter_line_counter counter);
const char *fg_arbiter_line_counter_help(enum fg_arbiter_line_counter counter);
const char *fg_arbiter_channel_counter_name(enum fg_arbiter_channel_counter counter);
const char *fg_arbiter_channel_counter_help(enum fg_arbiter_channel_counter counter);

/** "gap opened", "gap lost", ...: as events are printed. */
const char *fg_arbiter_event_name(enum fg_arbiter_event_kind kind);

#endif /* FG_ARBITER_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The line arbiter of one feed. This comment defines arbitration.
 *
 * An exchange sends a feed on two or more lines, A, B, ... The arbiter passes each sequence number
 * once, from the packet that brings it first (the first arrival). It drops duplicates, and reports
 * gaps: numbers that no line brought.
 *
 * The arbiter sees no packet bytes. The caller reads a packet's header into struct fg_feed_packet,
 * calls fg_arbiter_arbitrate(), and does with the packet what the result says. One lcore, the
 * feed's owner, uses an arbiter; control reads its counters and events at any time. All memory is
 * allocated at creation.
 *
 * Terms:
 *
 *   channel      one sequence: a channel id (unit, partition, product) in one session
 *   tracker      where a channel's sequence stands: its highest number, which numbers of the
 *                window came, and its open gaps. A channel has a current tracker and, after a jump
 *                or a reset, the one before it, the candidate
 *   window       the last `window` numbers of a tracker; for these the arbiter knows which came
 *   epoch        the part of a channel between two resets; the same number in another epoch is
 *                another message
 *   claim        a packet whose numbers are ahead, until other packets confirm or contradict it
 *   gap          consecutive numbers that were left out when a higher number came
 *   missing      counter: numbers of gaps that were given up; a gap given up is unfilled
 *   filled late  counter: numbers of unfilled gaps that came after all
 *   unrecovered  missing less filled late
 *
 * The arbiter does not believe a single packet whose numbers are not the next ones: it may be
 * damaged or spoofed. Such a packet passes, but changes nothing for others until other packets
 * agree with it. So a wrong number costs no more than the packet itself.
 *
 * Channels. Each channel is arbitrated on its own, so a line that is still in the old session does
 * not disturb the new one. A channel is confirmed by a second packet that continues the first, or
 * comes on another line; only then does its session become the current one of the channel id. A
 * session that another one replaced becomes current again when it brings new numbers in 16 packets,
 * and the other one none meanwhile. A channel that is not confirmed is forgotten after 9 s. The
 * table has room for `channels` channels. When it is full, a new one replaces the oldest
 * unconfirmed one, else the confirmed one that has been idle longest, but never a confirmed current
 * session. If there is none, packets of further channels pass on every line, with
 * FG_ARBITER_UNTRACKED.
 *
 * Numbers. The first packet of a channel defines its start. After that:
 *
 *   the packet's numbers are                 the packet
 *   the next ones                            passes
 *   higher, at most `jump_max` left out      is a claim: passes, or is held
 *   higher, more left out                    is a claim: passes with FG_ARBITER_JUMP
 *   in the window, some did not come yet     passes: it fills a gap, or is from before the start
 *   in the window, all came                  is dropped: FG_ARBITER_DUPLICATE
 *   below the window, some were given up     passes: it fills a gap late
 *   below the window, above the lowest       is dropped: FG_ARBITER_STALE
 *     number that came
 *   below all numbers that came              is a claim: passes with FG_ARBITER_JUMP
 *
 * Lines must therefore be less than `window` numbers apart. Numbers are compared modulo 2^32 or
 * 2^64, so they may wrap. Numbers from before the start are never missing, and pass when a slower
 * line brings them. A packet with more than `jump_max` numbers passes with FG_ARBITER_UNTRACKED.
 *
 * Claims. A packet that starts above the highest number, or reaches above it from below where its
 * line is, claims its numbers. A heartbeat or end of session that names a higher number claims that
 * all below were sent. Until it is confirmed, its numbers make no other packet a duplicate, and no
 * gap opens below them. A copy, with the same numbers and fg_feed_packet.digest (0 is equal to
 * any), is a duplicate. A claim is confirmed when two packets agree with it (one, if it is a jump):
 *
 *   - the next packet of a line that brought it starts at its end;
 *   - another line brings a copy;
 *   - any packet is next to it, if a copy came;
 *   - a heartbeat of any line names the number at its end;
 *   - all below it came, and then: a packet of any line starts at its end;
 *
 * If only one agrees, the claim is confirmed after `gap_timeout_ns`. It is also confirmed when its
 * line sends 8 claims without coming back. With a claim, those of its line below it are confirmed.
 * If a line that made a claim continues below it, the line's next packets do not agree with the
 * claim. A packet that overlaps a claim with other boundaries or another digest contradicts it: the
 * claim is forgotten. So is a claim that nothing confirms for 9 s, and, of more than 32, an older
 * one. The numbers of a confirmed claim came; but until it is forgotten, a packet with the same
 * numbers and another digest still passes. So if lines cut the sequence into different packets, or
 * packets are out of order by more than 32, the messages of a claim may be delivered twice.
 *
 * Sequence jumps. When a claim with FG_ARBITER_JUMP is confirmed, the jump is accepted (an event):
 * the channel gets a new current tracker, and the former one becomes the candidate. Packets near
 * either tracker are arbitrated by that tracker; if 16 in a row are the candidate's, the two change
 * places. A jump is rejected (an event) when its line continues at the current tracker, or when the
 * claim is forgotten.
 *
 * Sequence resets. A protocol may announce a reset (FG_FEED_RESET). A new epoch begins when another
 * line announces the same one, or when the announcing line continues with the number to which it
 * resets. The latter proves nothing if that number is at most `jump_max` above where the line is.
 * An announcement is forgotten when its line continues where it was, and after 9 s. Within
 * `gap_timeout_ns` another line's announcement of the same reset changes nothing; until it comes,
 * that line's packets may still belong to the old epoch.
 *
 * Restarts. A sender may start its numbers anew without saying so. A line goes back if it sends
 * numbers below those that it sent itself. A new epoch begins, if nothing came at the old position
 * since, when
 *
 *   - heartbeats name a number below their line's, on two lines, or three in a row on one, and the
 *     first came at least 10 ms after the line's packet before it;
 *   - a line goes back to where its heartbeat or its announced reset said;
 *   - two lines go back to the same numbers, with two packets in order each, after a pause of the
 *     channel of at least 100 ms;
 *   - one line does, with three packets in order, after a pause of the channel of at least 10 s;
 *   - a line goes back by more than the window, with two packets in order; or two lines do, with
 *     one packet each.
 *
 * A line that goes back must have brought new numbers (of two lines, one must), and must have
 * reached the highest number: a line of retransmissions causes no restart. Packets of the restart
 * that came before it was certain were dropped; if no line brings them again, they are a gap of the
 * new epoch.
 *
 * Gaps. A gap is open until all of its numbers came: from another line, or late from the line that
 * revealed it. The arbiter gives it up, and counts what did not come as missing, after
 * `gap_timeout_ns`, when the window moves past it, when a tracker has too many open gaps, when
 * `hold` continues without it, or when the tracker is replaced. Numbers that come later still pass
 * (FG_ARBITER_LATE), also below the window; they count as filled late. A tracker knows the last
 * 64 ranges that it gave up. A gap is at most three events: opened; closed, or unfilled, when
 * none of it is open any more; and filled late, when all that was given up has come.
 *
 * Retransmissions (FG_FEED_RETRANSMISSION) fill gaps, open or given up. All else in them is a
 * duplicate, and they do not move their line or the channel.
 *
 * Silence. A line is silent in a channel if it sent nothing there for `silence_ns`, while the
 * channel's session is current, confirmed and has not ended.
 *
 * Events. If more than 16 events of one kind and channel come within a second of the packets' time,
 * the rest of that second is merged into one event: `merged` is how many, n is the sum of theirs.
 *
 * Order. Without `hold` a packet passes as soon as it comes. With `hold` a packet above a gap is
 * held until the gap is filled, for `hold_ns` at most; at most `hold_packets` packets of the feed
 * are held. When a limit is reached the arbiter gives up the gap and releases the packets after it.
 * A claim is held, too; if nothing confirms it in that time, or there is no room, it passes with
 * FG_ARBITER_JUMP, and nothing is given up. So numbers come out in order, except from packets with
 * FG_ARBITER_LATE (of a gap given up, or from before the start) and FG_ARBITER_JUMP.
 * fg_arbiter_take() returns held packets, also those whose numbers another packet brought out
 * meanwhile (FG_ARBITER_DUPLICATE: drop them). A reset or a change of session releases what the old
 * epoch or session holds.
 */
#ifndef FG_ARBITER_H
#define FG_ARBITER_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_arbiter_fast.h>
#include <fg_error.h>
#include <fg_feed_packet.h>
#include <fg_stats.h>

/** Settings of one feed. 0 in a number selects its default, which follows the semicolon. */
struct fg_arbiter_conf {
	uint8_t n_lines;   /**< Lines, 1 to FG_ARBITER_LINES_MAX; 2. */
	bool hold;         /**< Hold packets above a gap, to deliver in order. */
	int socket_id;     /**< NUMA node of the owner, or SOCKET_ID_ANY. */
	uint32_t channels; /**< Most channels at once, 1 to 1,024; 32. */
	uint32_t window;   /**< Sequence numbers, a power of two, 128 to 2^20; 8,192. */
	uint32_t jump_max; /**< Most numbers in a gap or a packet, 1 to window / 2; window / 2. */
	uint32_t hold_packets;   /**< Most packets held at once, 1 to 65,536; 256. */
	uint64_t hold_ns;        /**< Longest time that a packet is held; 1 ms. */
	uint64_t gap_timeout_ns; /**< Age at which a gap is given up; 1 s. */
	uint64_t silence_ns;     /**< A line idle this long is silent; 5 s; UINT64_MAX: never. */
	uint32_t events;         /**< Size of the event ring, a power of two, 1 to 2^20; 1,024. */
};

/* Flags of a result. */
#define FG_ARBITER_LATE      0x01u /**< Some of its new numbers come after higher ones passed. */
#define FG_ARBITER_JUMP      0x02u /**< A claim: a jump, or it passes before its turn. */
#define FG_ARBITER_UNTRACKED 0x04u /**< Not arbitrated: unsequenced, oversized, or no room. */
#define FG_ARBITER_MORE      0x08u /**< More of it is new, see fg_arbiter_arbitrate(). */
#define FG_ARBITER_READY     0x10u /**< fg_arbiter_take() has packets. */
#define FG_ARBITER_EPOCH                                                                           \
	0x20u /**< A reset; or its session replaced another, or is the first confirmed one. */

/** A packet that was held. Its disposition is FG_ARBITER_PASS or FG_ARBITER_DUPLICATE. */
struct fg_arbiter_taken {
	void *packet;
	struct fg_arbiter_result result;
};

/** X(name, help): counters of one line. The first five are of its trackers. */
#define FG_ARBITER_LINE_COUNTERS(X)                                                                \
	X(first_arrivals, "packets that brought at least one number first")                        \
	X(first_numbers, "sequence numbers that the line brought first")                           \
	X(duplicates, "packets that brought no new number")                                        \
	X(duplicate_numbers, "sequence numbers in duplicates")                                     \
	X(last_ns, "time of the line's last packet")                                               \
	X(partial, "of the first arrivals, those that also had numbers that came before")          \
	X(repeated, "of the duplicates, those that the line itself had sent or passed before")     \
	X(stale, "packets below the window, or of a possible unannounced reset")                   \
	X(admin, "heartbeats, resets and ends of session")                                         \
	X(untracked, "packets that were not arbitrated")                                           \
	X(skipped, "sequence numbers that the line left out; some may have come late")             \
	X(silent, "1 while the line is silent")                                                    \
	X(silences, "times that the line fell silent")                                             \
	X(unmeasured, "duplicates whose lead time is no longer known")

/** X(name, help): counters of one channel, and their totals for the feed. */
#define FG_ARBITER_CHANNEL_COUNTERS(X)                                                             \
	X(gaps_opened, "gaps found")                                                               \
	X(gaps_closed_other, "gaps closed by another line than the one that revealed them")        \
	X(gaps_closed_late, "gaps closed late by the line that revealed them")                     \
	X(gaps_unfilled, "gaps of which numbers were given up")                                    \
	X(gaps_filled_late, "of the unfilled gaps, those of which all numbers came after all")     \
	X(gaps_open, "gaps open now")                                                              \
	X(missing, "sequence numbers given up")                                                    \
	X(filled_late, "of the missing numbers, those that came later")                            \
	X(lost_forgotten, "of the missing numbers, those that would not be recognized later")      \
	X(out_of_order, "packets that brought new numbers below the highest so far")               \
	X(before_start, "sequence numbers from before the first packet")                           \
	X(resets, "sequence resets, announced or not")                                             \
	X(jumps_accepted, "sequence jumps accepted")                                               \
	X(jumped_over, "sequence numbers that accepted forward jumps left out")                    \
	X(jumps_rejected, "sequence jumps rejected")                                               \
	X(claims, "packets with numbers ahead, which needed another packet to confirm them")       \
	X(claims_contradicted, "of these, those that another packet contradicted")                 \
	X(claims_forgotten, "of these, those that no packet confirmed in time")                    \
	X(resets_unconfirmed, "announced resets that nothing confirmed")                           \
	X(session_changes, "sessions that replaced another one")                                   \
	X(ended, "ends of session")                                                                \
	X(held, "packets held")                                                                    \
	X(held_now, "packets held now")                                                            \
	X(hold_expired, "times that held packets were released after hold_ns")                     \
	X(hold_full, "times that a gap was given up because no more packets could be held")        \
	X(oversized, "packets with more than jump_max numbers")                                    \
	X(channels_evicted, "channels evicted to make room for another one")                       \
	X(channels_forgotten, "channels of which only one packet came")                            \
	X(channels_full, "packets whose channel found no room")

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
	/**
	 * Duplicates on other lines of this line's first arrivals, by lead time: how much later the
	 * duplicate came. Bucket 0 is 0 ns, bucket i is [2^(i-1), 2^i) ns.
	 */
	uint64_t leads[FG_ARBITER_LEADS];
};

/** One channel at one moment. */
struct fg_arbiter_channel {
	uint64_t channel; /**< Channel id. */
	uint8_t session[FG_SESSION_BYTES];
	uint64_t next;    /**< Sequence number expected next. */
	uint64_t last_ns; /**< Time of its last packet. */
	bool current;     /**< It is the current session of its channel id. */
	uint64_t counters[FG_ARBITER_CHANNEL_COUNT];
};

/** Kinds of events, and what first, last and n of struct fg_arbiter_event are. */
enum fg_arbiter_event_kind {
	FG_ARBITER_GAP_OPENED,       /**< [first, last] did not come; `line` revealed the gap. */
	FG_ARBITER_GAP_CLOSED_OTHER, /**< All of the gap came, the last of it from another line. */
	FG_ARBITER_GAP_CLOSED_LATE, /**< The same, the last of it from the line that revealed it. */
	FG_ARBITER_GAP_UNFILLED,    /**< n numbers in [first, last] were given up. */
	FG_ARBITER_GAP_FILLED_LATE, /**< The n numbers given up of [first, last] came after all. */
	FG_ARBITER_SESSION,         /**< This session is now the current one; first: its start. */
	FG_ARBITER_END,             /**< End of session; first would come next. */
	FG_ARBITER_RESET,           /**< A reset to first; last: the highest number before. */
	FG_ARBITER_JUMP_ACCEPTED,   /**< A jump to first; last: the highest number before. */
	FG_ARBITER_JUMP_REJECTED,   /**< [first, last] came, and no packet continued it. */
	FG_ARBITER_SILENT,          /**< `line` is silent; first: time of its last packet, ns. */
	FG_ARBITER_BACK,            /**< `line` sends again; first: as for SILENT. */
	FG_ARBITER_EVENT_KINDS,
};

struct fg_arbiter_event {
	uint64_t time_ns;
	uint64_t packet_ns; /**< arrival_ns of the packet that led to it; 0: a timeout did. */
	uint64_t since_ns;  /**< Of a gap: when it opened; otherwise time_ns. */
	uint64_t channel;   /**< Channel id; 0 for a line that no channel has. */
	uint8_t session[FG_SESSION_BYTES];
	uint64_t first;
	uint64_t last;
	uint64_t n;      /**< Sequence numbers concerned. */
	uint32_t merged; /**< 0, or how many events this is, if held back, see above: n is their
			    sum. */
	uint8_t kind;    /**< enum fg_arbiter_event_kind. */
	uint8_t line;    /**< Line whose packet led to it; GAP_UNFILLED: that revealed it. */
};

/**
 * Create the arbiter of one feed; fg_arbiter_free() frees it.
 * @return 0; -EINVAL, @p error names the setting and its range; -ENOMEM.
 * Threads: control, with EAL started.
 */
int fg_arbiter_create(const struct fg_arbiter_conf *conf, struct fg_arbiter **out,
		      struct fg_error *error);

/** Free it; NULL is allowed. It must hold no packets: see fg_arbiter_flush(). Threads: control. */
void fg_arbiter_free(struct fg_arbiter *arbiter);

/**
 * Arbitrate a packet if the fast path takes it: it brings the next numbers of its channel, or is
 * another line's duplicate. Hot. Threads: the feed's owner.
 * @param duplicates_only  Take no other packet.
 * @param result           Set if the packet was taken: all of it is new, or nothing.
 * @return whether it was taken; if not, nothing has changed: call fg_arbiter_arbitrate().
 */
static __rte_always_inline bool fg_arbiter_arbitrate_fast(struct fg_arbiter *arbiter,
							  unsigned int line, uint64_t now_ns,
							  const struct fg_feed_packet *pkt,
							  bool duplicates_only,
							  struct fg_arbiter_result *result)
{
	const struct fg_arbiter_head *head = (const struct fg_arbiter_head *)arbiter;
	uint64_t first;

	if (unlikely(line >= head->n_fast_lines || now_ns >= head->due_ns ||
		     !fg_arbiter_track_is(head->tracker, pkt)))
		return false;
	if (duplicates_only &&
	    fg_arbiter_track_peek(head->tracker, line, pkt, &first) != FG_ARBITER_PEEK_DUPLICATE)
		return false;
	return fg_arbiter_track_arbitrate(arbiter, head->tracker, line, now_ns, pkt, result);
}

/**
 * Arbitrate a packet. Hot. Threads: the feed's owner.
 *
 * If the result has FG_ARBITER_READY, call fg_arbiter_take() until it returns 0 before the next
 * call. Deliver those packets after this one if it is FG_ARBITER_PASS, before it if it is
 * FG_ARBITER_ADMIN. (A packet with numbers that must follow them is FG_ARBITER_HELD, and is
 * returned in its place.)
 *
 * FG_ARBITER_MORE: the packet has more than 64 numbers and several ranges of new ones, and `mask`
 * cannot express those from `to` on. They are not marked as seen: arbitrate a copy of the packet
 * again to get them, or leave them to the other lines.
 *
 * @param line    0 to n_lines - 1; a larger number is taken as line 0.
 * @param now_ns  Time, of the same clock as for fg_arbiter_tick(); it may go back by up to 1 ms
 *                between calls; if it goes back further, all that waits is due at once. What is
 *                due is handled first. Lead times are taken from arrival_ns of @p pkt.
 * @param packet  Returned by fg_arbiter_take() if the packet is held; opaque. The arbiter owns it
 *                while it is held.
 */
static __rte_always_inline void fg_arbiter_arbitrate(struct fg_arbiter *arbiter, unsigned int line,
						     uint64_t now_ns,
						     const struct fg_feed_packet *pkt, void *packet,
						     struct fg_arbiter_result *result)
{
	if (unlikely(!fg_arbiter_arbitrate_fast(arbiter, line, now_ns, pkt, false, result)))
		fg_arbiter_arbitrate_slow(arbiter, line, now_ns, pkt, packet, result);
}

/**
 * Look at a packet before its messages are verified: a duplicate need not be. Changes nothing. Hot.
 * @param line  As for fg_arbiter_arbitrate(). Threads: the owner.
 */
static __rte_always_inline enum fg_arbiter_peek fg_arbiter_peek(const struct fg_arbiter *arbiter,
								unsigned int line,
								const struct fg_feed_packet *pkt)
{
	const struct fg_arbiter_head *head = (const struct fg_arbiter_head *)arbiter;
	uint64_t first;

	if (unlikely(line >= head->n_fast_lines || !fg_arbiter_track_is(head->tracker, pkt)))
		return FG_ARBITER_PEEK_OTHER;
	return fg_arbiter_track_peek(head->tracker, line, pkt, &first);
}

/** Prefetch what fg_arbiter_arbitrate() commonly touches. Hot. Threads: the owner. */
static inline void fg_arbiter_prefetch(const struct fg_arbiter *arbiter, unsigned int line)
{
	const struct fg_arbiter_track *track = ((const struct fg_arbiter_head *)arbiter)->tracker;

	rte_prefetch0(track);
	rte_prefetch0(&track->lines[line % FG_ARBITER_LINES_MAX]);
}

/**
 * Handle timeouts: release packets held too long, give up old gaps, find silent lines. Call it
 * regularly also without packets; it returns at once while nothing is due. Hot.
 * @return whether fg_arbiter_take() has packets. Threads: the owner.
 */
bool fg_arbiter_tick(struct fg_arbiter *arbiter, uint64_t now_ns);

/**
 * Take packets that were held, in order; the caller owns them.
 * @return how many, 0 to @p max. Hot. Threads: the owner.
 */
unsigned int fg_arbiter_take(struct fg_arbiter *arbiter, struct fg_arbiter_taken *out,
			     unsigned int max);

/** Give up all gaps and release all held packets, before stopping. Threads: the owner. */
void fg_arbiter_flush(struct fg_arbiter *arbiter, uint64_t now_ns);

/** Take up to @p max events, oldest first. @return how many. Threads: control. */
unsigned int fg_arbiter_events(struct fg_arbiter *arbiter, struct fg_arbiter_event *out,
			       unsigned int max);

/** Events lost since creation because the ring was full. Threads: any. */
uint64_t fg_arbiter_events_lost(const struct fg_arbiter *arbiter);

/** Counters of one line, 0 to n_lines - 1. Threads: any. */
void fg_arbiter_line(const struct fg_arbiter *arbiter, unsigned int line,
		     struct fg_arbiter_line *out);

/**
 * Counters of all channels together, including evicted ones.
 * @param out  [FG_ARBITER_CHANNEL_COUNT]. Threads: any.
 */
void fg_arbiter_totals(const struct fg_arbiter *arbiter, uint64_t *out);

/** The channels in use. @return how many, at most @p max. Threads: any. */
unsigned int fg_arbiter_channels(const struct fg_arbiter *arbiter, struct fg_arbiter_channel *out,
				 unsigned int max);

/** Name and help of a counter, as printed. Threads: any. */
const char *fg_arbiter_line_counter_name(enum fg_arbiter_line_counter counter);
const char *fg_arbiter_line_counter_help(enum fg_arbiter_line_counter counter);
const char *fg_arbiter_channel_counter_name(enum fg_arbiter_channel_counter counter);
const char *fg_arbiter_channel_counter_help(enum fg_arbiter_channel_counter counter);

/** "gap opened", "gap unfilled", ...: an event's name, as printed. Threads: any. */
const char *fg_arbiter_event_name(enum fg_arbiter_event_kind kind);

#endif /* FG_ARBITER_H */

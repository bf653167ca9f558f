/* SPDX-License-Identifier: MIT */
/**
 * @file
 * One feed: its protocol, its lines, what it has told, and what becomes of each
 * of its packets.
 *
 * The stage between stamp and dispatch. A packet of a feed is read by the
 * feed's protocol, arbitrated against what other lines brought (fg_arbiter.h),
 * and its messages are held against what its rule wants (fg_msg_filter.h); it
 * passes, maybe later than others, or is dropped for one reason:
 *
 *   duplicate    another line brought all of it before
 *   stale        older than the window, or of a new beginning not believed so far
 *   no_matching_message   its rule wants none of its messages
 *   unknown      its rule cannot tell yet, and says drop
 *   wrong_protocol  not of the feed's protocol, and its rule wants certain messages
 *
 * What is dropped still counts for gaps. Resets and ends of session always
 * pass. All packets of a feed are handled by one lcore.
 */
#ifndef FG_FEED_H
#define FG_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_arbiter.h>
#include <fg_error.h>
#include <fg_known.h>
#include <fg_meta.h>
#include <fg_option.h>
#include <fg_protocol.h>
#include <fg_stats.h>

struct fg_node;

enum fg_feed_reorder {
	FG_FEED_REORDER_NONE, /**< What comes passes. */
	FG_FEED_REORDER_HOLD, /**< What comes early is held. */
};

/** An entry of `feeds:`. Rows but name and protocol are in fg_feed_options[]. */
struct fg_feed_conf {
	char *name;
	struct fg_protocol *protocol; /**< NULL: the feed only ties rules to one worker. */
	bool arbitrate;               /**< Each sequence number passes once. */
	bool track;                   /**< Look for gaps; needed to arbitrate. */
	bool learn;                   /**< Note what directories and orders say. */
	uint64_t reorder;             /**< enum fg_feed_reorder. */
	uint64_t window;              /**< Numbers. */
	uint64_t jump_max;            /**< Numbers; 0: half the window. */
	uint64_t hold_packets;
	uint64_t hold_us; /**< At most a second: publishing rules waits for what is held. */
	uint64_t gap_timeout_ms;
	uint64_t silence_ms; /**< 0: never silent. */
	uint64_t channels;
	char *symbol_file;    /**< File to preload; "": none. */
	uint64_t symbols_max; /**< Entries. */
	uint64_t orders;      /**< Slots, a power of two; 0: none. */
	char *events;         /**< Name of the sink that gets records of gaps; "": none. */
};

/** The rows of `feeds:`, but name, protocol and messages; ends with an empty row. */
extern const struct fg_option fg_feed_options[];

/**
 * Read an entry of `feeds:`, a map. `protocol` is a name or a map, as
 * fg_protocol_load() takes it; `messages` is the name of a set of messages.
 * @param conf  Zeroed by the caller; free with fg_feed_conf_free() on success.
 * @return 0; -EINVAL or -ERANGE with place and reason in @p error; -ENOMEM. Threads: control.
 */
int fg_feed_read(const struct fg_node *node, struct fg_feed_conf *conf, struct fg_error *error);

/** Free what it holds. Threads: control. */
void fg_feed_conf_free(struct fg_feed_conf *conf);

/** X(name, help): what became of a feed's packets and messages. */
#define FG_FEED_COUNTERS(X)                                                                        \
	X(packets, "packets of the feed's rules")                                                  \
	X(messages, "messages walked over")                                                        \
	X(matched, "of these, messages that their rule wants")                                     \
	X(unmapped, "messages of an instrument or order not known so far")                         \
	X(partial, "packets that passed for a part of their messages: the rest came before")       \
	X(wrong_protocol, "packets that are not of the protocol")                                  \
	X(truncated, "packets shorter than their header, or than it says")                         \
	X(malformed, "packets whose messages' lengths lie")                                        \
	X(undecodable, "packets with a message of unknown length: the rest was not looked at")     \
	X(sliced, "packets handed on as slices")                                                   \
	X(slice_failed, "packets handed on whole: no mbuf for the slice, or it cannot be made")

enum fg_feed_counter {
#define X(name, help) FG_FEED_##name,
	FG_FEED_COUNTERS(X)
#undef X
		FG_FEED_COUNTER_COUNT
};

struct fg_feed;

/**
 * Make a feed; fg_feed_free() frees it.
 * @param conf     With a protocol; it must outlive the feed.
 * @param n_lines  1..FG_ARBITER_LINES_MAX: the highest line of any source or rule.
 * @return 0; -EINVAL, -ENOMEM; as fg_known_load().
 * Threads: control, with EAL started.
 */
int fg_feed_create(const struct fg_feed_conf *conf, unsigned int n_lines, int socket_id,
		   struct fg_feed **out, struct fg_error *error);

/** Free it; NULL is allowed. It holds no packets: fg_feed_flush(). Threads: control. */
void fg_feed_free(struct fg_feed *feed);

const struct fg_feed_conf *fg_feed_conf(const struct fg_feed *feed);
unsigned int fg_feed_n_lines(const struct fg_feed *feed);
/** Its lines; NULL if it does not track. Events and counters: fg_arbiter.h. */
struct fg_arbiter *fg_feed_arbiter(const struct fg_feed *feed);
/** Does it hold packets now? Threads: any. */
bool fg_feed_holds(const struct fg_feed *feed);
/** What it has told; never NULL. */
struct fg_known *fg_feed_known(const struct fg_feed *feed);
/** [FG_FEED_COUNTER_COUNT]. Threads: any. */
void fg_feed_counters(const struct fg_feed *feed, uint64_t *out);
const char *fg_feed_counter_name(enum fg_feed_counter counter);
const char *fg_feed_counter_help(enum fg_feed_counter counter);

/** Packets leaving the stage; `pass` is in the order of delivery. */
struct fg_feed_out {
	struct rte_mbuf **pass; /**< Room for `room`. */
	uint16_t room;
	uint16_t n_pass;
	uint16_t n_drop;
	struct rte_mbuf *drop[FG_BURST_MAX];
	uint8_t reason[FG_BURST_MAX]; /**< enum fg_drop, of each in drop. */
};

/** One lcore's way through its feeds. Its fields are the stage's own but for the first group. */
struct fg_feed_stage {
	struct fg_feed *const
		*feeds; /**< [n_feeds] by fg_meta.feed; NULL where it has no protocol. */
	uint32_t n_feeds;
	struct rte_mempool *slices; /**< For slices; NULL: packets pass whole. */

	struct fg_feed *draining; /**< Has packets to give back that found no room. */
	struct rte_mbuf *after;   /**< Passes when it has been drained. */
	uint64_t now_ns;          /**< Of the last call. */
	uint8_t *scratch;         /**< [UINT16_MAX] payload of packets in several segments. */
};

/**
 * Take packets as far as there is room, in order. Hot.
 *
 * Packets of no feed pass. Where a feed holds packets, what others waited for may
 * pass, so that more comes out than goes in: call again, with what was not
 * taken, until all are taken and fg_feed_pending() says no.
 *
 * @param pkts    Stamped; of @p count, at most FG_BURST_MAX.
 * @param now_ns  Now, UTC: the same clock as in fg_feed_tick().
 * @param out     room of at least 1; the rest is set. Packets in it are the caller's.
 * @return packets taken, 0..count. Threads: the lcore of these feeds.
 */
uint16_t fg_feed_burst(struct fg_feed_stage *stage, struct rte_mbuf **pkts, uint16_t count,
		       uint64_t now_ns, struct fg_feed_out *out);

/** Are there packets to give back? */
static inline bool fg_feed_pending(const struct fg_feed_stage *stage)
{
	return stage->draining != NULL;
}

/**
 * Do what time asks of one feed; call fg_feed_burst() with no packets if it is
 * pending then. Hot. Threads: the feed's lcore, with nothing pending.
 */
void fg_feed_tick(struct fg_feed_stage *stage, struct fg_feed *feed, uint64_t now_ns);

/** Give up all gaps, release all that is held: at the end of a run. As fg_feed_tick(). */
void fg_feed_flush(struct fg_feed_stage *stage, struct fg_feed *feed, uint64_t now_ns);

#endif /* FG_FEED_H */

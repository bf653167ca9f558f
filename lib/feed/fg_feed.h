/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A feed: one protocol, its lines, and the stage that its packets go through.
 *
 * The stage is between stamp and the sinks. It reads the header of each packet by the feed's
 * protocol (fg_protocol.h), verifies its messages and matches them against the rule's subscription
 * (fg_msg_filter.h), and arbitrates the packet against the other lines (fg_arbiter.h). The packet
 * then passes, maybe after later ones if it was held, or is dropped for one reason:
 *
 *   duplicate            another line brought all of its sequence numbers before
 *   stale                older than the window, or of a sequence reset that is not confirmed
 *   no_matching_message  the rule subscribes to none of its messages
 *   unmapped             the same, but some instruments have no symbol or order entry yet, and the
 *                        rule has `unmapped: drop`
 *   wrong_protocol       the packet is not of the feed's protocol, and the rule subscribes to
 *                        messages
 *   malformed_messages   its messages do not agree with its header
 *
 * Only verified packets change state. The numbers of a malformed packet do not count as received:
 * it makes no other packet a duplicate, and opens and closes no gap. Those of a packet dropped as
 * no_matching_message do count, so it leaves no gap. Resets and ends of session always pass. The
 * stage drops a packet whose numbers all came before without looking at its messages. One lcore,
 * the owner, handles all packets of a feed.
 */
#ifndef FG_FEED_H
#define FG_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_arbiter.h>
#include <fg_burst.h>
#include <fg_error.h>
#include <fg_meta.h>
#include <fg_option.h>
#include <fg_orders.h>
#include <fg_protocol.h>
#include <fg_stats.h>
#include <fg_symbols.h>

struct fg_node;

enum fg_feed_reorder {
	FG_FEED_REORDER_NONE, /**< Packets pass in the order of arrival. */
	FG_FEED_REORDER_HOLD, /**< Early packets are held until the gap is filled or given up. */
};

/** What becomes of malformed packets: their messages do not agree with their header. */
enum fg_feed_malformed {
	FG_FEED_MALFORMED_DROP, /**< Drop them as malformed_messages. */
	FG_FEED_MALFORMED_PASS, /**< Pass them on every line, with no message matched. */
};

/** An entry of `feeds:`. All keys but name, protocol and messages are rows of fg_feed_options[]. */
struct fg_feed_conf {
	char *name;
	struct fg_protocol *protocol; /**< NULL: the feed only keeps its rules on one worker. */
	bool arbitrate;               /**< Pass each sequence number once. */
	bool track;                   /**< Track sequences: gaps, resets, silence. */
	bool learn;                   /**< Learn symbols and orders from all packets. */
	bool checksum;                /**< Verify the protocol's own checksum. */
	uint64_t malformed;           /**< enum fg_feed_malformed. */
	uint64_t reorder;             /**< enum fg_feed_reorder. */
	uint64_t window;              /**< Numbers. */
	uint64_t jump_max;            /**< Numbers; 0: half the window. */
	uint64_t hold_packets;
	uint64_t hold_us; /**< At most a second: replaced rule sets wait for held packets. */
	uint64_t gap_timeout_ms;
	uint64_t silence_ms; /**< 0: never silent. */
	uint64_t channels;
	char *symbols_file;   /**< Keeps the symbol map across a restart; "": none. */
	uint64_t symbols_max; /**< Numbers that the symbol map has room for. */
	uint64_t orders;      /**< Entries of the order map, a power of two; 0: none. */
	uint64_t lcore;       /**< EAL's id of the lcore that owns it, or FG_FEED_LCORE_AUTO. */
};

#define FG_FEED_LCORE_AUTO FG_OPTION_NAMED(0) /**< fg_feed_conf.lcore: balanced. */

/** Rows of `feeds:`, without name, protocol and messages; the last row is empty. */
extern const struct fg_option fg_feed_options[];

/**
 * Read an entry of `feeds:`, a map. `protocol` is a name or a map, as
 * fg_protocol_load() takes it; `messages` is the name of a set of messages.
 * @param conf  Zeroed by the caller; free with fg_feed_conf_free() on success.
 * @return 0; -EINVAL or -ERANGE with location and reason in @p error; -ENOMEM. Threads: control.
 */
int fg_feed_read(const struct fg_node *node, struct fg_feed_conf *conf, struct fg_error *error);

/** Free what it holds. Threads: control. */
void fg_feed_conf_free(struct fg_feed_conf *conf);

/** X(name, help): counters of one feed. */
#define FG_FEED_COUNTERS(X)                                                                        \
	X(packets, "packets of the feed's rules")                                                  \
	X(messages, "messages parsed")                                                             \
	X(matched, "messages that match the rule's subscription")                                  \
	X(unmapped, "messages whose instrument number or order is not mapped yet")                 \
	X(partial,                                                                                 \
	  "packets that passed although another line brought some of their messages before")       \
	X(wrong_protocol, "packets that are not of the feed's protocol")                           \
	X(truncated, "packets shorter than their header or their stated length")                   \
	X(malformed, "packets whose messages are not as their header has them, by reason:")        \
	X(malformed_length, "a message is too short, or leaves the packet")                        \
	X(malformed_count, "fewer messages than the header's count")                               \
	X(malformed_trailing, "bytes after the last message")                                      \
	X(malformed_numbers, "the messages' own numbers are not consecutive")                      \
	X(malformed_checksum, "the packet's own checksum, of OPRA or CTA, is wrong")               \
	X(undecodable, "packets with a message of unknown length; the rest was not parsed")        \
	X(sliced, "packets cut down to their matched messages")                                    \
	X(slice_failed, "packets passed whole: no mbuf for the slice, or it cannot be built")

enum fg_feed_counter {
#define X(name, help) FG_FEED_##name,
	FG_FEED_COUNTERS(X)
#undef X
		FG_FEED_COUNTER_COUNT
};

struct fg_feed;

#define FG_FEED_HELD_VERSIONS                                                                      \
	16u /**< Held packets are counted by rule-set version modulo this.                         \
	     */

/**
 * Make a feed; fg_feed_free() frees it.
 * @param conf     With a protocol; it must outlive the feed.
 * @param n_lines  1..FG_ARBITER_LINES_MAX: the highest line of any source or rule.
 * @return 0; -EINVAL, -ENOMEM; as fg_symbols_load().
 * Threads: control, with EAL started.
 */
int fg_feed_create(const struct fg_feed_conf *conf, unsigned int n_lines, int socket_id,
		   struct fg_feed **out, struct fg_error *error);

/** Free it; NULL is allowed. It must hold no packets: fg_feed_flush(). Threads: control. */
void fg_feed_free(struct fg_feed *feed);

const struct fg_feed_conf *fg_feed_conf(const struct fg_feed *feed);
unsigned int fg_feed_n_lines(const struct fg_feed *feed);
/** Its line arbiter; NULL if it does not track. Events and counters: fg_arbiter.h. */
struct fg_arbiter *fg_feed_arbiter(const struct fg_feed *feed);
/**
 * Packets that it holds now and that rule-set version @p rules_version classified, or one
 * FG_FEED_HELD_VERSIONS older or newer. Threads: any.
 */
uint64_t fg_feed_held(const struct fg_feed *feed, uint32_t rules_version);
/** Its symbol map; never NULL. */
struct fg_symbols *fg_feed_symbols(const struct fg_feed *feed);
/** Its order map; never NULL. */
struct fg_orders *fg_feed_orders(const struct fg_feed *feed);
/** What its symbols file was at start. */
enum fg_symbols_file fg_feed_symbols_file(const struct fg_feed *feed);
/** [FG_FEED_COUNTER_COUNT]. Threads: any. */
void fg_feed_counters(const struct fg_feed *feed, uint64_t *out);
const char *fg_feed_counter_name(enum fg_feed_counter counter);
const char *fg_feed_counter_help(enum fg_feed_counter counter);

/** Packets that leave the stage; `pass` is in delivery order. */
struct fg_feed_out {
	struct rte_mbuf **pass; /**< Room for `room`. */
	uint16_t room;
	uint16_t n_pass;
	uint16_t n_drop;
	struct rte_mbuf *drop[FG_BURST_MAX];
	uint8_t reason[FG_BURST_MAX]; /**< enum fg_drop, of each in drop. */
};

/** The stage of one lcore. The caller sets the first group; the rest is the stage's own. */
struct fg_feed_stage {
	struct fg_feed *const *feeds; /**< [n_feeds] by fg_meta.feed; NULL: without a protocol. */
	uint32_t n_feeds;
	struct rte_mempool *slices; /**< For slices; NULL: packets pass whole. */

	uint64_t burst;           /**< Number of the call. */
	bool released;            /**< In this call packets were released. */
	struct fg_feed *draining; /**< Its arbiter has released packets that are not out yet, */
	bool draining_old;        /**< and these are from before a reset, up to `newest`. */
	const void *newest;       /**< Packet that made it release them. */
	struct rte_mbuf *after;   /**< Passes after those. */
	uint64_t now_ns;          /**< As given to the last call. */
	uint8_t *scratch;         /**< [UINT16_MAX] payload of packets in several segments. */
};

/**
 * Process packets in order, as far as there is room. Hot.
 *
 * Packets without a feed pass. A packet may release held ones, so more can come out than goes in:
 * call again with the packets that were not taken, until all are taken and fg_feed_pending() is
 * false.
 *
 * @param pkts    Stamped; of @p count, at most FG_BURST_MAX.
 * @param now_ns  Now, UTC: the same clock as in fg_feed_tick().
 * @param out     room of at least 1; the rest is set. Packets in it are the caller's.
 * @return packets taken, 0..count. Threads: the lcore of these feeds.
 */
uint16_t fg_feed_burst(struct fg_feed_stage *stage, struct rte_mbuf **pkts, uint16_t count,
		       uint64_t now_ns, struct fg_feed_out *out);

/** Whether released packets wait for room in fg_feed_out. */
static inline bool fg_feed_pending(const struct fg_feed_stage *stage)
{
	return stage->draining != NULL;
}

/**
 * Time out gaps, held packets and silent lines of one feed. If fg_feed_pending() is true after it,
 * call fg_feed_burst() with no packets. Hot. Threads: the feed's lcore, with nothing pending.
 */
void fg_feed_tick(struct fg_feed_stage *stage, struct fg_feed *feed, uint64_t now_ns);

/** Give up all gaps and release all held packets, before the lcore stops. As fg_feed_tick(). */
void fg_feed_flush(struct fg_feed_stage *stage, struct fg_feed *feed, uint64_t now_ns);

#endif /* FG_FEED_H */

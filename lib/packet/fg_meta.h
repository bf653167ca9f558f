/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Packet metadata: what a stage found out about a packet and a later stage needs.
 *
 * One cache line in the mbuf's private area. Each field has one writer:
 *
 *   stage     lcore        writes
 *   capture   rx           rx_ns, wire_len and flags (FG_META_TIMED), only by sources that know a
 *                          packet's time (fg_source_ops.timed)
 *   rx loop   rx           all other fields but messages, n_matched and two flags, once, after
 *                          classify, and only for packets that a rule keeps
 *   feed      the feed's   messages, n_matched, FG_META_MATCHED, FG_META_UNMAPPED
 *   dispatch  the feed's   n_takers, for packets with several sinks; then any thread of these sinks
 *
 * The rx loop never touches this line of a packet that it drops. The rx lcore owns the mbuf up to
 * the ring; after that the lcore that takes it from the ring owns it.
 */
#ifndef FG_META_H
#define FG_META_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/** Bits of fg_meta.flags. */
enum fg_meta_flag {
	FG_META_TIMED = 1 << 0,    /**< The source wrote rx_ns. */
	FG_META_DATAGRAM = 1 << 1, /**< The payload is that of a whole UDP datagram. */
	FG_META_SLICE = 1 << 2,    /**< The rule forwards only the matched messages. */
	FG_META_MATCHED = 1 << 3,  /**< messages and n_matched are a filter's or the arbiter's. */
	FG_META_UNMAPPED = 1 << 4, /**< No message matched; some have unmapped instruments. */
};

#define FG_META_FEED_NONE UINT16_MAX /**< fg_meta.feed: the rule names no feed with a protocol. */

struct fg_msg_filter;

struct fg_meta {
	uint64_t rx_ns;    /**< When the packet was received, UTC, ns since 1970. */
	uint64_t messages; /**< Bit i: message i matched; the first 64 of the packet. */

	/* What the rule decides: the first fields of the pipeline's struct action. */
	uint64_t sinks;               /**< Bit i: the rule sends the packet to sink i. */
	struct fg_msg_filter *filter; /**< The rule's message filter; NULL: all messages match. */
	uint32_t rule_id;             /**< Of the rule that won; see fg_names.h. */
	uint32_t rules_version;       /**< Of the rule set that classified the packet. */
	uint16_t feed;                /**< Index of the feed, or FG_META_FEED_NONE. */
	uint8_t line;                 /**< 1 for A, 2 for B, ...; 0: none. */
	uint8_t flags;                /**< enum fg_meta_flag, or-ed. */

	uint16_t payload_off; /**< Where the L4 payload begins, bytes from the frame's start. */
	uint16_t payload_len; /**< Bytes, as the headers have it. */
	uint32_t wire_len;    /**< Bytes on the wire; above pkt_len if the capture cut it. */
	uint16_t n_matched;   /**< How many messages matched, including those after the first 64. */
	uint8_t source;       /**< Index of the source. */
	uint8_t n_takers;     /**< Of a packet with several sinks: those that did not give it up. */
};
static_assert(sizeof(struct fg_meta) <= RTE_CACHE_LINE_MIN_SIZE, "metadata is one cache line");

#define FG_META_BYTES 64u /**< priv_size of every mbuf pool; see fg_pool.h. */
static_assert(sizeof(struct fg_meta) <= FG_META_BYTES, "metadata fits the private area");

/** The metadata of @p m, whose pool has a priv_size of FG_META_BYTES. Hot. Threads: its owner. */
static inline struct fg_meta *fg_meta(struct rte_mbuf *m)
{
	return (struct fg_meta *)rte_mbuf_to_priv(m);
}

/** Whether the packet's rule has several sinks. Hot. Threads: any that has a reference. */
static inline bool fg_meta_is_shared(const struct fg_meta *meta)
{
	return (meta->sinks & (meta->sinks - 1)) != 0;
}

/**
 * One of the packet's sinks refuses it, or took it and cannot deliver it after all. To call once
 * for a sink, before its reference is freed. Hot.
 * @return whether no sink is left: nobody delivers the packet. Threads: any that has a reference.
 */
static inline bool fg_meta_give_up(struct fg_meta *meta)
{
	return !fg_meta_is_shared(meta) ||
	       __atomic_fetch_sub(&meta->n_takers, 1, __ATOMIC_ACQ_REL) == 1;
}

#endif /* FG_META_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What the stages note about a packet, in the mbuf's private area: one line.
 *
 *   stage     lcore    writes
 *   capture   rx       rx_ns and FG_META_TIMED, flags (always), wire_len: only sources with
 *                      times of their own; see fg_source.h
 *   rx loop   rx       the rest of the first group, for packets that a rule keeps
 *   stamp     worker   rx_ns (unless FG_META_TIMED), out_ns
 *   feed      worker   messages and n_matched, where filter was; FG_META_MATCHED
 *
 * A packet that no rule keeps never has this line touched, unless its source
 * did. Before the ring the rx lcore owns the mbuf; after it, one worker does.
 */
#ifndef FG_META_H
#define FG_META_H

#include <assert.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define FG_BURST_MAX 32u /**< Most packets a stage sees in one call: what stays in L1. */
#define FG_RULE_NONE 0u  /**< No rule matched: the default action decides. */

/** fg_meta.flags. */
enum fg_meta_flag {
	FG_META_TIMED = 1 << 0,    /**< The source knew the time: rx_ns is final at capture. */
	FG_META_DATAGRAM = 1 << 1, /**< The payload is all of a UDP datagram's. */
	FG_META_SLICE = 1 << 2,    /**< Its rule wants the wanted messages alone. */
	FG_META_MATCHED = 1 << 3,  /**< messages and n_matched say which messages are wanted. */
	FG_META_UNMAPPED = 1 << 4, /**< None is wanted, but only because some are not known. */
};

#define FG_META_FEED_NONE UINT16_MAX /**< fg_meta.feed: of no feed that has a protocol. */

struct fg_msg_filter;

struct fg_meta {
	uint64_t rx_ticks; /**< Capture clock (TSC), ticks; see fg_clock.h. */
	uint64_t rx_ns;    /**< When it was received, UTC, ns since 1970. */
	uint64_t out_ns;   /**< Taken just before dispatch, UTC, ns. */
	uint64_t sinks;    /**< Bit i: to sink i; from the rule. */
	union {
		struct fg_msg_filter *filter; /**< Up to feed: what its rule wants; NULL: all. */
		uint64_t messages; /**< Behind feed: bit i: message i is wanted; of the first 64. */
	};
	uint32_t rule_id;       /**< The rule's name, for good; see fg_names.h. */
	uint32_t rules_version; /**< Which rule set judged the packet. */
	uint32_t wire_len;      /**< Bytes on the wire; more than pkt_len if the capture cut it. */
	uint16_t payload_off;   /**< First L4 payload byte, from packet start. */
	uint16_t payload_len;   /**< Bytes, as the headers say. */
	uint16_t feed;          /**< Index of its feed, or FG_META_FEED_NONE. */
	uint16_t n_matched;     /**< Messages wanted, also beyond the first 64. */
	uint8_t source;         /**< Index of the source. */
	uint8_t queue;          /**< Queue of that source. */
	uint8_t line;           /**< 1 for A, 2 for B, ...; 0: none. */
	uint8_t flags;          /**< enum fg_meta_flag, or-ed. */
};
static_assert(sizeof(struct fg_meta) <= RTE_CACHE_LINE_MIN_SIZE, "must stay one line");

/**
 * The ring under every mbuf pool. Sinks free packets on threads of their own,
 * which the kernel may take off the CPU in the middle of it. With DPDK's
 * default, "ring_mp_mc", all lcores that free to that pool then spin until the
 * thread is back; with relaxed tail sync only its own elements wait.
 */
#define FG_POOL_OPS "ring_mt_rts"

#define FG_META_BYTES 64u /**< priv_size of every mbuf pool whose packets walk the house. */

/** The mbuf's notes. @p m comes from a pool made with priv_size FG_META_BYTES. */
static inline struct fg_meta *fg_meta(struct rte_mbuf *m)
{
	return (struct fg_meta *)rte_mbuf_to_priv(m);
}

#endif /* FG_META_H */

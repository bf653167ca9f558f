/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The header of one packet of a feed, in the same form for every protocol: which
 * sequence numbers the packet carries, of which session and channel, and where its
 * messages are. fg_protocol_read() writes it, the feed stage adds arrival_ns
 * and digest; arbiter and message filter read it.
 *
 * A channel is one sequence of numbers: a feed may have several, such as a PITCH
 * unit or an EOBI partition. The numbers of a channel start again with each session.
 */
#ifndef FG_FEED_PACKET_H
#define FG_FEED_PACKET_H

#include <assert.h>
#include <stdint.h>

#define FG_SESSION_BYTES 16u /**< The longest session of any protocol. */

/** What a packet means for its channel's sequence. */
enum fg_feed_packet_kind {
	FG_FEED_DATA = 0,  /**< It carries [first, first + count). */
	FG_FEED_HEARTBEAT, /**< The next number is `first`; count is 0. */
	FG_FEED_RESET,     /**< Numbers start again: the next one is `first`; count is 0. */
	FG_FEED_END,       /**< The session ends; the next number would be `first`. */
	/** It carries [first, first + count) again, on request: it only fills gaps. */
	FG_FEED_RETRANSMISSION,
	FG_FEED_UNSEQUENCED, /**< Outside the sequence: snapshots, numbers of their own. */
	FG_FEED_PACKET_KINDS,
};

struct fg_feed_packet {
	uint8_t session[FG_SESSION_BYTES]; /**< As in the packet, then zeros; all zeros: none. */
	uint64_t channel;                  /**< 0 where the protocol has only one. */
	uint64_t first;                    /**< First sequence number, widened to 64 bits. */
	uint64_t arrival_ns;   /**< Time of receipt, for lead times; the reader's caller sets it. */
	uint32_t digest;       /**< Hash of the messages; 0 where the arbiter needs none. */
	uint32_t count;        /**< Sequence numbers: one a message, or 1 for the packet. */
	uint16_t messages_off; /**< Start of the messages, in bytes from that of the payload. */
	uint16_t messages_end; /**< End of the messages: padding and trailers come after it. */
	uint16_t n_messages;   /**< From the header; UINT16_MAX: the header has no count. */
	uint8_t kind;          /**< enum fg_feed_packet_kind. */
	uint8_t sequence_bits; /**< 32 or 64: sequence numbers are modulo 2 to this power. */
};

static_assert(sizeof(struct fg_feed_packet) == 56, "a cache line holds one");

#endif /* FG_FEED_PACKET_H */

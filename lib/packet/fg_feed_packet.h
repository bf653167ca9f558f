/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What a protocol's header says of one packet, whatever the feed: which
 * sequence numbers it carries, of which session and channel, and where its
 * messages lie. Written by fg_protocol_read(), read by arbitration and walks.
 *
 * A feed's sequence spaces are told apart by channel: a unit, a partition, a
 * product; 0 where the protocol has none. A sequence space starts anew with
 * each session.
 */
#ifndef FG_FEED_PACKET_H
#define FG_FEED_PACKET_H

#include <stdint.h>

#define FG_SESSION_BYTES 16u /**< Longest session name or number of any protocol. */

/** What a packet is to the sequence. */
enum fg_feed_packet_kind {
	FG_FEED_DATA = 0,    /**< Carries [first, first + count). */
	FG_FEED_HEARTBEAT,   /**< Says that first is what comes next; count is 0. */
	FG_FEED_RESET,       /**< The sequence starts anew: first is what comes next. */
	FG_FEED_END,         /**< End of session; first is what would come next. */
	FG_FEED_UNSEQUENCED, /**< Of no sequence: recovery, snapshots, numbers of their own. */
	FG_FEED_PACKET_KINDS,
};

struct fg_feed_packet {
	uint8_t session[FG_SESSION_BYTES]; /**< As in the packet, the rest zero; all zero: none. */
	uint64_t channel;
	uint64_t first;        /**< First sequence number, widened to 64 bits. */
	uint64_t arrival_ns;   /**< When it was received, for lead times. Set by the caller, not by
				  reading. */
	uint32_t count;        /**< Sequence numbers it uses: messages, or 1 for the packet. */
	uint16_t messages_off; /**< Where messages begin, bytes from the payload's start. */
	uint16_t messages_end; /**< Where they end at the latest: no padding or trailer behind. */
	uint16_t n_messages;   /**< As the header says; UINT16_MAX: it does not say. */
	uint8_t kind;          /**< enum fg_feed_packet_kind. */
	uint8_t sequence_bits; /**< Sequence numbers are taken modulo 2^this: 32 or 64. */
};

#endif /* FG_FEED_PACKET_H */

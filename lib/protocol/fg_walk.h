/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Walks: over the messages of a packet, and over the instruments of a message.
 *
 *     fg_walk_begin(&walk, payload, &packet);
 *     while (fg_protocol_next(protocol, &walk, &message)) {
 *             row = fg_messages_get(protocol->messages, message.type);
 *             fg_instruments_begin(protocol, row, &message, &list);
 *             while (fg_instruments_next(&list, &at))
 *                     ...
 *     }
 *     if (walk.end_reason != FG_WALK_DONE)
 *             ...
 *
 * A walk reads nothing outside of [messages_off, messages_end) of the payload, and
 * every step moves on by at least one byte, so it ends whatever the packet holds.
 *
 * Most of this is inline: with a constant descriptor (tables.h) the compiler makes
 * code for that protocol alone. A walk belongs to one thread; descriptors are read-only.
 */
#ifndef FG_WALK_H
#define FG_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include <fg_feed_packet.h>
#include <fg_protocol.h>

/** Why a walk ended. */
enum fg_walk_end {
	FG_WALK_DONE = 0,
	FG_WALK_BAD_LENGTH,  /**< A message is too short, or leaves the packet. */
	FG_WALK_SHORT,       /**< The messages end before their count. */
	FG_WALK_TRAILING,    /**< Bytes follow the last message. */
	FG_WALK_UNDECODABLE, /**< The length of a type is unknown: more messages may follow. */
	/** The packet's own checksum is wrong; only fg_protocol_verify() returns it. */
	FG_WALK_BAD_CHECKSUM,
	FG_WALK_ENDS,
};

/** A walk over messages. */
struct fg_walk {
	const uint8_t *at, *end, *payload;
	uint32_t remaining; /**< Messages, by the header; over UINT16_MAX: until the end. */
	uint8_t end_reason; /**< enum fg_walk_end; valid when the walk has ended. */
};

struct fg_message {
	const uint8_t *data; /**< The message, without its frame: struct fg_walk_shape. */
	uint32_t len;        /**< Bytes. */
	uint32_t type;       /**< FG_TYPE_NONE: the message is too short for one. */
};

/** A walk over the instruments of one message. */
struct fg_instruments {
	const uint8_t *at;
	uint32_t remaining;
	uint32_t stride;
	bool malformed; /**< A group's lengths are wrong; the entries that fit are still returned.
			 */
};

/** Load a number of 1, 2, 4 or 8 bytes in @p order, enum fg_order; 0 for no bytes. Hot. */
static __rte_always_inline uint64_t fg_number_load(const uint8_t *at, unsigned int bytes,
						   unsigned int order)
{
	/* DPDK's own swaps are assembly, which the compiler can neither fold nor improve. */
	const bool swap =
		order != (RTE_BYTE_ORDER == RTE_BIG_ENDIAN ? FG_ORDER_BIG : FG_ORDER_LITTLE);
	uint16_t n16;
	uint32_t n32;
	uint64_t n64;

	switch (bytes) {
	case 1:
		return *at;
	case 2:
		__builtin_memcpy(&n16, at, sizeof(n16));
		return swap ? __builtin_bswap16(n16) : n16;
	case 4:
		__builtin_memcpy(&n32, at, sizeof(n32));
		return swap ? __builtin_bswap32(n32) : n32;
	case 8:
		__builtin_memcpy(&n64, at, sizeof(n64));
		return swap ? __builtin_bswap64(n64) : n64;
	default:
		return 0;
	}
}

/** Load a number field of what starts at @p base. The caller has checked the bounds. Hot. */
static __rte_always_inline uint64_t fg_field_load(struct fg_field field, const uint8_t *base,
						  unsigned int order)
{
	return fg_number_load(base + field.off, field.bytes, order);
}

/** End of a field: the offset after it. */
static __rte_always_inline uint32_t fg_field_end(struct fg_field field)
{
	return (uint32_t)field.off + field.bytes;
}

/** Start before the first message of a packet that fg_protocol_read() has read. Hot. */
static __rte_always_inline void fg_walk_begin(struct fg_walk *walk, const uint8_t *payload,
					      const struct fg_feed_packet *packet)
{
	walk->payload = payload;
	walk->at = payload + packet->messages_off;
	walk->end = payload + packet->messages_end;
	walk->remaining = packet->n_messages == UINT16_MAX ? UINT32_MAX : packet->n_messages;
	walk->end_reason = FG_WALK_DONE;
}

static __rte_always_inline bool fg_walk_stop(struct fg_walk *walk, enum fg_walk_end reason)
{
	walk->at = walk->end;
	walk->remaining = 0;
	walk->end_reason = (uint8_t)reason;
	return false;
}

/* Whether the bytes after the last message are those that pad the packet. */
static __rte_always_inline bool fg_walk_padded(const struct fg_walk_shape *shape,
					       const struct fg_walk *walk)
{
	const uint32_t rest = (uint32_t)(walk->end - walk->at);

	return rest == 0 ||
	       (rest < shape->pad_to && (walk->end - walk->payload) % shape->pad_to == 0);
}

/* End the walk after the last message of the count. */
static __rte_always_inline bool fg_walk_all(const struct fg_walk_shape *shape, struct fg_walk *walk)
{
	if (unlikely(!fg_walk_padded(shape, walk)))
		return fg_walk_stop(walk, FG_WALK_TRAILING);
	walk->at = walk->end;
	return false;
}

/* End the walk where fewer bytes remain than the shortest message has. */
static __rte_always_inline bool fg_walk_short(const struct fg_walk_shape *shape,
					      struct fg_walk *walk)
{
	if (walk->remaining <= UINT16_MAX)
		return fg_walk_stop(walk, FG_WALK_SHORT);
	return fg_walk_stop(walk, fg_walk_padded(shape, walk) ? FG_WALK_DONE : FG_WALK_BAD_LENGTH);
}

static __rte_always_inline void fg_message_take(const struct fg_walk_shape *shape,
						struct fg_walk *walk, uint32_t frame_bytes,
						struct fg_message *out)
{
	out->data = walk->at + shape->body;
	out->len = frame_bytes - shape->body;
	out->type = FG_TYPE_NONE;
	if (shape->type.bytes != 0 && likely(out->len >= fg_field_end(shape->type)))
		out->type = (uint32_t)fg_field_load(shape->type, out->data, shape->order);
	walk->at += frame_bytes;
	walk->remaining--;
}

/**
 * The next message, where each has its length (FG_WALK_LENGTH). Hot.
 * @return false: there is none; walk->end_reason has the reason.
 */
static __rte_always_inline bool fg_walk_next(const struct fg_walk_shape *shape,
					     struct fg_walk *walk, struct fg_message *out)
{
	const uint32_t room = (uint32_t)(walk->end - walk->at);
	uint64_t bytes;

	if (walk->remaining == 0)
		return fg_walk_all(shape, walk);
	if (unlikely(room < shape->min_bytes))
		return fg_walk_short(shape, walk);
	bytes = fg_field_load(shape->length, walk->at, shape->order) + shape->length_bias;
	if (unlikely(bytes < shape->min_bytes || bytes > room))
		return fg_walk_stop(walk, FG_WALK_BAD_LENGTH);
	fg_message_take(shape, walk, (uint32_t)bytes, out);
	return true;
}

/** The next message, of any protocol. @return as fg_walk_next(). Hot. */
bool fg_protocol_next(const struct fg_protocol *protocol, struct fg_walk *walk,
		      struct fg_message *out);

/**
 * Check that a packet's messages agree with its header: each ends within the packet, there are as
 * many as the header counts, nothing follows the last one but padding that the protocol allows, and
 * the packet's own checksum is right, unless protocol->ignore_checksum. Hot.
 * @param pkt  Of fg_protocol_read().
 * @return FG_WALK_DONE: they are. FG_WALK_UNDECODABLE: as far as can be checked. Otherwise the
 * first contradiction. Threads: any.
 */
enum fg_walk_end fg_protocol_verify(const struct fg_protocol *protocol, const uint8_t *payload,
				    const struct fg_feed_packet *pkt);

/**
 * Skip a group at @p at. Hot.
 * @return bytes of the group; 0: it does not end within @p room, or has groups of its own.
 */
uint32_t fg_group_skip(const struct fg_group_shape *shape, unsigned int order, const uint8_t *at,
		       uint32_t room);

static __rte_always_inline void fg_instruments_of_group(const struct fg_group_shape *groups,
							unsigned int order,
							const struct fg_message_type *row,
							const struct fg_message *message,
							struct fg_instruments *out)
{
	uint64_t off = groups->root, entries;
	uint32_t room;

	if (message->len < fg_field_end(groups->root_bytes))
		return;
	off += fg_field_load(groups->root_bytes, message->data, order);
	for (unsigned int i = 1; i < row->group && off < message->len; i++) {
		const uint32_t bytes = fg_group_skip(groups, order, message->data + off,
						     message->len - (uint32_t)off);

		out->malformed = bytes == 0;
		off += bytes != 0 ? bytes : UINT32_MAX;
	}
	if (off + groups->header_bytes > message->len) {
		/* Older versions of a message may end before a group. */
		out->malformed |= off > message->len;
		return;
	}
	out->at = message->data + off + groups->header_bytes + row->id.off;
	out->stride = (uint32_t)fg_field_load(groups->entry_bytes, message->data + off, order);
	entries = fg_field_load(groups->entries, message->data + off, order);
	if (entries == 0)
		return;
	room = message->len - (uint32_t)off - groups->header_bytes;
	if (unlikely(out->stride < fg_field_end(row->id) || entries * out->stride > room)) {
		out->malformed = true;
		entries = out->stride < fg_field_end(row->id) ? 0 : room / out->stride;
	}
	out->remaining = (uint32_t)entries;
}

/**
 * Start before a message's first instrument. Hot.
 * @param row  The row of the message's type, of fg_messages_get().
 */
static __rte_always_inline void fg_instruments_of(const struct fg_group_shape *groups,
						  unsigned int order,
						  const struct fg_message_type *row,
						  const struct fg_message *message,
						  struct fg_instruments *out)
{
	out->remaining = 0;
	out->stride = 0;
	out->malformed = false;
	if (row->id.bytes == 0)
		return;
	if (row->group != 0) {
		fg_instruments_of_group(groups, order, row, message, out);
	} else if (message->len >= fg_field_end(row->id)) {
		out->at = message->data + row->id.off;
		out->remaining = 1;
	}
}

/** The same, with the groups of @p protocol. Hot. */
static inline void fg_instruments_begin(const struct fg_protocol *protocol,
					const struct fg_message_type *row,
					const struct fg_message *message,
					struct fg_instruments *out)
{
	fg_instruments_of(&protocol->groups, protocol->header.order, row, message, out);
}

/**
 * The next instrument. Hot.
 * @param at  Set to row->id.bytes bytes: a text, or a number in the protocol's byte order.
 * @return false: there is none.
 */
static __rte_always_inline bool fg_instruments_next(struct fg_instruments *list, const uint8_t **at)
{
	if (list->remaining == 0)
		return false;
	*at = list->at;
	if (--list->remaining > 0)
		list->at += list->stride;
	return true;
}

#endif /* FG_WALK_H */

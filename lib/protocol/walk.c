/* SPDX-License-Identifier: MIT */
/*
 * Walks over messages without a length field: by type, and by groups.
 */
#include "fg_walk.h"

/* The offset after @fields variable-length fields at @off; 0: they do not end within @len. */
static uint32_t data_skip(const struct fg_group_shape *shape, unsigned int order,
			  const uint8_t *base, uint32_t off, uint32_t len, uint64_t fields)
{
	for (; fields > 0; fields--) {
		uint64_t bytes;

		if (len - off < shape->data_length_bytes)
			return 0;
		bytes = fg_number_load(base + off, shape->data_length_bytes, order);
		off += shape->data_length_bytes;
		if (bytes > len - off)
			return 0;
		off += (uint32_t)bytes;
	}
	return off;
}

uint32_t fg_group_skip(const struct fg_group_shape *shape, unsigned int order, const uint8_t *at,
		       uint32_t room)
{
	uint32_t off = shape->header_bytes;
	uint64_t bytes, entries, fields;

	if (off == 0 || off > room)
		return 0;
	if (shape->nested.bytes != 0 && fg_field_load(shape->nested, at, order) != 0)
		return 0;
	bytes = fg_field_load(shape->entry_bytes, at, order);
	entries = fg_field_load(shape->entries, at, order);
	fields = shape->entry_data.bytes != 0 ? fg_field_load(shape->entry_data, at, order) : 0;
	if (fields == 0)
		return entries * bytes <= room - off ? off + (uint32_t)(entries * bytes) : 0;
	/* Each entry has at least a length of one byte: the loop ends within the packet. */
	for (; entries > 0; entries--) {
		if (bytes > room - off)
			return 0;
		off = data_skip(shape, order, at, off + (uint32_t)bytes, room, fields);
		if (off == 0)
			return 0;
	}
	return off;
}

/* Bytes of the SBE message at @at; 0: it does not end within @room. */
static uint32_t groups_length(const struct fg_protocol *protocol, const uint8_t *at, uint32_t room)
{
	const struct fg_group_shape *shape = &protocol->groups;
	const unsigned int order = protocol->header.order;
	uint64_t off = shape->root + fg_field_load(shape->root_bytes, at, order);
	uint64_t groups = fg_field_load(shape->n_groups, at, order);

	if (off > room)
		return 0;
	for (; groups > 0; groups--) {
		const uint32_t bytes = fg_group_skip(shape, order, at + off, room - (uint32_t)off);

		if (bytes == 0)
			return 0;
		off += bytes;
	}
	return data_skip(shape, order, at, (uint32_t)off, room,
			 fg_field_load(shape->n_data, at, order));
}

/* Bytes of OPRA's appendage: the best bid or offer of a quote, the text of an admin message. */
static uint32_t opra_appendage(const uint8_t *at)
{
	switch (at[1]) {
	case 'k':
	case 'q':
		switch (at[3]) {
		case 'M':
		case 'N':
		case 'P':
		case 'C':
		case 'G':
		case 'K':
			return 10;
		case 'O':
			return 20;
		default:
			return 0;
		}
	case 'C':
		return (uint32_t)fg_number_load(at + 12, 2, FG_ORDER_BIG);
	case 'Y':
		return at[2] == 'I' ? 4 : 0;
	default:
		return 0;
	}
}

/* Bytes of the message at @at, by its type; 0: the type is unknown. */
static uint32_t type_length(const struct fg_protocol *protocol, const uint8_t *at, uint32_t room)
{
	const uint64_t type = fg_field_load(protocol->walk.type, at, protocol->walk.order);
	uint32_t bytes = protocol->messages->lengths[type & UINT8_MAX];

	if (protocol->walk.kind == FG_WALK_OPRA && bytes != 0 && bytes <= room)
		bytes += opra_appendage(at);
	return bytes;
}

bool fg_protocol_next(const struct fg_protocol *protocol, struct fg_walk *walk,
		      struct fg_message *out)
{
	const struct fg_walk_shape *shape = &protocol->walk;
	const uint32_t room = (uint32_t)(walk->end - walk->at);
	uint32_t bytes;

	if (likely(shape->kind == FG_WALK_LENGTH))
		return fg_walk_next(shape, walk, out);
	if (walk->remaining == 0)
		return fg_walk_all(walk);
	if (room < shape->min_bytes)
		return fg_walk_short(walk);
	if (shape->kind == FG_WALK_REST) {
		bytes = room;
	} else if (shape->kind == FG_WALK_GROUPS) {
		bytes = groups_length(protocol, walk->at, room);
	} else {
		bytes = type_length(protocol, walk->at, room);
		if (bytes == 0)
			return fg_walk_stop(walk, FG_WALK_UNDECODABLE);
	}
	if (bytes < shape->min_bytes || bytes > room)
		return fg_walk_stop(walk, FG_WALK_BAD_LENGTH);
	fg_message_take(shape, walk, bytes, out);
	return true;
}

enum fg_walk_end fg_protocol_verify(const struct fg_protocol *protocol, const uint8_t *payload,
				    const struct fg_feed_packet *pkt)
{
	struct fg_message message;
	struct fg_walk walk;

	fg_walk_begin(&walk, payload, pkt);
	while (fg_protocol_next(protocol, &walk, &message))
		;
	return walk.end_reason;
}

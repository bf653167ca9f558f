/* SPDX-License-Identifier: MIT */
/*
 * Steps of a walk, of each kind, and checksums: inline, so that a file can be compiled
 * with the constants of one protocol. @shape is that protocol, or the one at hand; the
 * messages are always those of the one at hand.
 */
#ifndef PROTOCOL_WALK_KINDS_H
#define PROTOCOL_WALK_KINDS_H

#include <rte_vect.h>

#include "fg_walk.h"

/* The offset after @fields variable-length fields at @off; 0: they do not end within @len. */
static __rte_always_inline uint32_t walk_data_skip(const struct fg_group_shape *shape,
						   unsigned int order, const uint8_t *base,
						   uint32_t off, uint32_t len, uint64_t fields)
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

/* As fg_group_skip(). */
static __rte_always_inline uint32_t walk_group_skip(const struct fg_group_shape *shape,
						    unsigned int order, const uint8_t *at,
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
		off = walk_data_skip(shape, order, at, off + (uint32_t)bytes, room, fields);
		if (off == 0)
			return 0;
	}
	return off;
}

/* Bytes of the SBE message at @at; 0: it does not end within @room. */
static __rte_always_inline uint32_t walk_groups_length(const struct fg_protocol *protocol,
						       const uint8_t *at, uint32_t room)
{
	const struct fg_group_shape *shape = &protocol->groups;
	const unsigned int order = protocol->header.order;
	uint64_t off = shape->root + fg_field_load(shape->root_bytes, at, order);
	uint64_t groups = fg_field_load(shape->n_groups, at, order);

	if (off > room)
		return 0;
	for (; groups > 0; groups--) {
		const uint32_t bytes =
			walk_group_skip(shape, order, at + off, room - (uint32_t)off);

		if (bytes == 0)
			return 0;
		off += bytes;
	}
	return walk_data_skip(shape, order, at, (uint32_t)off, room,
			      fg_field_load(shape->n_data, at, order));
}

/*
 * Bytes of OPRA's message, of which @room are in the packet; 0: of an unknown type. Quotes have an
 * appendage, the best bid or offer, by their indicator: they take no branch.
 */
static __rte_always_inline uint32_t walk_opra_length(const uint16_t *lengths, const uint8_t *at,
						     uint32_t room)
{
	static const uint8_t appendages[256] = {
		['C'] = 10, ['G'] = 10, ['K'] = 10, ['M'] = 10, ['N'] = 10, ['O'] = 20, ['P'] = 10,
	};
	static const uint8_t quotes[256] = {['k'] = UINT8_MAX, ['q'] = UINT8_MAX};
	const uint32_t bytes = lengths[at[1]];

	if (unlikely(at[1] == 'C' && bytes != 0 && bytes <= room))
		return bytes + (uint32_t)fg_number_load(at + 12, 2, FG_ORDER_BIG);
	if (unlikely(bytes == 0))
		return 0;
	if (unlikely(at[1] == 'Y'))
		return bytes + (at[2] == 'I' ? 4 : 0);
	return bytes + (appendages[at[3]] & quotes[at[1]]);
}

/* Bytes of the message at @at, by its type; 0: the type is unknown. */
static __rte_always_inline uint32_t walk_type_length(const struct fg_walk_shape *shape,
						     const uint16_t *lengths, const uint8_t *at,
						     uint32_t room)
{
	if (shape->kind == FG_WALK_OPRA)
		return walk_opra_length(lengths, at, room);
	return lengths[fg_field_load(shape->type, at, shape->order) & UINT8_MAX];
}

/* The next message. @return as fg_walk_next(). */
static __rte_always_inline bool walk_step(const struct fg_protocol *shape,
					  const struct fg_messages *messages, struct fg_walk *walk,
					  struct fg_message *out)
{
	const struct fg_walk_shape *w = &shape->walk;
	const uint32_t room = (uint32_t)(walk->end - walk->at);
	uint32_t bytes;

	if (likely(w->kind == FG_WALK_LENGTH))
		return fg_walk_next(w, walk, out);
	if (walk->remaining == 0)
		return fg_walk_all(w, walk);
	if (unlikely(room < w->min_bytes))
		return fg_walk_short(w, walk);
	if (w->kind == FG_WALK_REST) {
		bytes = room;
	} else if (w->kind == FG_WALK_GROUPS) {
		bytes = walk_groups_length(shape, walk->at, room);
	} else {
		bytes = walk_type_length(w, messages->lengths, walk->at, room);
		if (unlikely(bytes == 0))
			return fg_walk_stop(walk, FG_WALK_UNDECODABLE);
	}
	if (unlikely(bytes < w->min_bytes || bytes > room))
		return fg_walk_stop(walk, FG_WALK_BAD_LENGTH);
	fg_message_take(w, walk, bytes, out);
	return true;
}

/* The sum of @bytes bytes. */
static __rte_always_inline uint32_t walk_sum(const uint8_t *at, uint32_t bytes)
{
	uint32_t sum = 0;
#if defined(__SSE2__)
	/* From byte n on: leaves the last n bytes of 16. */
	static const uint8_t tails[32] = {[16 ... 31] = UINT8_MAX};
	const __m128i zero = _mm_setzero_si128();
	__m128i sums = zero, last;

	if (likely(bytes >= 16)) {
		const uint8_t *end = at + bytes;

		for (; end - at >= 16; at += 16)
			sums = _mm_add_epi64(
				sums, _mm_sad_epu8(_mm_loadu_si128((const __m128i *)at), zero));
		/* Branches for what remains would be unpredictable. */
		last = _mm_and_si128(
			_mm_loadu_si128((const __m128i *)(end - 16)),
			_mm_loadu_si128((const __m128i *)(tails + (uint32_t)(end - at))));
		sums = _mm_add_epi64(sums, _mm_sad_epu8(last, zero));
		sums = _mm_add_epi64(sums, _mm_srli_si128(sums, 8));
		return (uint32_t)_mm_cvtsi128_si32(sums);
	}
#endif
	for (; bytes > 0; bytes--)
		sum += *at++;
	return sum;
}

/* Whether the packet's own checksum is right, or there is none to look at. */
static __rte_always_inline bool walk_checksum_holds(const struct fg_protocol *shape,
						    const struct fg_protocol *protocol,
						    const uint8_t *payload, uint32_t end)
{
	const struct fg_header_shape *h = &shape->header;
	const uint8_t *at = payload + h->checksum.off;

	if (h->checksum.bytes == 0 || protocol->ignore_checksum)
		return true;
	/* The field is in the shortest header, so in the packet. */
	return (uint16_t)(walk_sum(payload, end) - at[0] - at[1]) ==
	       fg_field_load(h->checksum, payload, h->order);
}

#endif /* PROTOCOL_WALK_KINDS_H */

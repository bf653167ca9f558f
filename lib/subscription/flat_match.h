/* SPDX-License-Identifier: MIT */
/*
 * A packet of one protocol, verified and matched in one walk that branches on nothing but
 * what is unusual: inline, so that it is compiled with the constants of each protocol.
 *
 * What is unusual (a wrong length, more messages than a mask has bits, an instrument in a
 * form that the protocol's own messages do not have) is left to filter_match_unlearned(),
 * which defines the results. So is the reason why a packet does not verify.
 */
#ifndef SUBSCRIPTION_FLAT_MATCH_H
#define SUBSCRIPTION_FLAT_MATCH_H

#include "filter.h"
#include "filter_match.h"
#include "walk_kinds.h"

/* What code is compiled for. */
struct flat_code {
	const struct fg_protocol *shape;
	enum flat_naming naming;
	bool by_symbol; /* as in the filter */
};

#define FLAT_MASK 64u /* messages of a packet whose results have a bit each */

/* Stands for an instrument that a message is too short for, or has not. */
static const uint8_t flat_nothing[16];

/* Bytes of the shortest frame that the walk takes: it has all fields that are read. */
static __rte_always_inline uint32_t flat_min(const struct fg_walk_shape *w)
{
	return RTE_MAX((uint32_t)w->min_bytes, w->body + fg_field_end(w->type));
}

/* @at + @off, or, if @bytes < @need, @nothing: without a branch. */
static __rte_always_inline const uint8_t *
flat_field(const uint8_t *at, uint32_t off, uint32_t bytes, uint32_t need, const uint8_t *nothing)
{
	const uint8_t *field = at + off;

#if defined(__x86_64__)
	__asm__("cmpl %[need], %[bytes]\n\tcmovb %[nothing], %[field]"
		: [field] "+r"(field)
		: [bytes] "r"(bytes), [need] "r"(need), [nothing] "r"(nothing)
		: "cc");
	return field;
#else
	return bytes < need ? nothing : field;
#endif
}

/* Bytes of the frame at @at, of which @room are in the packet; 0: of an unknown type. */
static __rte_always_inline uint32_t flat_bytes(const struct fg_protocol *shape,
					       const struct fg_messages *messages,
					       const uint8_t *at, uint32_t room)
{
	const struct fg_walk_shape *w = &shape->walk;

	if (w->kind == FG_WALK_OPRA)
		return walk_opra_length(messages->lengths, at, room);
	if (w->kind == FG_WALK_GROUPS)
		return walk_groups_length(shape, at, room);
	if (w->order == FG_ORDER_LITTLE || w->length.bytes != 2)
		return (uint32_t)fg_field_load(w->length, at, w->order) + w->length_bias;
	/* Most messages are short: to turn the bytes around would make the chain longer. */
	at += w->length.off;
	if (unlikely(at[0] != 0))
		return (uint32_t)at[0] << 8 | (at[1] + (uint32_t)w->length_bias);
	return at[1] + (uint32_t)w->length_bias;
}

/* What the filter does with the type of the message at @at. */
static __rte_always_inline const struct flat_type *
flat_type_of(const struct fg_protocol *shape, const struct fg_msg_filter *filter, const uint8_t *at)
{
	const struct fg_walk_shape *w = &shape->walk;
	const uint32_t type = (uint32_t)fg_field_load(w->type, at + w->body, w->order);
	const struct flat_type *found;

	if (w->type.bytes == 1)
		return &filter->flat[type];
	found = &filter->flat[type * filter->flat_factor >> filter->flat_shift];
	return found->type == type ? found : &filter->flat_other;
}

/* Whether a number is listed; 0 stands for all. @bytes: of the field, a constant. */
static __rte_always_inline uint32_t flat_has_number(const struct fg_msg_filter *filter,
						    uint64_t number, uint32_t bytes)
{
	if (bytes == 2)
		return short_numbers_code(filter->shorts, (uint32_t)number) & CODE_MATCHED;
	return number_set_has_sized(&filter->numbers, number, bytes) | (number == 0);
}

/* FLAT_MATCHED or FLAT_UNMAPPED or 0, for a number. @by_symbol: filter->by_symbol, a constant. */
static __rte_always_inline uint32_t flat_number(const struct fg_msg_filter *filter, uint64_t number,
						uint32_t bytes, bool by_symbol)
{
	enum match match;

	if (!by_symbol)
		return flat_has_number(filter, number, bytes);
	match = filter_number(filter, number);
	return match == MATCH_YES ? FLAT_MATCHED : match == MATCH_UNMAPPED ? FLAT_UNMAPPED : 0;
}

/* A symbol of at most 8 bytes. 8 bytes are read; the type's shift leaves the field's. */
static __rte_always_inline uint32_t flat_text(const struct fg_msg_filter *filter,
					      const struct flat_type *type, const uint8_t *at)
{
	uint64_t text, letters;

	memcpy(&text, at, 8);
	text = rte_le_to_cpu_64(text) & UINT64_MAX >> type->shift;
	letters = text & ~UINT64_C(0x2020202020202020);
	text &= UINT64_MAX >> (__builtin_clzll(letters | 1) & 56);
	return (letters == 0) | number_set_has_sized(&filter->symbol_set.keys, text, 8);
}

/* A symbol of at most 16 bytes, of which those are read. */
static __rte_always_inline uint32_t flat_text_wide(const struct fg_msg_filter *filter,
						   const struct flat_type *type, const uint8_t *at)
{
	const uint64_t pads = UINT64_C(0x2020202020202020);
	uint64_t low, high, letters;

	memcpy(&low, at, 8);
	memcpy(&high, at + 8, 8);
	low = rte_le_to_cpu_64(low);
	high = rte_le_to_cpu_64(high);
	low &= UINT64_MAX >> (type->shift > 64 ? type->shift - 64 : 0);
	high = type->shift < 64 ? high & UINT64_MAX >> type->shift : 0;
	letters = high & ~pads;
	high = letters != 0 ? high & UINT64_MAX >> (__builtin_clzll(letters | 1) & 56) : 0;
	letters = low & ~pads;
	if (high == 0)
		low = letters != 0 ? low & UINT64_MAX >> (__builtin_clzll(letters | 1) & 56) : 0;
	return ((low | high) == 0) | symbol_set_has_wide(&filter->symbol_set, low, high);
}

/* The entries of a message's first group. Each is of four bytes, at type->off in an entry. */
static __rte_always_inline uint32_t flat_group(const struct fg_protocol *shape,
					       const struct fg_msg_filter *filter,
					       const struct flat_type *type, const uint8_t *at,
					       uint32_t bytes, bool by_symbol)
{
	const struct fg_group_shape *g = &shape->groups;
	const unsigned int order = shape->header.order;
	const uint32_t group = g->root + (uint32_t)fg_field_load(g->root_bytes, at, order);
	const uint32_t entry = group + g->header_bytes;
	uint32_t stride, entries, found = 0, i = 0;

	if (unlikely(entry > bytes))
		return FLAT_FALLBACK;
	stride = (uint32_t)fg_field_load(g->entry_bytes, at + group, order);
	entries = (uint32_t)fg_field_load(g->entries, at + group, order);
	if (unlikely(entries == 0 || stride < type->off + 4u || entries * stride > bytes - entry))
		return FLAT_FALLBACK;
	at += entry + type->off;
	/*
	 * Four at least, the last one again and again: most messages take no branch more. In a
	 * large set each lookup costs more than a branch.
	 */
	if (likely(filter->numbers.pairs != NULL)) {
#pragma GCC unroll 4
		for (; i < 4; i++) {
			found |= flat_number(filter, fg_number_load(at, 4, order), 4, by_symbol);
			at += i + 1 < entries ? stride : 0;
		}
	}
	for (; i < entries; i++, at += stride)
		found |= flat_number(filter, fg_number_load(at, 4, order), 4, by_symbol);
	return found;
}

/* A number of 4 bytes in a message without entries. FLAT_NULL: its largest value is none. */
static __rte_always_inline uint64_t flat_root_number(const struct flat_type *type,
						     const uint8_t *field, unsigned int order)
{
	const uint64_t number = fg_number_load(field, 4, order);

	return number == INT32_MAX && (type->special & FLAT_NULL) != 0 ? 0 : number;
}

/* Match the instrument of the message at @at: FLAT_MATCHED and so on. */
static __rte_always_inline uint32_t flat_instrument(struct flat_code code,
						    const struct fg_msg_filter *filter,
						    const struct flat_type *type, const uint8_t *at,
						    uint32_t bytes)
{
	const unsigned int order = code.shape->header.order;
	/* Where types imply lengths, the table has only types that are long enough. */
	const bool shorter = code.shape->walk.kind != FG_WALK_OPRA && bytes < type->need;
	const uint8_t *field = flat_field(at, type->off, bytes, type->need, flat_nothing);

	switch (code.naming) {
	case FLAT_NUMBER2:
		return flat_number(filter, fg_number_load(field, 2, order), 2, code.by_symbol);
	case FLAT_NUMBER4:
		return flat_number(filter, fg_number_load(field, 4, order), 4, code.by_symbol);
	case FLAT_NUMBER8:
		return flat_number(filter, fg_number_load(field, 8, order), 8, code.by_symbol);
	case FLAT_TEXT:
		return flat_text(filter, type, field) | (shorter ? FLAT_FALLBACK : 0);
	case FLAT_TEXT_WIDE:
		return flat_text_wide(filter, type, field) | (shorter ? FLAT_FALLBACK : 0);
	case FLAT_GROUP4:
		return likely((type->special & FLAT_IN_GROUP) != 0)
			       ? flat_group(code.shape, filter, type, at, bytes, code.by_symbol)
			       : flat_number(filter, flat_root_number(type, field, order), 4,
					     code.by_symbol);
	default:
		return FLAT_MATCHED;
	}
}

static __rte_noinline void flat_fall_back(const struct fg_msg_filter_job *job)
{
	filter_match_unlearned(job->filter, job->payload, job->pkt, job->out);
}

/* Whether a walk that ended at @at was over the whole packet, and its checksum is right. */
static __rte_always_inline bool flat_is_right(const struct fg_protocol *shape,
					      const struct fg_msg_filter_job *job,
					      const uint8_t *at)
{
	const struct fg_feed_packet *pkt = job->pkt;
	const uint32_t rest = (uint32_t)(job->payload + pkt->messages_end - at);
	const uint32_t pad_to = shape->walk.pad_to;
	bool right = rest == 0;

	if (pad_to != 0)
		right |= rest < pad_to && pkt->messages_end % pad_to == 0;
	return right &&
	       walk_checksum_holds(shape, job->filter->protocol, job->payload, pkt->messages_end);
}

/* Whether results may be FLAT_UNMAPPED: of numbers by their symbols, and of orders. */
static __rte_always_inline bool flat_unmaps(struct flat_code code)
{
	return code.by_symbol ||
	       (code.naming > FLAT_TYPES && code.shape->compiled == FG_COMPILED_cboe_pitch);
}

/* Shift bit 0 out of @bits, and into @mask from above. */
static __rte_always_inline uint64_t flat_shift_in(uint64_t mask, uint32_t *bits)
{
#if defined(__x86_64__)
	__asm__("shrl $1, %[bits]\n\trcrq $1, %[mask]"
		: [mask] "+r"(mask), [bits] "+r"(*bits)
		:
		: "cc");
	return mask;
#else
	mask = mask >> 1 | (uint64_t)*bits << 63;
	*bits >>= 1;
	return mask;
#endif
}

/* What a walk over a packet has found. The last message is the highest bit of a mask. */
struct flat_found {
	uint64_t matched, unmapped;
	uint32_t special;
};

/* The order map is large: what fg_msg_filter_learn() will read of it must be on its way by then. */
static __rte_always_inline void flat_prefetch_order(struct flat_code code,
						    const struct fg_msg_filter *filter,
						    const struct flat_type *type, const uint8_t *at,
						    uint32_t bytes)
{
	const uint8_t *field = flat_field(at, type->off, bytes, type->need, flat_nothing);

	if (code.shape->compiled == FG_COMPILED_cboe_pitch && (type->special & FLAT_DEFER) != 0 &&
	    filter->orders != NULL && filter->orders->ids != NULL)
		order_map_prefetch(filter->orders,
				   fg_number_load(field, 8, code.shape->header.order));
}

static __rte_always_inline void flat_message(struct flat_code code,
					     const struct fg_msg_filter *filter, const uint8_t *at,
					     uint32_t bytes, struct flat_found *found)
{
	const struct flat_type *type = flat_type_of(code.shape, filter, at);
	uint32_t result = flat_instrument(code, filter, type, at, bytes) & type->mask;

	flat_prefetch_order(code, filter, type, at, bytes);
	found->special |= type->special;
	if (code.naming == FLAT_TEXT || code.naming == FLAT_TEXT_WIDE || code.naming == FLAT_GROUP4)
		found->special |= result;
	found->matched = flat_shift_in(found->matched, &result);
	if (flat_unmaps(code)) {
		result |= type->special >> 1;
		found->unmapped = flat_shift_in(found->unmapped, &result);
	}
}

static __rte_always_inline void flat_give(const struct fg_msg_filter_job *job, uint32_t count,
					  const struct flat_found *found, bool unmaps)
{
	uint64_t matched = found->matched >> (64 - count), unmapped = 0;

	if (unmaps) {
		unmapped = found->unmapped >> (64 - count) & ~matched;
		if (job->filter->pass_unmapped)
			matched |= unmapped;
	}
	job->out->mask = matched;
	job->out->n_messages = count;
	job->out->n_matched = (uint32_t)__builtin_popcountll(matched);
	job->out->n_unmapped = unmaps ? (uint32_t)__builtin_popcountll(unmapped) : 0;
	job->out->walk_end = FG_WALK_DONE;
	job->out->deferred = (found->special & FLAT_DEFER) != 0;
}

/*
 * Verify and match one packet. @code is a constant. The branches of the
 * loop are those of wrong packets, and its end.
 */
static __rte_always_inline void flat_packet(struct flat_code code,
					    const struct fg_msg_filter_job *job)
{
	const struct fg_msg_filter *filter = job->filter;
	const struct fg_messages *messages = filter->protocol->messages;
	const uint8_t *at = job->payload + job->pkt->messages_off;
	const uint8_t *end = job->payload + job->pkt->messages_end;
	const bool counted = code.shape->header.count.bytes != 0;
	const uint32_t min = flat_min(&code.shape->walk), n = job->pkt->n_messages;
	struct flat_found found = {0};
	uint32_t count = 0;

	if (unlikely(counted && n - 1 >= FLAT_MASK))
		goto unusual;
	do {
		const int64_t room = end - at;
		uint32_t bytes;

		if (unlikely(room < (int64_t)min))
			goto unusual;
		bytes = flat_bytes(code.shape, messages, at, (uint32_t)room);
		if (unlikely(bytes < min))
			goto unusual;
		if (unlikely(bytes > room))
			goto unusual;
		if (code.naming != FLAT_EVERYTHING)
			flat_message(code, filter, at, bytes, &found);
		count++;
		at += bytes;
	} while (counted ? count < n : at < end);
	if (unlikely((found.special & FLAT_FALLBACK) != 0))
		goto unusual;
	if (unlikely((!counted && count > FLAT_MASK) || !flat_is_right(code.shape, job, at)))
		goto unusual;
	if (code.naming == FLAT_EVERYTHING)
		found.matched = UINT64_MAX;
	flat_give(job, count, &found, flat_unmaps(code));
	return;
unusual:
	flat_fall_back(job);
}

#endif /* SUBSCRIPTION_FLAT_MATCH_H */

/* SPDX-License-Identifier: MIT */
/*
 * Whole packets of the protocols that carry the most, with as few branches as
 * there can be: what each message match is gathered in masks, and only lengths
 * lead on. Whatever looks odd (a length that lies, a message too short for its
 * instrument, more than 64 messages, something to be learned) is noticed, and the packet is left to
 * filter_match(), which begins anew: nothing was written until then.
 */
#include "filter.h"
#include "hot.h"

/* All of a packet's messages, and no more: its result is what the masks say. */
static __rte_always_inline void finish(const struct fg_msg_filter *filter, uint32_t n_messages,
				       uint64_t matched, uint64_t unmapped,
				       struct fg_msg_filter_result *out)
{
	if (filter->pass_unmapped)
		matched |= unmapped;
	out->mask = matched;
	out->n_messages = n_messages;
	out->n_matched = (uint32_t)__builtin_popcountll(matched);
	out->n_unmapped = (uint32_t)__builtin_popcountll(unmapped);
	out->walk_end = FG_WALK_DONE;
}

#define ITCH_LEAST 5 /* Length, type, locate: what is read of each message. */

/* The lowest of @bits in front of @mask. */
static __rte_always_inline uint64_t joined(uint64_t mask, uint64_t bits)
{
	uint64_t top = bits << 63;

	/* clang would make it one SHRD, for which AMD's CPUs take several times as long. */
	__asm__("" : "+r"(top));
	return mask >> 1 | top;
}

/* What is gathered on the way. */
struct itch_walk {
	const uint8_t *at;
	uint64_t matched, unmapped;
	uint16_t lengths;
	uint8_t odd;
};

/*
 * The message at walk->at + skipped. Only its length leads to the next one, a load and an
 * addition: what lengths leave out is in `skipped`, a constant.
 */
static __rte_always_inline void itch_step(const struct fg_msg_filter *filter,
					  struct itch_walk *walk, uint32_t skipped, bool open)
{
	const uint8_t *at = walk->at + skipped;
	const uint64_t length = at[1];
	uint16_t locate, both;
	uint32_t number;
	uint64_t bits;

	walk->at += length;
	memcpy(&both, at, sizeof(both));
	memcpy(&locate, at + 3, sizeof(locate));
	/* The upper bytes are other numbers'; a type has none. */
	memcpy(&number, filter->direct + locate, sizeof(number));
	bits = filter->type_bits[at[2]] & rte_le_to_cpu_32(number);
	walk->lengths |= both;
	walk->odd |= (uint8_t)bits;
	walk->odd |= filter->length_bits[length];
	walk->matched = joined(walk->matched, bits);
	if (open)
		walk->unmapped = joined(walk->unmapped, bits >> 1);
}

/* Messages of MoldUDP64 with a type of a byte and a locate of two. */
static __rte_always_inline void match_itch(struct fg_msg_filter *filter, const uint8_t *payload,
					   const struct fg_feed_packet *pkt,
					   struct fg_msg_filter_result *out, bool open)
{
	const uint8_t *end = payload + pkt->messages_end, *last = end - ITCH_LEAST;
	/* A constant: the walk begins before the header is read. */
	struct itch_walk walk = {.at = payload + hot_moldudp64_header.messages_off};
	const uint32_t count = pkt->n_messages;
	uint32_t left = count;

	if (unlikely(count - 1 > 63 || pkt->messages_off != hot_moldudp64_header.messages_off))
		goto odd;
	for (;; walk.at += 8) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++) {
			if (unlikely(walk.at + 2 * i > last))
				goto odd;
			itch_step(filter, &walk, 2 * i, open);
			if (--left == 0) {
				walk.at += 2 * i + 2;
				goto done;
			}
		}
	}
done:
	if (unlikely(walk.at > end || (walk.odd & BITS_ODD) != 0 ||
		     rte_be_to_cpu_16(walk.lengths) > UINT8_MAX))
		goto odd;
	walk.matched >>= 64 - count;
	walk.unmapped = walk.unmapped >> (64 - count) & ~walk.matched;
	finish(filter, count, walk.matched, walk.unmapped, out);
	return;
odd:
	filter_match(filter, payload, pkt, out);
}

static __rte_noinline void match_itch_open(struct fg_msg_filter *filter, const uint8_t *payload,
					   const struct fg_feed_packet *pkt,
					   struct fg_msg_filter_result *out)
{
	match_itch(filter, payload, pkt, out, true);
}

static void match_itch_any(struct fg_msg_filter *filter, const uint8_t *payload,
			   const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	if (unlikely(filter_open(filter)))
		match_itch_open(filter, payload, pkt, out);
	else
		match_itch(filter, payload, pkt, out, false);
}

static bool itch_like(const struct fg_message_type *row)
{
	if (row->instrument == FG_INSTRUMENT_NONE)
		return true;
	return row->instrument == FG_INSTRUMENT_NUMBER && row->id.off == 1 && row->id.bytes == 2 &&
	       row->group == 0 && row->null_value == 0;
}

static match_function *hot_itch(struct fg_msg_filter *filter)
{
	const struct fg_messages *messages = filter->protocol->messages;

	if (!itch_like(&messages->other))
		return NULL;
	for (uint32_t i = 0; i < messages->count; i++)
		if (!itch_like(&messages->types[i]))
			return NULL;
	for (uint32_t type = 0; type < RTE_DIM(filter->type_bits); type++) {
		const struct action *action = filter_action(filter, type);
		uint8_t *bits = &filter->type_bits[type];

		if (action->matched)
			*bits |= BITS_WANTED | BITS_UNNAMED;
		/* What is of all instruments is seldom. */
		if (action->learn != 0 || (action->matched && !filter->any_instrument &&
					   action->row->instrument == FG_INSTRUMENT_NONE))
			*bits |= BITS_ODD;
	}
	/* Too short for a locate. */
	memset(filter->length_bits, BITS_ODD, ITCH_LEAST - 2);
	return match_itch_any;
}

/* What entries say, or'ed: what @symbolic filters ask for takes more looking up. */
#define SAYS_YES       1u
#define SAYS_UNDECIDED 2u
#define SAYS_ODD       4u

/* A number of four bytes: 0 is of all, and in no set. */
static __rte_always_inline uint32_t sbe_says(const struct fg_msg_filter *filter, uint32_t number,
					     bool symbolic)
{
	enum match match;

	if (!symbolic)
		return ids_has_of(&filter->numbers, number, 4) | (number == 0);
	match = filter_number(filter, number);
	return match == MATCH_YES ? SAYS_YES : match == MATCH_UNMAPPED ? SAYS_UNDECIDED : 0;
}

/* What the entries of the first group say of the message of @size bytes at @at. */
static __rte_always_inline uint32_t sbe_group(const struct fg_msg_filter *filter, const uint8_t *at,
					      uint32_t size, uint32_t off, bool symbolic)
{
	const struct fg_group_shape *shape = &hot_cme_mdp3_groups;
	const uint32_t root = (uint32_t)fg_field_load(shape->root_bytes, at, FG_ORDER_LITTLE);
	const uint32_t group = shape->root + root, entry = group + shape->header_bytes;
	uint32_t stride, entries, match = 0;

	if (unlikely(entry > size))
		return SAYS_ODD;
	stride = (uint32_t)fg_field_load(shape->entry_bytes, at + group, FG_ORDER_LITTLE);
	entries = (uint32_t)fg_field_load(shape->entries, at + group, FG_ORDER_LITTLE);
	if (unlikely(entries == 0 || stride < off + 4 || entries * stride > size - entry))
		return SAYS_ODD;
	at += entry + off;
	for (; entries > 0; entries--, at += stride)
		match |= sbe_says(filter, (uint32_t)fg_number_load(at, 4, FG_ORDER_LITTLE),
				  symbolic);
	return match;
}

/* Messages of MDP 3.0. */
static __rte_always_inline void match_sbe(struct fg_msg_filter *filter, const uint8_t *payload,
					  const struct fg_feed_packet *pkt,
					  struct fg_msg_filter_result *out, bool symbolic)
{
	const struct fg_walk_shape *shape = &hot_cme_mdp3_walk;
	const uint8_t *at = payload + hot_cme_mdp3_header.messages_off;
	const uint8_t *end = payload + pkt->messages_end;
	uint64_t matched = 0, unmapped = 0;
	uint32_t count = 0;

	if (unlikely(pkt->messages_off != hot_cme_mdp3_header.messages_off))
		goto odd;
	while (at < end) {
		const uint32_t room = (uint32_t)(end - at);
		uint32_t size, template, match;
		struct hot_type type;

		if (unlikely(room < shape->min_bytes || count == 64))
			goto odd;
		size = (uint32_t)fg_field_load(shape->length, at, FG_ORDER_LITTLE);
		template = (uint32_t)fg_field_load(shape->type, at, FG_ORDER_LITTLE);
		if (unlikely(size < shape->min_bytes || size > room ||
			     template >= RTE_DIM(filter->hot_types)))
			goto odd;
		type = filter->hot_types[template];
		match = likely(type.how == HOT_GROUP)
				? sbe_group(filter, at, size, type.off, symbolic)
				: type.how;
		if (unlikely((match & SAYS_ODD) != 0))
			goto odd;
		matched |= (uint64_t)(match & SAYS_YES) << count;
		if (symbolic)
			unmapped |= (uint64_t)(match == SAYS_UNDECIDED) << count;
		count++;
		at += size;
	}
	finish(filter, count, matched, unmapped, out);
	return;
odd:
	filter_match(filter, payload, pkt, out);
}

static void match_sbe_numbers(struct fg_msg_filter *filter, const uint8_t *payload,
			      const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	match_sbe(filter, payload, pkt, out, false);
}

static void match_sbe_symbols(struct fg_msg_filter *filter, const uint8_t *payload,
			      const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	match_sbe(filter, payload, pkt, out, true);
}

static struct hot_type sbe_type(const struct fg_msg_filter *filter, uint32_t template)
{
	const struct action *action = filter_action(filter, template);
	const struct fg_message_type *row = action->row;
	struct hot_type type = {.how = HOT_ODD};

	if (action->learn != 0)
		return type;
	if (!action->matched)
		type.how = HOT_NO;
	else if (filter->any_instrument || row->instrument == FG_INSTRUMENT_NONE)
		type.how = HOT_YES;
	else if (row->instrument == FG_INSTRUMENT_NUMBER && row->id.bytes == 4 && row->group == 1 &&
		 row->null_value == 0 && row->id.off <= UINT8_MAX && filter->numbers.bytes == 4) {
		type.how = HOT_GROUP;
		type.off = (uint8_t)row->id.off;
	}
	return type;
}

static match_function *hot_sbe(struct fg_msg_filter *filter)
{
	for (uint32_t i = 0; i < RTE_DIM(filter->hot_types); i++)
		filter->hot_types[i] = sbe_type(filter, i);
	return filter->symbolic ? match_sbe_symbols : match_sbe_numbers;
}

match_function *filter_hot(struct fg_msg_filter *filter)
{
	switch (filter->protocol->hot) {
	case FG_HOT_MOLDUDP64:
		return hot_itch(filter);
	case FG_HOT_CME_MDP3:
		return hot_sbe(filter);
	default:
		return NULL;
	}
}

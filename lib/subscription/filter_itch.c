/* SPDX-License-Identifier: MIT */
/*
 * MoldUDP64 with types of one byte and stock locates of two: ITCH.
 *
 * A table has the flags of each locate, another those of each type; their AND is the result for a
 * message. So only the end of a packet is a branch that cannot be predicted.
 */
#include "filter_fast.h"
#include "filter_match.h"
#include "table_nasdaq.h"

#define READ_BYTES 5 /* of each message: length, type, locate */

/* Shift the lowest of @bits into @mask from above. */
static __rte_always_inline uint64_t shift_in(uint64_t mask, uint64_t bits)
{
	return mask >> 1 | bits << 63;
}

struct itch_walk {
	const uint8_t *at;
	uint64_t matched, unmapped; /* the last message is the highest bit */
	uint16_t lengths;           /* of all messages, ORed, as in the packet */
	uint8_t flags;              /* of all messages, ORed */
};

/*
 * The message at walk->at + skipped. The next address depends on this message's length alone, by a
 * load and an addition: the bytes that lengths leave out are in `skipped`, a constant.
 */
static __rte_always_inline void itch_step(const struct fg_msg_filter *filter,
					  struct itch_walk *walk, uint32_t skipped, bool incomplete)
{
	const uint8_t *at = walk->at + skipped;
	const uint64_t length = at[1];
	uint16_t locate, both;
	uint32_t number;
	uint64_t flags;

	walk->at += length;
	memcpy(&both, at, sizeof(both));
	memcpy(&locate, at + 3, sizeof(locate));
	/* The upper bytes are flags of other numbers; the AND with a type's byte clears them. */
	memcpy(&number, filter->number_flags + locate, sizeof(number));
	flags = filter->type_flags[at[2]] & rte_le_to_cpu_32(number);
	walk->lengths |= both;
	walk->flags |= (uint8_t)flags;
	walk->flags |= filter->length_flags[length];
	walk->matched = shift_in(walk->matched, flags);
	if (incomplete)
		walk->unmapped = shift_in(walk->unmapped, flags >> 1);
}

static __rte_always_inline void match_packet(struct fg_msg_filter *filter, const uint8_t *payload,
					     const struct fg_feed_packet *pkt,
					     struct fg_msg_filter_result *out, bool incomplete)
{
	const uint8_t *end = payload + pkt->messages_end, *last = end - READ_BYTES;
	/* A constant: the walk need not wait until the header is read. */
	struct itch_walk walk = {.at = payload + protocol_moldudp64.header.messages_off};
	const uint32_t count = pkt->n_messages;
	uint32_t remaining = count;

	if (unlikely(count - 1 > FAST_MESSAGES_MAX - 1 ||
		     pkt->messages_off != protocol_moldudp64.header.messages_off))
		goto fallback;
	for (;; walk.at += 8) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++) {
			if (unlikely(walk.at + 2 * i > last))
				goto fallback;
			itch_step(filter, &walk, 2 * i, incomplete);
			if (--remaining == 0) {
				walk.at += 2 * i + 2;
				goto done;
			}
		}
	}
done:
	if (unlikely(walk.at != end || (walk.flags & (FLAG_FALLBACK | FLAG_UNNAMED)) != 0 ||
		     rte_be_to_cpu_16(walk.lengths) > UINT8_MAX))
		goto fallback;
	walk.matched >>= 64 - count;
	walk.unmapped = walk.unmapped >> (64 - count) & ~walk.matched;
	fast_result(filter, count, walk.matched, walk.unmapped, out);
	return;
fallback:
	filter_match_unlearned(filter, payload, pkt, out);
}

static __rte_noinline void match_incomplete(struct fg_msg_filter *filter, const uint8_t *payload,
					    const struct fg_feed_packet *pkt,
					    struct fg_msg_filter_result *out)
{
	match_packet(filter, payload, pkt, out, true);
}

static void match_itch(struct fg_msg_filter *filter, const uint8_t *payload,
		       const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	if (unlikely(filter_incomplete(filter)))
		match_incomplete(filter, payload, pkt, out);
	else
		match_packet(filter, payload, pkt, out, false);
}

/* Whether a type has its locate where ITCH has it, or no instrument. */
static bool is_itch(const struct fg_message_type *row)
{
	if (row->instrument == FG_INSTRUMENT_NONE)
		return true;
	return row->instrument == FG_INSTRUMENT_NUMBER && row->id.off == 1 && row->id.bytes == 2 &&
	       row->group == 0 && row->null_value == 0;
}

match_function *filter_itch(struct fg_msg_filter *filter)
{
	const struct fg_messages *messages = filter->protocol->messages;

	if (!is_itch(&messages->other))
		return NULL;
	for (uint32_t i = 0; i < messages->count; i++)
		if (!is_itch(&messages->types[i]))
			return NULL;
	for (uint32_t number = 0; number < RTE_DIM(filter->type_flags); number++) {
		const struct filter_type *type = filter_type(filter, number);
		uint8_t *flags = &filter->type_flags[number];

		if (type->matched)
			*flags |= FLAG_MATCHED | FLAG_UNMAPPED;
		/* Messages of all instruments are rare. */
		if ((type->learn & LEARN_NAME) != 0)
			*flags |= FLAG_UNNAMED;
		if ((type->learn & LEARN_ALWAYS) != 0 ||
		    (type->matched && !filter->any_instrument &&
		     type->row->instrument == FG_INSTRUMENT_NONE))
			*flags |= FLAG_FALLBACK;
	}
	/* These have no room for a locate. */
	memset(filter->length_flags, FLAG_FALLBACK, READ_BYTES - 2);
	return match_itch;
}

/* SPDX-License-Identifier: MIT */
/*
 * Whole packets of the framings that carry the most, with as few branches as
 * there can be: what each message says is gathered in masks, and only lengths
 * lead on. Whatever looks odd (a length that lies, a message too short for its
 * instrument, more than 64 messages, something to be learned) is noticed, and the packet is left to
 * content_match(), which begins anew: nothing was written until then.
 */
#include "content.h"
#include "framing_hot.h"

/* All of a packet's messages, and no more: its result is what the masks say. */
static __rte_always_inline void finish(const struct fg_content *content, uint32_t n_messages,
				       uint64_t wanted, uint64_t undecided,
				       struct fg_content_result *out)
{
	if (content->pass_undecided)
		wanted |= undecided;
	out->mask = wanted;
	out->n_messages = n_messages;
	out->n_wanted = (uint32_t)__builtin_popcountll(wanted);
	out->n_undecided = (uint32_t)__builtin_popcountll(undecided);
	out->walk_end = FG_WALK_DONE;
}

#define ITCH_LEAST 5 /* Length, type, locate: what is read of each message. */

/* Lengths of less than a byte that are too short for a locate. */
static const uint64_t itch_short[256] = {BITS_ODD, BITS_ODD, BITS_ODD};

/* What is gathered on the way. */
struct itch_walk {
	const uint8_t *at;
	uint64_t wanted, undecided, odd;
	uint16_t lengths;
};

/*
 * The message at walk->at + skipped. Only its length leads to the next one, a load and an
 * addition: what lengths leave out is in `skipped`, a constant.
 */
static __rte_always_inline void itch_step(const struct fg_content *content, struct itch_walk *walk,
					  uint32_t skipped, bool open)
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
	memcpy(&number, content->direct + locate, sizeof(number));
	bits = content->type_bits[at[2]] & number;
	walk->lengths |= both;
	walk->odd |= bits | itch_short[length];
	walk->wanted = walk->wanted >> 1 | bits << 63;
	if (open)
		walk->undecided = walk->undecided >> 1 | bits >> 1 << 63;
}

/* Messages of MoldUDP64 with a type of a byte and a locate of two. */
static __rte_always_inline void match_itch(struct fg_content *content, const uint8_t *payload,
					   const struct fg_feed_packet *pkt,
					   struct fg_content_result *out, bool open)
{
	const uint8_t *end = payload + pkt->messages_end, *last = end - ITCH_LEAST;
	struct itch_walk walk = {.at = payload + pkt->messages_off};
	const uint32_t count = pkt->n_messages;
	uint32_t left = count;

	if (unlikely(count - 1 > 63))
		goto odd;
	for (;; walk.at += 8) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++) {
			if (unlikely(walk.at + 2 * i > last))
				goto odd;
			itch_step(content, &walk, 2 * i, open);
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
	walk.wanted >>= 64 - count;
	walk.undecided = walk.undecided >> (64 - count) & ~walk.wanted;
	finish(content, count, walk.wanted, walk.undecided, out);
	return;
odd:
	content_match(content, payload, pkt, out);
}

static __rte_noinline void match_itch_open(struct fg_content *content, const uint8_t *payload,
					   const struct fg_feed_packet *pkt,
					   struct fg_content_result *out)
{
	match_itch(content, payload, pkt, out, true);
}

static void match_itch_any(struct fg_content *content, const uint8_t *payload,
			   const struct fg_feed_packet *pkt, struct fg_content_result *out)
{
	if (unlikely(content_open(content)))
		match_itch_open(content, payload, pkt, out);
	else
		match_itch(content, payload, pkt, out, false);
}

static bool itch_like(const struct fg_message_type *row)
{
	if (row->instrument == FG_INSTRUMENT_NONE)
		return true;
	return row->instrument == FG_INSTRUMENT_NUMBER && row->id.off == 1 && row->id.bytes == 2 &&
	       row->group == 0 && row->no_number == 0;
}

static match_function *hot_itch(struct fg_content *content)
{
	const struct fg_messages *messages = content->framing->messages;

	if (!itch_like(&messages->other))
		return NULL;
	for (uint32_t i = 0; i < messages->count; i++)
		if (!itch_like(&messages->types[i]))
			return NULL;
	for (uint32_t type = 0; type < RTE_DIM(content->type_bits); type++) {
		const struct action *action = content_action(content, type);
		uint8_t *bits = &content->type_bits[type];

		if (action->wanted)
			*bits |= BITS_WANTED | BITS_UNNAMED;
		/* What is of all instruments is seldom. */
		if (action->learn != 0 || (action->wanted && !content->any_instrument &&
					   action->row->instrument == FG_INSTRUMENT_NONE))
			*bits |= BITS_ODD;
	}
	return match_itch_any;
}

match_function *content_hot(struct fg_content *content)
{
	switch (content->framing->hot) {
	case FG_HOT_MOLDUDP64:
		return hot_itch(content);
	default:
		return NULL;
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * MoldUDP64 with stock locates: ITCH.
 *
 * A table has the flags of each locate, another those of each type; their AND is the
 * result for a message. What is unusual (a length of two bytes, a message too short for
 * a locate, something to learn) is collected: if there was any, the reference matches the
 * packet. So only the end of a packet is a branch that cannot be predicted.
 */
#include "filter_itch.h"

#include "flat_match.h"
#include "tables.h"

#define READ_BYTES 5u /* of each message: length, type, locate */

/* What a walk over a packet has found. */
struct itch_walk {
	const uint8_t *at;
	uint64_t matched, unmapped; /* the last message is the highest bit */
	/* Of all messages, ORed: lengths less the least one, whose sign and low byte show what is
	   unusual; flags, but for FLAG_MATCHED and FLAG_UNMAPPED. */
	uint32_t unusual;
};

#define ITCH_UNUSUAL (1u << 31 | UINT8_MAX)

/*
 * The message at walk->at + skipped. The next address depends on this message's length alone, by a
 * load and an addition: the bytes that lengths leave out are in `skipped`, a constant.
 */
static __rte_always_inline void itch_step(const struct fg_msg_filter *filter, const uint8_t *types,
					  struct itch_walk *walk, uint32_t skipped, bool incomplete)
{
	const uint8_t *at = walk->at + skipped;
	uint16_t both;
	uint32_t flags;

	walk->at += at[1];
	memcpy(&both, at, sizeof(both));
	flags = types[at[2]] & filter->number_flags[fg_number_load(at + 3, 2, FG_ORDER_BIG)];
	/* As in the packet: the first byte is that of lengths over 255. */
	walk->unusual |= (uint32_t)rte_le_to_cpu_16(both) - ((READ_BYTES - 2) << 8);
	walk->matched = flat_shift_in(walk->matched, &flags);
	if (incomplete)
		walk->unmapped = flat_shift_in(walk->unmapped, &flags);
	walk->unusual |= flags;
}

static __rte_always_inline void match_packet(const struct fg_msg_filter_job *job, bool incomplete)
{
	const struct fg_msg_filter *filter = job->filter;
	const uint8_t *types = filter->type_flags[incomplete];
	const uint8_t *end = job->payload + job->pkt->messages_end;
	const uint8_t *last = end - READ_BYTES;
	struct itch_walk walk = {.at = job->payload + job->pkt->messages_off};
	const uint32_t count = job->pkt->n_messages;
	struct flat_found found;
	uint32_t remaining = count;

	if (unlikely(count - 1 >= FLAT_MASK))
		goto unusual;
	for (;; walk.at += 8) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++) {
			if (unlikely(walk.at + 2 * i > last))
				goto unusual;
			itch_step(filter, types, &walk, 2 * i, incomplete);
			if (--remaining == 0) {
				walk.at += 2 * i + 2;
				goto done;
			}
		}
	}
done:
	if (unlikely(walk.at != end || (walk.unusual & ITCH_UNUSUAL) != 0))
		goto unusual;
	found = (struct flat_found){.matched = walk.matched, .unmapped = walk.unmapped};
	flat_give(job, count, &found, incomplete);
	return;
unusual:
	flat_fall_back(job);
}

/* While some numbers have no symbol that may be a matched one. */
static __rte_noinline void match_incomplete(const struct fg_msg_filter_job *job)
{
	match_packet(job, true);
}

void filter_itch_burst(const struct fg_msg_filter_job *jobs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (unlikely(filter_incomplete(jobs[i].filter)))
			match_incomplete(&jobs[i]);
		else
			match_packet(&jobs[i], false);
}

/* Whether a type has its locate where ITCH has it, or no instrument. */
static bool is_itch(const struct fg_message_type *row)
{
	if (row->instrument == FG_INSTRUMENT_NONE)
		return true;
	return row->instrument == FG_INSTRUMENT_NUMBER && row->id.off == 1 && row->id.bytes == 2 &&
	       row->group == 0 && row->null_value == 0;
}

bool filter_itch_build(struct fg_msg_filter *filter)
{
	const struct fg_messages *messages = filter->protocol->messages;

	if ((filter->protocol->compiled != FG_COMPILED_itch50 &&
	     filter->protocol->compiled != FG_COMPILED_moldudp64) ||
	    filter->number_flags == NULL || !is_itch(&messages->other))
		return false;
	for (uint32_t i = 0; i < messages->count; i++)
		if (!is_itch(&messages->types[i]))
			return false;
	for (uint32_t number = 0; number < RTE_DIM(filter->type_flags[0]); number++) {
		const struct filter_type *type = filter_type(filter, number);
		uint8_t flags = type->matched ? FLAG_MATCHED : 0;

		if ((type->learn & LEARN_ALWAYS) != 0)
			flags |= FLAG_LEARN;
		if ((type->learn & LEARN_NAME) != 0)
			flags |= FLAG_UNNAMED;
		/* Messages of all instruments have locate 0, or else are looked at by themselves.
		 */
		if (type->matched && !filter->any_instrument &&
		    type->row->instrument == FG_INSTRUMENT_NONE)
			flags |= FLAG_FALLBACK;
		filter->type_flags[0][number] = flags;
		filter->type_flags[1][number] =
			(uint8_t)(flags | (type->matched ? FLAG_UNMAPPED : 0));
	}
	return true;
}

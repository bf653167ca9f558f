/* SPDX-License-Identifier: MIT */
/*
 * MoldUDP64 with stock locates: ITCH.
 *
 * A table has the code of each locate, another the flags of each type; their AND is the
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
	   unusual; CODE_UNNAMED in the low byte. */
	uint32_t unusual;
	uint32_t types; /* flags, ORed */
};

#define ITCH_UNUSUAL (1u << 31 | UINT8_MAX)

/*
 * The message at walk->at + skipped. The next address depends on this message's length alone, by a
 * load and an addition: the bytes that lengths leave out are in `skipped`, a constant.
 */
static __rte_always_inline void itch_step(const struct fg_msg_filter *filter,
					  struct itch_walk *walk, uint32_t skipped, bool incomplete)
{
	const struct short_numbers *shorts = filter->shorts;
	const uint8_t *at = walk->at + skipped;
	const uint32_t locate = (uint32_t)fg_number_load(at + 3, 2, FG_ORDER_BIG);
	const uint32_t type = filter->type_flags[at[2]];
	uint32_t result = type & short_numbers_code(shorts, locate);
	uint16_t both;

	walk->at += at[1];
	memcpy(&both, at, sizeof(both));
	/* As in the packet: the first byte is that of lengths over 255. */
	walk->unusual |= (uint32_t)rte_le_to_cpu_16(both) - ((READ_BYTES - 2) << 8);
	walk->matched = flat_shift_in(walk->matched, &result);
	walk->unusual |= result;
	walk->types |= type;
	if (incomplete) {
		result = type & short_numbers_bit(shorts->unmapped, locate);
		walk->unmapped = flat_shift_in(walk->unmapped, &result);
	}
}

static __rte_always_inline void match_packet(const struct fg_msg_filter_job *job, bool incomplete)
{
	const struct fg_msg_filter *filter = job->filter;
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
			itch_step(filter, &walk, 2 * i, incomplete);
			if (--remaining == 0) {
				walk.at += 2 * i + 2;
				goto done;
			}
		}
	}
done:
	if (unlikely(walk.at != end || (walk.unusual & ITCH_UNUSUAL) != 0 ||
		     (walk.types & TYPE_UNUSUAL) != 0))
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

void filter_itch_burst(const struct fg_msg_filter_job *jobs, unsigned int n, unsigned int available)
{
	for (unsigned int i = 0; i < n; i++) {
		prefetch_ahead(jobs, i, available);
		if (unlikely(filter_incomplete(jobs[i].filter)))
			match_incomplete(&jobs[i]);
		else
			match_packet(&jobs[i], false);
	}
}

/* Whether a type has its locate where ITCH has it, or no instrument. */
static bool is_itch(const struct fg_message_type *row)
{
	if (row->instrument == FG_INSTRUMENT_NONE)
		return true;
	return row->instrument == FG_INSTRUMENT_NUMBER && row->id.off == 1 && row->id.bytes == 2 &&
	       row->group == 0 && row->null_value == 0;
}

static uint8_t type_flags(const struct fg_msg_filter *filter, const struct filter_type *type)
{
	/* Messages of all instruments, which are rare, are looked at by themselves. */
	if ((type->learn & LEARN_ALWAYS) != 0 || (type->matched && !filter->any_instrument &&
						  type->row->instrument == FG_INSTRUMENT_NONE))
		return TYPE_UNUSUAL;
	return (uint8_t)((type->matched ? TYPE_MATCHED : 0) |
			 ((type->learn & LEARN_NAME) != 0 ? TYPE_NAMED : 0));
}

bool filter_itch_build(struct fg_msg_filter *filter)
{
	const struct fg_messages *messages = filter->protocol->messages;

	if ((filter->protocol->compiled != FG_COMPILED_itch50 &&
	     filter->protocol->compiled != FG_COMPILED_moldudp64) ||
	    filter->shorts == NULL || !is_itch(&messages->other))
		return false;
	for (uint32_t i = 0; i < messages->count; i++)
		if (!is_itch(&messages->types[i]))
			return false;
	for (uint32_t number = 0; number < RTE_DIM(filter->type_flags); number++)
		filter->type_flags[number] = type_flags(filter, filter_type(filter, number));
	return true;
}

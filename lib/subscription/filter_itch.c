/* SPDX-License-Identifier: MIT */
/*
 * MoldUDP64 with stock locates: ITCH, several packets at once.
 *
 * A walk is a chain of loads, from length to length, and the end of each packet is a
 * branch that cannot be predicted. Here two lanes walk, each over half of the packets,
 * and go from packet to packet by conditional moves: two chains run side by side, and
 * the loop's only branch is its end.
 *
 * A table has the flags of each locate, another those of each type; their AND is the
 * result for a message. What is unusual (a length of two bytes, a message too short for
 * a locate, something to learn) is collected for a lane: if there was any, its packets
 * are matched one by one.
 */
#include "filter_itch.h"

#include "flat_match.h"
#include "tables.h"

#define PACKETS    32u
#define READ_BYTES 5u /* of each message: length, type, locate */
/* Before a packet's first message: it shows how often a mask was shifted. */
#define MASK_BEGIN (UINT64_C(1) << 63)
#define MASK_MAX   63u /* messages of a packet */

struct itch_packet {
	const uint8_t *start; /* of the messages */
	const uint8_t *last;  /* where the last message begins at the latest */
	const uint8_t *number_flags, *type_flags;
	const struct fg_msg_filter_job *job;
	/* What the walk has found. */
	uint64_t matched;    /* the last message is the highest bit */
	const uint8_t *stop; /* where it ended */
	uint64_t begin;      /* MASK_BEGIN, at hand where the lane is */
} __rte_cache_aligned;

static_assert(sizeof(struct itch_packet) == 64, "a packet takes a cache line");

struct itch_lane {
	const uint8_t *at, *last;
	struct itch_packet *packet;
	uint64_t matched;
	/* Of all messages, ORed: lengths less the least one, whose sign and low byte show what is
	   unusual; flags, but for FLAG_MATCHED. */
	uint32_t unusual;
};

#define ITCH_UNUSUAL (1u << 31 | UINT8_MAX)

static __rte_always_inline struct itch_lane itch_begin(struct itch_packet *packet)
{
	return (struct itch_lane){
		.at = packet->start, .last = packet->last, .packet = packet, .matched = MASK_BEGIN};
}

/* One message; at the end of a packet, go to the next one. */
static __rte_always_inline void itch_step(struct itch_lane *lane)
{
	struct itch_packet *packet = lane->packet, *next = packet + 1;
	const uint8_t *at = lane->at;
	uint16_t both;
	uint32_t flags;

	memcpy(&both, at, sizeof(both));
	/* As in the packet: the first byte is that of lengths over 255. */
	both = rte_le_to_cpu_16(both);
	flags = packet->type_flags[at[2]] &
		packet->number_flags[fg_number_load(at + 3, 2, FG_ORDER_BIG)];
	lane->unusual |= (uint32_t)both - ((READ_BYTES - 2) << 8);
	lane->matched = flat_shift_in(lane->matched, &flags);
	lane->unusual |= flags;
	at += 2 + (uint64_t)at[1];
	packet->matched = lane->matched;
	packet->stop = at;
#if defined(__x86_64__)
	__asm__("cmpq %[at], %[last]\n\t"
		"cmovb %[start], %[at]\n\t"
		"cmovb %[limit], %[last]\n\t"
		"cmovb %[begin], %[matched]\n\t"
		"cmovb %[next], %[packet]"
		: [at] "+r"(at), [last] "+r"(lane->last), [matched] "+r"(lane->matched),
		  [packet] "+r"(packet)
		: [start] "m"(next->start), [limit] "m"(next->last), [begin] "m"(next->begin),
		  [next] "r"(next)
		: "cc");
#else
	if (at > lane->last) {
		at = next->start;
		lane->last = next->last;
		lane->matched = MASK_BEGIN;
		packet = next;
	}
#endif
	lane->at = at;
	lane->packet = packet;
}

/*
 * One packet by itself: one in whose lane there was something unusual, or while some numbers have
 * no symbol that may be a matched one.
 */
static __rte_noinline void match_alone(const struct fg_msg_filter_job *job)
{
	const struct fg_msg_filter *filter = job->filter;
	const uint8_t *types = filter->type_flags[filter_incomplete(filter)];
	const uint8_t *at = job->payload + job->pkt->messages_off;
	const uint8_t *end = job->payload + job->pkt->messages_end;
	const uint32_t count = job->pkt->n_messages;
	struct flat_found found = {0};
	uint32_t unusual = 0, n = 0;

	if (unlikely(count - 1 >= FLAT_MASK))
		goto unusual;
	for (; n < count && end - at >= (ptrdiff_t)READ_BYTES; n++) {
		uint16_t both;
		uint32_t flags;

		memcpy(&both, at, sizeof(both));
		both = rte_le_to_cpu_16(both);
		flags = types[at[2]] &
			filter->number_flags[fg_number_load(at + 3, 2, FG_ORDER_BIG)];
		unusual |= (uint32_t)both - ((READ_BYTES - 2) << 8);
		found.matched = flat_shift_in(found.matched, &flags);
		found.unmapped = flat_shift_in(found.unmapped, &flags);
		unusual |= flags;
		at += 2 + (uint64_t)at[1];
	}
	if (unlikely(n != count || at != end || (unusual & ITCH_UNUSUAL) != 0))
		goto unusual;
	flat_give(job, count, &found, true);
	return;
unusual:
	flat_fall_back(job);
}

/* The results of the packets of a lane. */
static __rte_always_inline void itch_give(const struct itch_packet *packets,
					  const struct itch_packet *end,
					  const struct itch_lane *lane)
{
	const bool usual = (lane->unusual & ITCH_UNUSUAL) == 0;

	for (const struct itch_packet *p = packets; p < end; p++) {
		const struct fg_msg_filter_job *job = p->job;
		const struct fg_feed_packet *pkt = job->pkt;
		const uint32_t shifted = 63 - (uint32_t)__builtin_ctzll(p->matched | MASK_BEGIN);
		struct fg_msg_filter_result *out = job->out;
		uint64_t matched;

		if (unlikely(!usual || p->stop != job->payload + pkt->messages_end ||
			     shifted != pkt->n_messages)) {
			match_alone(job);
			continue;
		}
		/* Without the bit of MASK_BEGIN. */
		matched = p->matched >> 1 >> (63 - shifted);
		out->mask = matched;
		out->n_messages = shifted;
		out->n_matched = (uint32_t)__builtin_popcountll(matched);
		out->n_unmapped = 0;
		out->walk_end = FG_WALK_DONE;
		out->deferred = false;
	}
}

/* Walk over packets [0, half) and [half, n). */
static __rte_always_inline void itch_walk(struct itch_packet *packets, uint32_t half, uint32_t n)
{
	struct itch_packet *middle = packets + half, *end = packets + n;
	struct itch_lane a = itch_begin(packets), b = itch_begin(middle);

	while (a.packet < middle && b.packet < end) {
		itch_step(&a);
		itch_step(&b);
	}
	while (a.packet < middle)
		itch_step(&a);
	while (b.packet < end)
		itch_step(&b);
	itch_give(packets, middle, &a);
	itch_give(middle, end, &b);
}

/* Whether the packet can be walked here. */
static __rte_always_inline bool is_usual(const struct fg_msg_filter_job *job)
{
	const struct fg_feed_packet *pkt = job->pkt;

	return (uint32_t)(pkt->n_messages - 1) < MASK_MAX &&
	       pkt->messages_off + READ_BYTES <= pkt->messages_end &&
	       !filter_incomplete(job->filter);
}

void filter_itch_burst(const struct fg_msg_filter_job *const *jobs, unsigned int n)
{
	struct itch_packet packets[PACKETS + 1];

	while (n > 0) {
		struct itch_packet *to = packets;
		uint32_t sizes[PACKETS + 1], size = 0, count, half;

		for (; n > 0 && to < packets + PACKETS; jobs++, n--) {
			const struct fg_msg_filter_job *job = *jobs;
			const struct fg_feed_packet *pkt = job->pkt;

			if (unlikely(!is_usual(job))) {
				match_alone(job);
				continue;
			}
			to->start = job->payload + pkt->messages_off;
			to->last = job->payload + pkt->messages_end - READ_BYTES;
			to->number_flags = job->filter->number_flags;
			to->type_flags = job->filter->type_flags[0];
			to->job = job;
			to->begin = MASK_BEGIN;
			sizes[to - packets] = size;
			size += pkt->n_messages;
			to++;
		}
		count = (uint32_t)(to - packets);
		if (unlikely(count == 0))
			continue;
		/* What a lane reads after its last packet. */
		to->start = to->last = NULL;
		to->begin = 0;
		half = 0;
		/* About half of the messages, found by halves: no branch depends on it. */
#pragma GCC unroll 5
		for (uint32_t step = PACKETS / 2; step > 0; step /= 2)
			half += half + step < count && sizes[half + step] <= size / 2 ? step : 0;
		itch_walk(packets, half, count);
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

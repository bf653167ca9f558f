/* SPDX-License-Identifier: MIT */
/* MDP 3.0: SBE messages with security ids in the entries of their first group. */
#include "filter_fast.h"
#include "filter_match.h"
#include "table_cme.h"

/* The results of entries, ORed to that of their message. */
#define ENTRY_MATCHED  1u
#define ENTRY_UNMAPPED 2u
#define ENTRY_FALLBACK 4u

static_assert((unsigned int)TEMPLATE_YES == ENTRY_MATCHED &&
		      (unsigned int)TEMPLATE_FALLBACK == ENTRY_FALLBACK,
	      "a template's action is its result where no entry is read");

/* A security id. 0 stands for all, and is in no set. @by_symbol: filter->by_symbol, a constant. */
static __rte_always_inline uint32_t entry_match(const struct fg_msg_filter *filter, uint32_t number,
						bool by_symbol)
{
	enum match match;

	if (!by_symbol)
		return number_set_has_sized(&filter->numbers, number, 4) | (number == 0);
	match = filter_number(filter, number);
	return match == MATCH_YES ? ENTRY_MATCHED : match == MATCH_UNMAPPED ? ENTRY_UNMAPPED : 0;
}

/* The entries of the first group, of a message of @size bytes; the id is at @off in each. */
static __rte_always_inline uint32_t group_match(const struct fg_msg_filter *filter,
						const uint8_t *at, uint32_t size, uint32_t off,
						bool by_symbol)
{
	const struct fg_group_shape *shape = &protocol_cme_mdp3.groups;
	const uint32_t root = (uint32_t)fg_field_load(shape->root_bytes, at, FG_ORDER_LITTLE);
	const uint32_t group = shape->root + root, entry = group + shape->header_bytes;
	uint32_t stride, entries, match = 0;

	if (unlikely(entry > size))
		return ENTRY_FALLBACK;
	stride = (uint32_t)fg_field_load(shape->entry_bytes, at + group, FG_ORDER_LITTLE);
	entries = (uint32_t)fg_field_load(shape->entries, at + group, FG_ORDER_LITTLE);
	if (unlikely(entries == 0 || stride < off + 4 || entries * stride > size - entry))
		return ENTRY_FALLBACK;
	at += entry + off;
	for (; entries > 0; entries--, at += stride)
		match |= entry_match(filter, (uint32_t)fg_number_load(at, 4, FG_ORDER_LITTLE),
				     by_symbol);
	return match;
}

static __rte_always_inline void match_packet(struct fg_msg_filter *filter, const uint8_t *payload,
					     const struct fg_feed_packet *pkt,
					     struct fg_msg_filter_result *out, bool by_symbol)
{
	const struct fg_walk_shape *shape = &protocol_cme_mdp3.walk;
	const uint8_t *at = payload + protocol_cme_mdp3.header.messages_off;
	const uint8_t *end = payload + pkt->messages_end;
	uint64_t matched = 0, unmapped = 0;
	uint32_t count = 0;

	if (unlikely(pkt->messages_off != protocol_cme_mdp3.header.messages_off))
		goto fallback;
	while (at < end) {
		const uint32_t room = (uint32_t)(end - at);
		uint32_t size, number, match;
		struct filter_template template;

		if (unlikely(room < shape->min_bytes || count == FAST_MESSAGES_MAX))
			goto fallback;
		size = (uint32_t)fg_field_load(shape->length, at, FG_ORDER_LITTLE);
		number = (uint32_t)fg_field_load(shape->type, at, FG_ORDER_LITTLE);
		if (unlikely(size < shape->min_bytes || size > room ||
			     number >= RTE_DIM(filter->templates)))
			goto fallback;
		template = filter->templates[number];
		match = likely(template.action == TEMPLATE_GROUP)
				? group_match(filter, at, size, template.entry_off, by_symbol)
				: template.action;
		if (unlikely((match & ENTRY_FALLBACK) != 0))
			goto fallback;
		matched |= (uint64_t)(match & ENTRY_MATCHED) << count;
		if (by_symbol)
			unmapped |= (uint64_t)(match == ENTRY_UNMAPPED) << count;
		count++;
		at += size;
	}
	fast_result(filter, count, matched, unmapped, out);
	return;
fallback:
	filter_match_unlearned(filter, payload, pkt, out);
}

static void match_by_number(struct fg_msg_filter *filter, const uint8_t *payload,
			    const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	match_packet(filter, payload, pkt, out, false);
}

static void match_by_symbol(struct fg_msg_filter *filter, const uint8_t *payload,
			    const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	match_packet(filter, payload, pkt, out, true);
}

static struct filter_template make_template(const struct fg_msg_filter *filter, uint32_t number)
{
	const struct filter_type *type = filter_type(filter, number);
	const struct fg_message_type *row = type->row;
	struct filter_template template = {.action = TEMPLATE_FALLBACK};

	if (type->learn != 0)
		return template;
	if (!type->matched) {
		template.action = TEMPLATE_NO;
	} else if (filter->any_instrument || row->instrument == FG_INSTRUMENT_NONE) {
		template.action = TEMPLATE_YES;
	} else if (row->instrument == FG_INSTRUMENT_NUMBER && row->id.bytes == 4 &&
		   row->group == 1 && row->null_value == 0 && row->id.off <= UINT8_MAX &&
		   filter->numbers.bytes == 4) {
		template.action = TEMPLATE_GROUP;
		template.entry_off = (uint8_t)row->id.off;
	}
	return template;
}

match_function *filter_mdp3(struct fg_msg_filter *filter)
{
	for (uint32_t i = 0; i < RTE_DIM(filter->templates); i++)
		filter->templates[i] = make_template(filter, i);
	return filter->by_symbol ? match_by_symbol : match_by_number;
}

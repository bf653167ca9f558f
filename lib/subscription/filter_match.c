/* SPDX-License-Identifier: MIT */
/*
 * Any protocol, message by message. This is the definition of what is matched;
 * filter_hot.c has the same for two protocols, and comes back here for what is odd.
 */
#include "filter.h"

static inline enum match judge_short(const struct fg_msg_filter *filter, uint64_t text)
{
	return text == 0 || symbols_has_short(&filter->symbols, text) ? MATCH_YES : MATCH_NO;
}

static inline enum match judge_text(const struct fg_msg_filter *filter, const uint8_t *at,
				    uint32_t bytes)
{
	struct symbol symbol;

	if (bytes <= SYMBOL_SHORT)
		return judge_short(filter, symbol_short(at, bytes));
	if (!symbol_read(&symbol, at, bytes))
		return MATCH_YES;
	return symbols_find(&filter->symbols, &symbol) != IDS_NONE ? MATCH_YES : MATCH_NO;
}

/* Any of the instruments that the message names; none: it is of all. */
static enum match judge_named(const struct fg_msg_filter *filter, const struct fg_message_type *row,
			      const struct fg_message *message)
{
	const unsigned int order = filter->protocol->header.order;
	enum match match = MATCH_NO;
	struct fg_instruments some;
	const uint8_t *at;

	fg_instruments_begin(filter->protocol, row, message, &some);
	if (some.malformed)
		match = MATCH_UNMAPPED;
	else if (some.left == 0)
		return MATCH_YES;
	while (fg_instruments_next(&some, &at)) {
		enum match one;

		if (row->instrument == FG_INSTRUMENT_TEXT) {
			one = judge_text(filter, at, row->id.bytes);
		} else {
			uint64_t number = fg_number_load(at, row->id.bytes, order);

			one = filter_number(filter, number == row->null_value ? 0 : number);
		}
		if (one == MATCH_YES)
			return MATCH_YES;
		if (one == MATCH_UNMAPPED)
			match = MATCH_UNMAPPED;
	}
	return match;
}

static bool has_field(const struct fg_message *message, struct fg_field field)
{
	return field.bytes != 0 && message->len >= fg_field_end(field);
}

/* Where the instrument of the message's order is held, or NULL. */
static uint64_t *order_of(const struct fg_msg_filter *filter, const struct fg_message_type *row,
			  const struct fg_message *message)
{
	struct fg_known *known = filter->known;
	uint64_t *instrument;

	if (known == NULL || known->orders.ids == NULL || !has_field(message, row->order))
		return NULL;
	instrument = orders_find(&known->orders, fg_field_load(row->order, message->data,
							       filter->protocol->header.order));
	if (instrument == NULL)
		fg_counter_add(&known->counters[FG_KNOWN_orders_missed], 1);
	return instrument;
}

static void learn_name(const struct fg_msg_filter *filter, const struct fg_message_type *row,
		       const struct fg_message *message)
{
	struct symbol symbol;
	uint64_t number;

	if (!has_field(message, row->id) || !has_field(message, row->symbol))
		return;
	number = fg_field_load(row->id, message->data, filter->protocol->header.order);
	if (number != 0 && number != row->null_value &&
	    symbol_read(&symbol, message->data + row->symbol.off, row->symbol.bytes))
		(void)known_name(filter->known, number, &symbol);
}

static void learn_order(const struct fg_msg_filter *filter, const struct fg_message_type *row,
			const struct fg_message *message)
{
	const unsigned int order = filter->protocol->header.order;
	uint64_t instrument;

	if (!has_field(message, row->id) || !has_field(message, row->order))
		return;
	if (row->instrument == FG_INSTRUMENT_TEXT)
		instrument = symbol_short(message->data + row->id.off, row->id.bytes);
	else
		instrument = fg_field_load(row->id, message->data, order);
	if (row->instrument == FG_INSTRUMENT_NUMBER && instrument == row->null_value)
		instrument = 0;
	orders_add(filter->known, fg_field_load(row->order, message->data, order), instrument);
}

/* The order is gone, or has become another one. */
static void learn_end(const struct fg_msg_filter *filter, const struct fg_message_type *row,
		      const struct fg_message *message, uint64_t *held)
{
	uint64_t instrument;

	if (held == NULL)
		return;
	instrument = *held;
	orders_remove(filter->known, held);
	if (has_field(message, row->new_order))
		orders_add(filter->known,
			   fg_field_load(row->new_order, message->data,
					 filter->protocol->header.order),
			   instrument);
}

static enum match judge_order(const struct fg_msg_filter *filter, const uint64_t *held)
{
	if (held == NULL)
		return MATCH_UNMAPPED;
	return filter->known->texts ? judge_short(filter, *held) : filter_number(filter, *held);
}

/* What the filter match of one message, whatever its type. @previous: of the one before. */
static enum match judge(struct fg_msg_filter *filter, const struct action *action,
			const struct fg_message *message, enum match previous)
{
	const struct fg_message_type *row = action->row;
	const bool checks_instrument = action->checks_instrument && !filter->any_instrument;
	enum match match = MATCH_YES;
	uint64_t *held = NULL;

	if (unlikely((action->learn & LEARN_NAME) != 0)) {
		learn_name(filter, row, message);
		filter_catch_up(filter);
	}
	if ((action->learn & LEARN_ADD) != 0)
		learn_order(filter, row, message);
	if ((action->learn & LEARN_END) != 0 ||
	    (checks_instrument && row->instrument == FG_INSTRUMENT_ORDER))
		held = order_of(filter, row, message);
	if (checks_instrument && row->instrument == FG_INSTRUMENT_ORDER)
		match = judge_order(filter, held);
	else if (checks_instrument && row->instrument == FG_INSTRUMENT_PREVIOUS)
		match = previous;
	else if (checks_instrument)
		match = judge_named(filter, row, message);
	if ((action->learn & LEARN_END) != 0)
		learn_end(filter, row, message, held);
	return match;
}

static inline void note(const struct fg_msg_filter *filter, enum match match,
			struct fg_msg_filter_result *out)
{
	const bool unmapped = match == MATCH_UNMAPPED;
	const bool matched = match == MATCH_YES || (unmapped && filter->pass_unmapped);

	if (out->n_messages < 64)
		out->mask |= (uint64_t)matched << out->n_messages;
	out->n_messages++;
	out->n_matched += matched;
	out->n_unmapped += unmapped;
}

void filter_match(struct fg_msg_filter *filter, const uint8_t *payload,
		  const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	enum match previous = filter->any_instrument ? MATCH_YES : MATCH_UNMAPPED;
	struct fg_message message;
	struct fg_walk walk;

	memset(out, 0, sizeof(*out));
	fg_walk_begin(&walk, payload, pkt);
	while (fg_protocol_next(filter->protocol, &walk, &message)) {
		const struct action *action = filter_action(filter, message.type);
		const enum match match = judge(filter, action, &message, previous);

		note(filter, action->matched ? match : MATCH_NO, out);
		previous = match;
	}
	out->walk_end = walk.end_reason;
	if (walk.end_reason == FG_WALK_UNDECODABLE)
		note(filter, MATCH_UNMAPPED, out);
}

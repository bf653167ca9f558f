/* SPDX-License-Identifier: MIT */
/* Any protocol, message by message: the definition of what is matched. */
#include "filter_match.h"

#include "filter.h"
#include "filter_symbols.h"
#include "table_cboe.h"
#include "walk_kinds.h"

static inline enum match match_short(const struct fg_msg_filter *filter, uint64_t text)
{
	return text == 0 || symbol_set_has_short(&filter->symbol_set, text) ? MATCH_YES : MATCH_NO;
}

static inline enum match match_symbol(const struct fg_msg_filter *filter, const uint8_t *at,
				      uint32_t bytes)
{
	struct symbol symbol;

	if (bytes <= SYMBOL_SHORT)
		return match_short(filter, symbol_short(at, bytes));
	if (!symbol_read(&symbol, at, bytes))
		return MATCH_YES;
	return symbol_set_find(&filter->symbol_set, &symbol) != NUMBER_SET_NONE ? MATCH_YES
										: MATCH_NO;
}

static inline enum match match_number(const struct fg_msg_filter *filter, uint64_t number)
{
	if (likely(!filter->other_session))
		return filter_number(filter, number);
	if (filter_lists(filter, number))
		return MATCH_YES;
	return filter->by_symbol ? MATCH_UNMAPPED : MATCH_NO;
}

/* A message with instruments of its own. Without any, it is of all instruments. */
static enum match match_instruments(const struct fg_msg_filter *filter,
				    const struct fg_message_type *row,
				    const struct fg_message *message)
{
	const unsigned int order = filter->protocol->header.order;
	enum match match = MATCH_NO;
	struct fg_instruments list;
	const uint8_t *at;

	fg_instruments_begin(filter->protocol, row, message, &list);
	if (list.malformed)
		match = MATCH_UNMAPPED;
	else if (list.remaining == 0)
		return MATCH_YES;
	while (fg_instruments_next(&list, &at)) {
		enum match one;

		if (row->instrument == FG_INSTRUMENT_TEXT) {
			one = match_symbol(filter, at, row->id.bytes);
		} else {
			uint64_t number = fg_number_load(at, row->id.bytes, order);

			one = match_number(filter, number == row->null_value ? 0 : number);
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

/* The instrument of the message's order, in the order map; NULL: not there. */
static uint64_t *find_order(const struct fg_msg_filter *filter, const struct fg_message_type *row,
			    const struct fg_message *message)
{
	struct fg_orders *orders = filter->orders;
	uint64_t *instrument;

	if (orders == NULL || orders->ids == NULL || !has_field(message, row->order))
		return NULL;
	instrument = order_map_find(
		orders, fg_field_load(row->order, message->data, filter->protocol->header.order));
	if (instrument == NULL)
		fg_counter_add(&orders->counters[FG_ORDERS_orders_missed], 1);
	return instrument;
}

/* The number to which a message gives a symbol; 0: it gives none. */
static uint64_t named_number(const struct fg_msg_filter *filter, const struct fg_message_type *row,
			     const struct fg_message *message, struct symbol *symbol)
{
	uint64_t number;

	if (!has_field(message, row->id) || !has_field(message, row->symbol))
		return 0;
	number = fg_field_load(row->id, message->data, filter->protocol->header.order);
	if (number == row->null_value ||
	    !symbol_read(symbol, message->data + row->symbol.off, row->symbol.bytes))
		return 0;
	return number;
}

/*
 * Whether a message teaches the symbol map something. A full map learns no number: the filter then
 * takes no further look at this one.
 */
static inline bool teaches_symbol(struct fg_msg_filter *filter, const struct filter_type *type,
				  const struct fg_message *message)
{
	struct symbol symbol;
	uint64_t number;

	if ((type->learn & LEARN_SYMBOL) != 0)
		return true;
	if ((type->learn & LEARN_NAME) == 0)
		return false;
	number = named_number(filter, type->row, message, &symbol);
	if (number == 0 || symbol_map_has(filter->symbols, number))
		return false;
	if (!atomic_load_explicit(&filter->symbols->full, memory_order_relaxed))
		return true;
	filter_give_up(filter, number);
	return false;
}

static void learn_symbol(struct fg_msg_filter *filter, const struct fg_message_type *row,
			 const struct fg_message *message)
{
	struct symbol symbol;
	const uint64_t number = named_number(filter, row, message, &symbol);

	if (number == 0)
		return;
	if (symbol_map_add(filter->symbols, number, &symbol))
		filter_catch_up(filter);
	else
		filter_give_up(filter, number);
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
	order_map_add(filter->orders, fg_field_load(row->order, message->data, order), instrument);
}

/* The order ends, or another order replaces it. */
static void learn_end(const struct fg_msg_filter *filter, const struct fg_message_type *row,
		      const struct fg_message *message, uint64_t *held)
{
	uint64_t instrument;

	if (held == NULL)
		return;
	instrument = *held;
	order_map_remove(filter->orders, held);
	if (has_field(message, row->new_order))
		order_map_add(filter->orders,
			      fg_field_load(row->new_order, message->data,
					    filter->protocol->header.order),
			      instrument);
}

static enum match match_order(const struct fg_msg_filter *filter, const uint64_t *held)
{
	if (held == NULL)
		return MATCH_UNMAPPED;
	return filter->orders->by_symbol ? match_short(filter, *held)
					 : filter_number(filter, *held);
}

/* Learn from a message, and match its instrument. @previous: the result of the message before. */
static enum match match_message(struct fg_msg_filter *filter, const struct filter_type *type,
				const struct fg_message *message, enum match previous)
{
	const struct fg_message_type *row = type->row;
	const bool checks_instrument = type->checks_instrument && !filter->any_instrument;
	enum match match = MATCH_YES;
	const uint8_t learn = filter->other_session ? 0 : type->learn;
	uint64_t *held = NULL;

	if (unlikely((learn & (LEARN_SYMBOL | LEARN_NAME)) != 0) &&
	    teaches_symbol(filter, type, message))
		learn_symbol(filter, row, message);
	if ((learn & LEARN_ADD) != 0)
		learn_order(filter, row, message);
	if (!filter->other_session &&
	    ((learn & LEARN_END) != 0 ||
	     (checks_instrument && row->instrument == FG_INSTRUMENT_ORDER)))
		held = find_order(filter, row, message);
	if (checks_instrument && row->instrument == FG_INSTRUMENT_ORDER)
		match = match_order(filter, held);
	else if (checks_instrument && row->instrument == FG_INSTRUMENT_PREVIOUS)
		match = previous;
	else if (checks_instrument)
		match = match_instruments(filter, row, message);
	if ((learn & LEARN_END) != 0)
		learn_end(filter, row, message, held);
	return match;
}

static inline void add_result(const struct fg_msg_filter *filter, enum match match,
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

/* @shape: the protocol, or a constant with the same walk. */
static __rte_always_inline void match_packet(const struct fg_protocol *shape,
					     struct fg_msg_filter *filter, const uint8_t *payload,
					     const struct fg_feed_packet *pkt,
					     struct fg_msg_filter_result *out)
{
	enum match previous = filter->any_instrument ? MATCH_YES : MATCH_UNMAPPED;
	struct fg_message message;
	struct fg_walk walk;

	memset(out, 0, sizeof(*out));
	fg_walk_begin(&walk, payload, pkt);
	while (walk_step(shape, filter->protocol->messages, &walk, &message)) {
		const struct filter_type *type = filter_type(filter, message.type);
		const enum match match = match_message(filter, type, &message, previous);

		add_result(filter, type->matched ? match : MATCH_NO, out);
		previous = match;
	}
	out->walk_end = walk.end_reason;
	if (walk.end_reason == FG_WALK_UNDECODABLE)
		add_result(filter, MATCH_UNMAPPED, out);
}

/* Nearly all packets of PITCH add or end orders: they are matched here. */
static __rte_noinline void match_pitch(struct fg_msg_filter *filter, const uint8_t *payload,
				       const struct fg_feed_packet *pkt,
				       struct fg_msg_filter_result *out)
{
	match_packet(&protocol_cboe_pitch, filter, payload, pkt, out);
}

void filter_match(struct fg_msg_filter *filter, const uint8_t *payload,
		  const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	if (filter->protocol->compiled == FG_COMPILED_cboe_pitch)
		match_pitch(filter, payload, pkt, out);
	else
		match_packet(filter->protocol, filter, payload, pkt, out);
}

/* The messages of a packet are not what it says: the result has only the reason. */
static __rte_noinline void refuse(enum fg_walk_end reason, struct fg_msg_filter_result *out)
{
	memset(out, 0, sizeof(*out));
	out->walk_end = (uint8_t)reason;
}

/* Whether a message's result depends on the order map, or the message is to be learned. */
static inline bool defers(struct fg_msg_filter *filter, const struct filter_type *type,
			  const struct fg_message *message)
{
	return filter_type_defers(filter, type) || teaches_symbol(filter, type, message);
}

void filter_match_unlearned(struct fg_msg_filter *filter, const uint8_t *payload,
			    const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	enum match previous = filter->any_instrument ? MATCH_YES : MATCH_UNMAPPED;
	struct fg_message message;
	struct fg_walk walk;

	memset(out, 0, sizeof(*out));
	fg_walk_begin(&walk, payload, pkt);
	while (fg_protocol_next(filter->protocol, &walk, &message)) {
		const struct filter_type *type = filter_type(filter, message.type);
		enum match match;

		out->deferred |= defers(filter, type, &message);
		if (out->deferred)
			continue;
		match = match_message(filter, type, &message, previous);
		add_result(filter, type->matched ? match : MATCH_NO, out);
		previous = match;
	}
	out->walk_end = walk.end_reason;
	if (walk.end_reason != FG_WALK_DONE && walk.end_reason != FG_WALK_UNDECODABLE)
		refuse(walk.end_reason, out);
	else if (!walk_checksum_holds(filter->protocol, filter->protocol, payload,
				      pkt->messages_end))
		refuse(FG_WALK_BAD_CHECKSUM, out);
	else if (walk.end_reason == FG_WALK_UNDECODABLE && !out->deferred)
		add_result(filter, MATCH_UNMAPPED, out);
}

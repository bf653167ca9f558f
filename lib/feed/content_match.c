/* SPDX-License-Identifier: MIT */
/*
 * Any framing, message by message. This is the definition of what is wanted;
 * content_hot.c has the same for two framings, and comes back here for what is odd.
 */
#include "content.h"

static inline enum verdict judge_short(const struct fg_content *content, uint64_t text)
{
	return text == 0 || symbols_has_short(&content->symbols, text) ? VERDICT_YES : VERDICT_NO;
}

static inline enum verdict judge_text(const struct fg_content *content, const uint8_t *at,
				      uint32_t bytes)
{
	struct symbol symbol;

	if (bytes <= SYMBOL_SHORT)
		return judge_short(content, symbol_short(at, bytes));
	if (!symbol_read(&symbol, at, bytes))
		return VERDICT_YES;
	return symbols_find(&content->symbols, &symbol) != IDS_NONE ? VERDICT_YES : VERDICT_NO;
}

/* Any of the instruments that the message names; none: it is of all. */
static enum verdict judge_named(const struct fg_content *content, const struct fg_message_type *row,
				const struct fg_message *message)
{
	const unsigned int order = content->framing->header.order;
	enum verdict verdict = VERDICT_NO;
	struct fg_instruments some;
	const uint8_t *at;

	fg_instruments_begin(content->framing, row, message, &some);
	if (some.malformed)
		verdict = VERDICT_UNDECIDED;
	else if (some.left == 0)
		return VERDICT_YES;
	while (fg_instruments_next(&some, &at)) {
		enum verdict one;

		if (row->instrument == FG_INSTRUMENT_TEXT) {
			one = judge_text(content, at, row->id.bytes);
		} else {
			uint64_t number = fg_number_load(at, row->id.bytes, order);

			one = content_number(content, number == row->no_number ? 0 : number);
		}
		if (one == VERDICT_YES)
			return VERDICT_YES;
		if (one == VERDICT_UNDECIDED)
			verdict = VERDICT_UNDECIDED;
	}
	return verdict;
}

static bool has_field(const struct fg_message *message, struct fg_field field)
{
	return field.bytes != 0 && message->len >= fg_field_end(field);
}

/* Where the instrument of the message's order is held, or NULL. */
static uint64_t *order_of(const struct fg_content *content, const struct fg_message_type *row,
			  const struct fg_message *message)
{
	struct fg_known *known = content->known;
	uint64_t *instrument;

	if (known == NULL || known->orders.ids == NULL || !has_field(message, row->order))
		return NULL;
	instrument = orders_find(&known->orders, fg_field_load(row->order, message->data,
							       content->framing->header.order));
	if (instrument == NULL)
		fg_counter_add(&known->counters[FG_KNOWN_orders_missed], 1);
	return instrument;
}

static void learn_name(const struct fg_content *content, const struct fg_message_type *row,
		       const struct fg_message *message)
{
	struct symbol symbol;
	uint64_t number;

	if (!has_field(message, row->id) || !has_field(message, row->symbol))
		return;
	number = fg_field_load(row->id, message->data, content->framing->header.order);
	if (number != 0 && number != row->no_number &&
	    symbol_read(&symbol, message->data + row->symbol.off, row->symbol.bytes))
		(void)known_name(content->known, number, &symbol);
}

static void learn_order(const struct fg_content *content, const struct fg_message_type *row,
			const struct fg_message *message)
{
	const unsigned int order = content->framing->header.order;
	uint64_t instrument;

	if (!has_field(message, row->id) || !has_field(message, row->order))
		return;
	if (row->instrument == FG_INSTRUMENT_TEXT)
		instrument = symbol_short(message->data + row->id.off, row->id.bytes);
	else
		instrument = fg_field_load(row->id, message->data, order);
	if (row->instrument == FG_INSTRUMENT_NUMBER && instrument == row->no_number)
		instrument = 0;
	orders_add(content->known, fg_field_load(row->order, message->data, order), instrument);
}

/* The order is gone, or has become another one. */
static void learn_end(const struct fg_content *content, const struct fg_message_type *row,
		      const struct fg_message *message, uint64_t *held)
{
	uint64_t instrument;

	if (held == NULL)
		return;
	instrument = *held;
	orders_remove(content->known, held);
	if (has_field(message, row->new_order))
		orders_add(content->known,
			   fg_field_load(row->new_order, message->data,
					 content->framing->header.order),
			   instrument);
}

static enum verdict judge_order(const struct fg_content *content, const uint64_t *held)
{
	if (held == NULL)
		return VERDICT_UNDECIDED;
	return content->known->texts ? judge_short(content, *held) : content_number(content, *held);
}

/* What the filter says of one message, whatever its type. @previous: of the one before. */
static enum verdict judge(struct fg_content *content, const struct action *action,
			  const struct fg_message *message, enum verdict previous)
{
	const struct fg_message_type *row = action->row;
	const bool judged = action->judged && !content->any_instrument;
	enum verdict verdict = VERDICT_YES;
	uint64_t *held = NULL;

	if (unlikely((action->learn & LEARN_NAME) != 0)) {
		learn_name(content, row, message);
		content_catch_up(content);
	}
	if ((action->learn & LEARN_ADD) != 0)
		learn_order(content, row, message);
	if ((action->learn & LEARN_END) != 0 || (judged && row->instrument == FG_INSTRUMENT_ORDER))
		held = order_of(content, row, message);
	if (judged && row->instrument == FG_INSTRUMENT_ORDER)
		verdict = judge_order(content, held);
	else if (judged && row->instrument == FG_INSTRUMENT_PREVIOUS)
		verdict = previous;
	else if (judged)
		verdict = judge_named(content, row, message);
	if ((action->learn & LEARN_END) != 0)
		learn_end(content, row, message, held);
	return verdict;
}

static inline void note(const struct fg_content *content, enum verdict verdict,
			struct fg_content_result *out)
{
	const bool undecided = verdict == VERDICT_UNDECIDED;
	const bool wanted = verdict == VERDICT_YES || (undecided && content->pass_undecided);

	if (out->n_messages < 64)
		out->mask |= (uint64_t)wanted << out->n_messages;
	out->n_messages++;
	out->n_wanted += wanted;
	out->n_undecided += undecided;
}

void content_match(struct fg_content *content, const uint8_t *payload,
		   const struct fg_feed_packet *pkt, struct fg_content_result *out)
{
	enum verdict previous = content->any_instrument ? VERDICT_YES : VERDICT_UNDECIDED;
	struct fg_message message;
	struct fg_walk walk;

	memset(out, 0, sizeof(*out));
	fg_walk_begin(&walk, payload, pkt);
	while (fg_framing_next(content->framing, &walk, &message)) {
		const struct action *action = content_action(content, message.type);
		const enum verdict verdict = judge(content, action, &message, previous);

		note(content, action->wanted ? verdict : VERDICT_NO, out);
		previous = verdict;
	}
	out->walk_end = walk.end_reason;
	if (walk.end_reason == FG_WALK_UNKNOWN)
		note(content, VERDICT_UNDECIDED, out);
}

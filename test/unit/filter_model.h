/* SPDX-License-Identifier: MIT */
/*
 * Which messages a subscription matches, in the simplest code: lists that are
 * searched from one end to the other. Tests compare message filters with it.
 */
#ifndef TEST_FILTER_MODEL_H
#define TEST_FILTER_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fg_msg_filter.h>
#include <fg_walk.h>

#define MODEL_LIST_MAX 64u
#define MODEL_MAP_MAX  8192u

enum model_match { MODEL_NO, MODEL_YES, MODEL_UNMAPPED };

struct model_text {
	uint8_t bytes[FG_SYMBOL_BYTES];
};

struct model {
	const struct fg_protocol *protocol;
	uint32_t types[MODEL_LIST_MAX], n_types;
	const char *instruments[MODEL_LIST_MAX];
	uint32_t n_instruments;
	bool any, pass, maps_symbols, maps_orders;
	/* The instruments, parsed. */
	uint64_t numbers[MODEL_LIST_MAX];
	struct model_text symbols[MODEL_LIST_MAX];
	uint32_t n_numbers, n_symbols;
	/* The maps. */
	struct {
		uint64_t number;
		struct model_text symbol;
	} names[MODEL_MAP_MAX];
	struct {
		uint64_t id, number;
		struct model_text text;
	} orders[MODEL_MAP_MAX];
	uint32_t n_names, n_orders;
};

static inline struct model_text model_trim(const uint8_t *at, uint32_t bytes)
{
	struct model_text text = {0};

	memcpy(text.bytes, at, bytes);
	while (bytes > 0 && (text.bytes[bytes - 1] == ' ' || text.bytes[bytes - 1] == 0))
		text.bytes[--bytes] = 0;
	return text;
}

static inline bool model_same(const struct model_text *a, const struct model_text *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool model_has_kind(const struct model *model, uint8_t kind)
{
	const struct fg_messages *messages = model->protocol->messages;

	for (uint32_t i = 0; i < messages->count; i++)
		if (messages->types[i].instrument == kind)
			return true;
	return messages->other.instrument == kind;
}

/* Parse the instruments: numbers where the protocol has numbers, else symbols. */
static inline void model_begin(struct model *model)
{
	const bool numbers = model_has_kind(model, FG_INSTRUMENT_NUMBER);

	for (uint32_t i = 0; i < model->n_instruments; i++) {
		const char *text = model->instruments[i];

		if (numbers && text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
			model->numbers[model->n_numbers++] = strtoull(text, NULL, 10);
			continue;
		}
		if (strncmp(text, "symbol:", 7) == 0)
			text += 7;
		model->symbols[model->n_symbols++] =
			model_trim((const uint8_t *)text, (uint32_t)strlen(text));
	}
}

static inline bool model_has_symbol(const struct model *model, const struct model_text *symbol)
{
	for (uint32_t i = 0; i < model->n_symbols; i++)
		if (model_same(&model->symbols[i], symbol))
			return true;
	return false;
}

/* Whether some symbol of the list has no number. */
static inline bool model_incomplete(const struct model *model)
{
	for (uint32_t i = 0; i < model->n_symbols; i++) {
		bool found = false;

		for (uint32_t j = 0; j < model->n_names; j++)
			found |= model_same(&model->symbols[i], &model->names[j].symbol);
		if (!found)
			return true;
	}
	return false;
}

static inline enum model_match model_number(const struct model *model, uint64_t number)
{
	if (number == 0)
		return MODEL_YES;
	for (uint32_t i = 0; i < model->n_numbers; i++)
		if (model->numbers[i] == number)
			return MODEL_YES;
	if (!model->maps_symbols)
		return MODEL_NO;
	for (uint32_t i = 0; i < model->n_names; i++)
		if (model->names[i].number == number)
			return model_has_symbol(model, &model->names[i].symbol) ? MODEL_YES
										: MODEL_NO;
	return model_incomplete(model) ? MODEL_UNMAPPED : MODEL_NO;
}

static inline enum model_match model_symbol(const struct model *model,
					    const struct model_text *text)
{
	const struct model_text none = {0};

	return model_same(text, &none) || model_has_symbol(model, text) ? MODEL_YES : MODEL_NO;
}

static inline bool model_has(const struct fg_message *message, struct fg_field field)
{
	return field.bytes != 0 && (uint32_t)field.off + field.bytes <= message->len;
}

static inline uint64_t model_load(const struct model *model, const struct fg_message *message,
				  struct fg_field field)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < field.bytes; i++) {
		const uint32_t place =
			model->protocol->header.order == FG_ORDER_BIG ? i : field.bytes - 1u - i;

		value = value << 8 | message->data[field.off + place];
	}
	return value;
}

static inline bool model_maps(const struct model *model, uint64_t number)
{
	for (uint32_t i = 0; i < model->n_names; i++)
		if (model->names[i].number == number)
			return true;
	return false;
}

static inline void model_add_symbol(struct model *model, uint64_t number, struct model_text symbol)
{
	const struct model_text none = {0};
	uint32_t i = 0;

	if (number == 0 || model_same(&symbol, &none))
		return;
	while (i < model->n_names && model->names[i].number != number)
		i++;
	if (i == MODEL_MAP_MAX)
		abort();
	model->names[i].number = number;
	model->names[i].symbol = symbol;
	model->n_names = i == model->n_names ? i + 1 : model->n_names;
}

static inline uint32_t model_order(const struct model *model, uint64_t id)
{
	uint32_t i = 0;

	while (i < model->n_orders && (id == 0 || model->orders[i].id != id))
		i++;
	return i;
}

static inline void model_add_order(struct model *model, uint64_t id, uint64_t number,
				   struct model_text text)
{
	const uint32_t i = model_order(model, id);

	if (id == 0)
		return;
	if (i == MODEL_MAP_MAX)
		abort();
	model->orders[i].id = id;
	model->orders[i].number = number;
	model->orders[i].text = text;
	model->n_orders = i == model->n_orders ? i + 1 : model->n_orders;
}

/* Learn from a message before it is matched. */
static inline void model_learn(struct model *model, const struct fg_message_type *row,
			       const struct fg_message *message)
{
	uint64_t number = 0;
	struct model_text text = {0};

	if (!model_has(message, row->id))
		return;
	if (row->instrument == FG_INSTRUMENT_TEXT)
		text = model_trim(message->data + row->id.off, row->id.bytes);
	else
		number = model_load(model, message, row->id);
	if (number == row->null_value)
		number = 0;
	/* A symbol beside the number counts where the number has none. */
	if (row->instrument == FG_INSTRUMENT_NUMBER && model->maps_symbols &&
	    model_has(message, row->symbol) && (row->maps_symbol || !model_maps(model, number)))
		model_add_symbol(model, number,
				 model_trim(message->data + row->symbol.off, row->symbol.bytes));
	if (row->adds_order && model->maps_orders && model_has(message, row->order))
		model_add_order(model, model_load(model, message, row->order), number, text);
}

static inline enum model_match model_instruments(const struct model *model,
						 const struct fg_message_type *row,
						 const struct fg_message *message)
{
	struct fg_instruments list;
	enum model_match result;
	const uint8_t *at;
	uint32_t yes = 0, unmapped = 0, count = 0;

	fg_instruments_begin(model->protocol, row, message, &list);
	for (; fg_instruments_next(&list, &at); count++) {
		const struct fg_message one = {.data = at, .len = row->id.bytes};
		const struct fg_field field = {.bytes = row->id.bytes};

		if (row->instrument == FG_INSTRUMENT_TEXT) {
			const struct model_text text = model_trim(at, row->id.bytes);

			result = model_symbol(model, &text);
		} else {
			const uint64_t number = model_load(model, &one, field);

			result = model_number(model, number == row->null_value ? 0 : number);
		}
		yes += result == MODEL_YES;
		unmapped += result == MODEL_UNMAPPED;
	}
	if (yes > 0 || (count == 0 && !list.malformed))
		return MODEL_YES;
	return unmapped > 0 || list.malformed ? MODEL_UNMAPPED : MODEL_NO;
}

/* Match a message's instrument, whatever its type. */
static inline enum model_match model_instrument(const struct model *model,
						const struct fg_message_type *row,
						const struct fg_message *message,
						enum model_match previous)
{
	uint32_t i = model->n_orders;

	if (model->any)
		return MODEL_YES;
	if (row->instrument == FG_INSTRUMENT_PREVIOUS)
		return previous;
	if (row->instrument != FG_INSTRUMENT_ORDER)
		return model_instruments(model, row, message);
	if (model->maps_orders && model_has(message, row->order))
		i = model_order(model, model_load(model, message, row->order));
	if (i == model->n_orders)
		return MODEL_UNMAPPED;
	return model_has_kind(model, FG_INSTRUMENT_TEXT)
		       ? model_symbol(model, &model->orders[i].text)
		       : model_number(model, model->orders[i].number);
}

/* Remove or replace the message's order after it was matched. */
static inline void model_end(struct model *model, const struct fg_message_type *row,
			     const struct fg_message *message)
{
	uint32_t i;

	if (!row->ends_order || !model->maps_orders || !model_has(message, row->order))
		return;
	i = model_order(model, model_load(model, message, row->order));
	if (i == model->n_orders)
		return;
	const uint64_t number = model->orders[i].number;
	const struct model_text text = model->orders[i].text;

	model->orders[i] = model->orders[--model->n_orders];
	if (model_has(message, row->new_order))
		model_add_order(model, model_load(model, message, row->new_order), number, text);
}

static inline void model_add_result(const struct model *model, enum model_match result,
				    struct fg_msg_filter_result *out)
{
	const bool matched = result == MODEL_YES || (result == MODEL_UNMAPPED && model->pass);

	if (out->n_messages < 64 && matched)
		out->mask |= UINT64_C(1) << out->n_messages;
	out->n_messages++;
	out->n_matched += matched;
	out->n_unmapped += result == MODEL_UNMAPPED;
}

static inline void model_match(struct model *model, const uint8_t *payload,
			       const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	enum model_match previous = model->any ? MODEL_YES : MODEL_UNMAPPED;
	struct fg_message message;
	struct fg_walk walk;

	memset(out, 0, sizeof(*out));
	out->walk_end = (uint8_t)fg_protocol_verify(model->protocol, payload, pkt);
	if (out->walk_end != FG_WALK_DONE && out->walk_end != FG_WALK_UNDECODABLE)
		return;
	fg_walk_begin(&walk, payload, pkt);
	while (fg_protocol_next(model->protocol, &walk, &message)) {
		const struct fg_message_type *row =
			fg_messages_get(model->protocol->messages, message.type);
		bool type = model->n_types == 0;

		for (uint32_t i = 0; i < model->n_types; i++)
			type |= model->types[i] == message.type;
		model_learn(model, row, &message);
		previous = model_instrument(model, row, &message, previous);
		model_add_result(model, type ? previous : MODEL_NO, out);
		model_end(model, row, &message);
	}
	if (walk.end_reason == FG_WALK_UNDECODABLE)
		model_add_result(model, MODEL_UNMAPPED, out);
}

static inline bool model_agrees(const struct fg_msg_filter_result *a,
				const struct fg_msg_filter_result *b)
{
	return a->mask == b->mask && a->n_messages == b->n_messages &&
	       a->n_matched == b->n_matched && a->n_unmapped == b->n_unmapped &&
	       a->walk_end == b->walk_end;
}

#endif /* TEST_FILTER_MODEL_H */

/* SPDX-License-Identifier: MIT */
/* The table of message types: those that the protocol describes, and those that are matched. */
#include "filter_types.h"

#include <errno.h>

#include "filter.h"

#define TYPES_MAX 65536u

static uint8_t learn_of(const struct fg_msg_filter *filter, const struct fg_message_type *row)
{
	const bool orders = filter->orders != NULL && filter->orders->ids != NULL;
	uint8_t learn = 0;

	if (row->symbol.bytes != 0 && filter->symbols != NULL && filter->symbols->capacity != 0 &&
	    row->instrument == FG_INSTRUMENT_NUMBER && row->group == 0)
		learn |= row->maps_symbol ? LEARN_SYMBOL : LEARN_NAME;
	if (row->adds_order && orders)
		learn |= LEARN_ADD;
	if (row->ends_order && orders)
		learn |= LEARN_END;
	return learn;
}

/* Whether some message has the instrument of the message before it. */
static bool has_previous(const struct fg_messages *messages)
{
	bool has = messages->other.instrument == FG_INSTRUMENT_PREVIOUS;

	for (uint32_t i = 0; i < messages->count; i++)
		has |= messages->types[i].instrument == FG_INSTRUMENT_PREVIOUS;
	return has;
}

static struct filter_type *slot_for(struct fg_msg_filter *filter, uint32_t type)
{
	const uint32_t mask = UINT32_MAX >> filter->types_shift;
	uint32_t i = filter_type_hash(filter, type);

	while (filter->types[i].used && filter->types[i].type != type)
		i = (i + 1) & mask;
	return &filter->types[i];
}

static struct filter_type make_type(const struct fg_msg_filter *filter,
				    const struct fg_msg_filter_conf *conf, uint32_t type,
				    const struct fg_message_type *row)
{
	return (struct filter_type){
		.type = type,
		.used = true,
		.matched = conf->n_types == 0,
		.checks_instrument = conf->n_types == 0 || has_previous(conf->protocol->messages),
		.learn = learn_of(filter, row),
		.row = row,
	};
}

int filter_types_build(struct fg_msg_filter *filter, const struct fg_msg_filter_conf *conf,
		       struct fg_error *error)
{
	const struct fg_messages *messages = conf->protocol->messages;
	/* At most a quarter full. */
	const uint64_t slots = rte_align64pow2(4 * ((uint64_t)messages->count + conf->n_types + 1));

	if (conf->n_types > TYPES_MAX)
		return fg_error_set(error, E2BIG, "%u types: at most %u", conf->n_types, TYPES_MAX);
	filter->types = filter_alloc(filter, slots * sizeof(*filter->types), conf->socket_id);
	if (filter->types == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for a filter's types");
	filter->types_shift = 32 - rte_log2_u32((uint32_t)slots);
	for (uint32_t i = 0; i < messages->count; i++)
		*slot_for(filter, messages->types[i].type) =
			make_type(filter, conf, messages->types[i].type, &messages->types[i]);
	filter->other = make_type(filter, conf, FG_TYPE_NONE, &messages->other);
	for (uint32_t i = 0; i < conf->n_types; i++) {
		struct filter_type *type = slot_for(filter, conf->types[i]);

		if (!type->used)
			*type = make_type(filter, conf, conf->types[i], &messages->other);
		filter->n_types += !type->matched;
		type->matched = true;
		type->checks_instrument = true;
	}
	return 0;
}

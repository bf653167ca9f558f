/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <rte_malloc.h>

#include "filter.h"

void *filter_alloc(struct fg_msg_filter *filter, size_t bytes, int socket_id)
{
	filter->bytes += bytes;
	return rte_zmalloc_socket(NULL, bytes, RTE_CACHE_LINE_SIZE, socket_id);
}

static bool knows_orders(const struct fg_known *known)
{
	return known != NULL && known->orders.ids != NULL;
}

/* What is to be learned of a type. */
static uint8_t learns(const struct fg_msg_filter_conf *conf, const struct fg_message_type *row)
{
	uint8_t learn = 0;

	if (row->maps_symbol && conf->known != NULL && conf->known->capacity != 0)
		learn |= LEARN_NAME;
	if (row->adds_order && knows_orders(conf->known))
		learn |= LEARN_ADD;
	if (row->ends_order && knows_orders(conf->known))
		learn |= LEARN_END;
	return learn;
}

static bool has_previous(const struct fg_messages *messages)
{
	bool has = messages->other.instrument == FG_INSTRUMENT_PREVIOUS;

	for (uint32_t i = 0; i < messages->count; i++)
		has |= messages->types[i].instrument == FG_INSTRUMENT_PREVIOUS;
	return has;
}

static struct action *place_for(struct fg_msg_filter *filter, uint32_t type)
{
	const uint32_t mask = UINT32_MAX >> filter->actions_shift;
	uint32_t i = type * 0x9e3779b1u >> filter->actions_shift;

	while (filter->actions[i].used && filter->actions[i].type != type)
		i = (i + 1) & mask;
	return &filter->actions[i];
}

static struct action action_of(const struct fg_msg_filter_conf *conf, uint32_t type,
			       const struct fg_message_type *row)
{
	return (struct action){
		.type = type,
		.used = true,
		.matched = conf->n_types == 0,
		.checks_instrument = conf->n_types == 0 || has_previous(conf->protocol->messages),
		.learn = learns(conf, row),
		.row = row,
	};
}

/* Every type that the protocol knows or that is matched; the table is a quarter full at most. */
static int compile_types(struct fg_msg_filter *filter, const struct fg_msg_filter_conf *conf,
			 struct fg_error *error)
{
	const struct fg_messages *messages = conf->protocol->messages;
	const uint64_t places =
		rte_align64pow2(4 * ((uint64_t)messages->count + conf->n_types + 1));

	if (conf->n_types > 65536)
		return fg_error_set(error, E2BIG, "%u types: at most 65536", conf->n_types);
	filter->actions = filter_alloc(filter, places * sizeof(*filter->actions), conf->socket_id);
	if (filter->actions == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for a filter's types");
	filter->actions_shift = 32 - rte_log2_u32((uint32_t)places);
	for (uint32_t i = 0; i < messages->count; i++)
		*place_for(filter, messages->types[i].type) =
			action_of(conf, messages->types[i].type, &messages->types[i]);
	filter->other = action_of(conf, FG_TYPE_NONE, &messages->other);
	for (uint32_t i = 0; i < conf->n_types; i++) {
		struct action *action = place_for(filter, conf->types[i]);

		if (!action->used)
			*action = action_of(conf, conf->types[i], &messages->other);
		filter->n_types += !action->matched;
		action->matched = true;
		action->checks_instrument = true;
	}
	return 0;
}

int fg_msg_filter_create(const struct fg_msg_filter_conf *conf, struct fg_msg_filter **out,
			 struct fg_error *error)
{
	struct fg_msg_filter *filter =
		rte_zmalloc_socket(NULL, sizeof(*filter), RTE_CACHE_LINE_SIZE, conf->socket_id);
	match_function *hot;
	int rc;

	if (filter == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for a filter");
	filter->bytes = sizeof(*filter);
	filter->protocol = conf->protocol;
	filter->known = conf->known;
	filter->any_instrument = conf->any_instrument;
	filter->pass_unmapped = conf->unmapped == FG_UNMAPPED_PASS;
	rc = compile_types(filter, conf, error);
	if (rc == 0)
		rc = filter_instruments(filter, conf, error);
	if (rc != 0) {
		fg_msg_filter_free(filter);
		return rc;
	}
	if (filter->known != NULL)
		filter_catch_up(filter);
	hot = filter_hot(filter);
	filter->match = hot != NULL ? hot : filter_match;
	*out = filter;
	return 0;
}

void fg_msg_filter_free(struct fg_msg_filter *filter)
{
	if (filter == NULL)
		return;
	symbols_free(&filter->symbols);
	ids_free(&filter->numbers);
	rte_free(filter->holders);
	rte_free(filter->resolved);
	rte_free(filter->direct);
	rte_free(filter->actions);
	rte_free(filter);
}

void fg_msg_filter_match(struct fg_msg_filter *filter, const uint8_t *payload,
			 const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	const struct fg_known *known = filter->known;

	if (known != NULL &&
	    unlikely(atomic_load_explicit(&known->count, memory_order_relaxed) != filter->seen))
		filter_catch_up(filter);
	filter->match(filter, payload, pkt, out);
}

void fg_msg_filter_info(const struct fg_msg_filter *filter, struct fg_msg_filter_info *out)
{
	out->n_types = filter->n_types;
	out->n_instruments = filter->n_instruments;
	out->n_unmapped_symbols =
		atomic_load_explicit(&filter->n_unmapped_symbols, memory_order_relaxed);
	out->learns = filter->other.learn != 0;
	for (uint32_t i = 0; i <= UINT32_MAX >> filter->actions_shift; i++)
		out->learns |= filter->actions[i].learn != 0;
	out->bytes = filter->bytes + ids_bytes(&filter->numbers) + ids_bytes(&filter->symbols.ids);
	if (filter->symbols.names != NULL)
		out->bytes += sizeof(struct symbol) * ids_places(&filter->symbols.ids);
}

/* SPDX-License-Identifier: MIT */
#include "content.h"

#include <errno.h>

#include <rte_malloc.h>

void *content_memory(struct fg_content *content, size_t bytes, int socket_id)
{
	content->bytes += bytes;
	return rte_zmalloc_socket(NULL, bytes, RTE_CACHE_LINE_SIZE, socket_id);
}

static bool knows_orders(const struct fg_known *known)
{
	return known != NULL && known->orders.ids != NULL;
}

/* What is to be learned of a type. */
static uint8_t learns(const struct fg_content_conf *conf, const struct fg_message_type *row)
{
	uint8_t learn = 0;

	if (row->directory && conf->known != NULL && conf->known->capacity != 0)
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

static struct action *place_for(struct fg_content *content, uint32_t type)
{
	const uint32_t mask = UINT32_MAX >> content->actions_shift;
	uint32_t i = type * 0x9e3779b1u >> content->actions_shift;

	while (content->actions[i].used && content->actions[i].type != type)
		i = (i + 1) & mask;
	return &content->actions[i];
}

static struct action action_of(const struct fg_content_conf *conf, uint32_t type,
			       const struct fg_message_type *row)
{
	return (struct action){
		.type = type,
		.used = true,
		.wanted = conf->n_types == 0,
		.judged = conf->n_types == 0 || has_previous(conf->framing->messages),
		.learn = learns(conf, row),
		.row = row,
	};
}

/* Every type that the framing knows or that is wanted; the table is a quarter full at most. */
static int compile_types(struct fg_content *content, const struct fg_content_conf *conf,
			 struct fg_error *error)
{
	const struct fg_messages *messages = conf->framing->messages;
	const uint64_t places =
		rte_align64pow2(4 * ((uint64_t)messages->count + conf->n_types + 1));

	if (conf->n_types > 65536)
		return fg_error_set(error, E2BIG, "%u types: at most 65536", conf->n_types);
	content->actions =
		content_memory(content, places * sizeof(*content->actions), conf->socket_id);
	if (content->actions == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for a filter's types");
	content->actions_shift = 32 - rte_log2_u32((uint32_t)places);
	for (uint32_t i = 0; i < messages->count; i++)
		*place_for(content, messages->types[i].type) =
			action_of(conf, messages->types[i].type, &messages->types[i]);
	content->other = action_of(conf, FG_TYPE_NONE, &messages->other);
	for (uint32_t i = 0; i < conf->n_types; i++) {
		struct action *action = place_for(content, conf->types[i]);

		if (!action->used)
			*action = action_of(conf, conf->types[i], &messages->other);
		content->n_types += !action->wanted;
		action->wanted = true;
		action->judged = true;
	}
	return 0;
}

int fg_content_create(const struct fg_content_conf *conf, struct fg_content **out,
		      struct fg_error *error)
{
	struct fg_content *content =
		rte_zmalloc_socket(NULL, sizeof(*content), RTE_CACHE_LINE_SIZE, conf->socket_id);
	match_function *hot;
	int rc;

	if (content == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for a filter");
	content->bytes = sizeof(*content);
	content->framing = conf->framing;
	content->known = conf->known;
	content->any_instrument = conf->any_instrument;
	content->pass_undecided = conf->unknown == FG_UNKNOWN_PASS;
	rc = compile_types(content, conf, error);
	if (rc == 0)
		rc = content_instruments(content, conf, error);
	if (rc != 0) {
		fg_content_free(content);
		return rc;
	}
	if (content->known != NULL)
		content_catch_up(content);
	hot = content_hot(content);
	content->match = hot != NULL ? hot : content_match;
	*out = content;
	return 0;
}

void fg_content_free(struct fg_content *content)
{
	if (content == NULL)
		return;
	symbols_free(&content->symbols);
	ids_free(&content->numbers);
	rte_free(content->holders);
	rte_free(content->resolved);
	rte_free(content->direct);
	rte_free(content->actions);
	rte_free(content);
}

void fg_content_match(struct fg_content *content, const uint8_t *payload,
		      const struct fg_feed_packet *pkt, struct fg_content_result *out)
{
	const struct fg_known *known = content->known;

	if (known != NULL &&
	    unlikely(atomic_load_explicit(&known->count, memory_order_relaxed) != content->seen))
		content_catch_up(content);
	content->match(content, payload, pkt, out);
}

void fg_content_info(const struct fg_content *content, struct fg_content_info *out)
{
	out->n_types = content->n_types;
	out->n_instruments = content->n_instruments;
	out->n_unresolved = atomic_load_explicit(&content->n_unresolved, memory_order_relaxed);
	out->learns = content->other.learn != 0;
	for (uint32_t i = 0; i <= UINT32_MAX >> content->actions_shift; i++)
		out->learns |= content->actions[i].learn != 0;
	out->bytes =
		content->bytes + ids_bytes(&content->numbers) + ids_bytes(&content->symbols.ids);
	if (content->symbols.names != NULL)
		out->bytes += sizeof(struct symbol) * ids_places(&content->symbols.ids);
}

/* SPDX-License-Identifier: MIT */
#include "known.h"

#include <errno.h>

#include <rte_malloc.h>

#define DIRECTORY_DEFAULT 65536u
#define ORDERS_MAX        (1u << 28)
#define RUN               8u /* lines of the index: a feed cannot make look-ups longer */

#define X(name, help) {#name, help},
static const struct {
	const char *name, *help;
} counter_rows[] = {FG_KNOWN_COUNTERS(X)};
#undef X

const char *fg_known_counter_name(enum fg_known_counter counter)
{
	return counter_rows[counter].name;
}

const char *fg_known_counter_help(enum fg_known_counter counter)
{
	return counter_rows[counter].help;
}

void fg_known_counters(const struct fg_known *known, uint64_t *out)
{
	for (unsigned int i = 0; i < FG_KNOWN_COUNT; i++)
		out[i] = fg_counter_read(&known->counters[i]);
}

/* What a set of messages asks of a feed's knowledge. */
struct needs {
	bool maps_symbol, orders, wide_numbers;
	bool adds_texts, adds_numbers;
	uint32_t longest_text; /* of those that orders hold */
};

static void look_at(const struct fg_message_type *row, struct needs *needs)
{
	needs->maps_symbol |= row->maps_symbol;
	needs->orders |= row->instrument == FG_INSTRUMENT_ORDER;
	needs->wide_numbers |= row->instrument == FG_INSTRUMENT_NUMBER && row->id.bytes > 2;
	if (!row->adds_order)
		return;
	needs->adds_numbers |= row->instrument == FG_INSTRUMENT_NUMBER;
	needs->adds_texts |= row->instrument == FG_INSTRUMENT_TEXT;
	if (row->instrument == FG_INSTRUMENT_TEXT)
		needs->longest_text = RTE_MAX(needs->longest_text, row->id.bytes);
}

static struct needs needs_of(const struct fg_protocol *protocol)
{
	const struct fg_messages *messages = protocol->messages;
	struct needs needs = {0};

	for (uint32_t i = 0; i < messages->count; i++)
		look_at(&messages->types[i], &needs);
	look_at(&messages->other, &needs);
	return needs;
}

static int conf_check(const struct fg_known_conf *conf, const struct needs *needs,
		      struct fg_error *error)
{
	if (conf->symbols_max > DIRECTORY_MAX)
		return fg_error_set(error, EINVAL, "symbols_max: %u is not a number from 0 to %u",
				    conf->symbols_max, DIRECTORY_MAX);
	if (conf->orders == 0)
		return 0;
	if (conf->orders < IDS_LANES || conf->orders > ORDERS_MAX ||
	    !rte_is_power_of_2(conf->orders))
		return fg_error_set(error, EINVAL, "orders: %u is not a power of two from %u to %u",
				    conf->orders, IDS_LANES, ORDERS_MAX);
	if (!needs->orders)
		return 0;
	if (needs->longest_text > SYMBOL_SHORT || (needs->adds_texts && needs->adds_numbers))
		return fg_error_set(
			error, EINVAL,
			"orders: a table holds numbers, or texts of %u bytes at most; the "
			"feed's messages give others",
			SYMBOL_SHORT);
	return 0;
}

static int orders_create(struct orders *orders, uint32_t count, int socket_id)
{
	const uint32_t lines = RTE_MAX(count / IDS_LANES, 1u);
	const size_t lanes = (size_t)lines * IDS_LANES;

	orders->ids =
		rte_zmalloc_socket(NULL, lanes * sizeof(uint64_t), RTE_CACHE_LINE_SIZE, socket_id);
	orders->instruments =
		rte_zmalloc_socket(NULL, lanes * sizeof(uint64_t), RTE_CACHE_LINE_SIZE, socket_id);
	orders->turns = rte_zmalloc_socket(NULL, lines, RTE_CACHE_LINE_SIZE, socket_id);
	orders->mask = lines - 1;
	return orders->ids == NULL || orders->instruments == NULL || orders->turns == NULL ? -ENOMEM
											   : 0;
}

static void orders_free(struct orders *orders)
{
	rte_free(orders->ids);
	rte_free(orders->instruments);
	rte_free(orders->turns);
}

static int take_memory(struct fg_known *known, const struct fg_known_conf *conf,
		       const struct needs *needs)
{
	if (known->capacity != 0) {
		if (!known->direct &&
		    ids_create(&known->numbers, 8, known->capacity, RUN, conf->socket_id) != 0)
			return -ENOMEM;
		known->log = rte_zmalloc_socket(NULL, sizeof(*known->log) * known->capacity,
						RTE_CACHE_LINE_SIZE, conf->socket_id);
		known->last = rte_zmalloc_socket(NULL, sizeof(*known->last) * known_places(known),
						 RTE_CACHE_LINE_SIZE, conf->socket_id);
		if (known->log == NULL || known->last == NULL)
			return -ENOMEM;
	}
	if (conf->orders != 0 && needs->orders)
		return orders_create(&known->orders, conf->orders, conf->socket_id);
	return 0;
}

int fg_known_create(const struct fg_known_conf *conf, struct fg_known **out, struct fg_error *error)
{
	const struct needs needs = needs_of(conf->protocol);
	struct fg_known *known;
	int rc = conf_check(conf, &needs, error);

	if (rc != 0)
		return rc;
	known = rte_zmalloc_socket(NULL, sizeof(*known), RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (known != NULL) {
		known->protocol = conf->protocol;
		known->direct = !needs.wide_numbers;
		known->texts = needs.adds_texts;
		known->capacity = conf->symbols_max;
		if (conf->symbols_max == 0 && needs.maps_symbol)
			known->capacity = DIRECTORY_DEFAULT;
	}
	if (known == NULL || take_memory(known, conf, &needs) != 0) {
		fg_known_free(known);
		return fg_error_set(error, ENOMEM,
				    "no DPDK memory for what a feed knows: fewer entries in its "
				    "directory, fewer orders, or more memory for EAL");
	}
	*out = known;
	return 0;
}

void fg_known_free(struct fg_known *known)
{
	if (known == NULL)
		return;
	orders_free(&known->orders);
	ids_free(&known->numbers);
	rte_free(known->last);
	rte_free(known->log);
	rte_free(known);
}

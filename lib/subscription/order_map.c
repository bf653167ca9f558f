/* SPDX-License-Identifier: MIT */
/*
 * The order map. An order goes into the emptier of two lines of eight, so the
 * table is nearly full before both are. Then the new order takes over a lane of
 * the line, each lane in turn, so mostly the oldest order goes.
 */
#include "order_map.h"

#include <errno.h>

#include <rte_malloc.h>

#include "number_line.h"
#include "symbol.h"

#define ORDERS_MAX  (1u << 28)
#define SWEEP_LINES 64u /* emptied with each use of the map, after fg_orders_clear() */

#define X(name, help) {#name, help},
static const struct {
	const char *name, *help;
} counter_rows[] = {FG_ORDERS_COUNTERS(X)};
#undef X

const char *fg_orders_counter_name(enum fg_orders_counter counter)
{
	return counter_rows[counter].name;
}

const char *fg_orders_counter_help(enum fg_orders_counter counter)
{
	return counter_rows[counter].help;
}

void fg_orders_counters(const struct fg_orders *orders, uint64_t *out)
{
	for (unsigned int i = 0; i < FG_ORDERS_COUNTER_COUNT; i++)
		out[i] = fg_counter_read(&orders->counters[i]);
}

/* How a protocol's messages use orders. */
struct usage {
	bool order_alone; /* some name an order and no instrument */
	bool adds_symbols, adds_numbers;
	uint32_t longest_symbol; /* of those that add an order, bytes */
};

static void read_row(const struct fg_message_type *row, struct usage *usage)
{
	usage->order_alone |= row->instrument == FG_INSTRUMENT_ORDER;
	if (!row->adds_order)
		return;
	usage->adds_numbers |= row->instrument == FG_INSTRUMENT_NUMBER;
	usage->adds_symbols |= row->instrument == FG_INSTRUMENT_TEXT;
	if (row->instrument == FG_INSTRUMENT_TEXT)
		usage->longest_symbol = RTE_MAX(usage->longest_symbol, row->id.bytes);
}

static struct usage usage_of(const struct fg_messages *messages)
{
	struct usage usage = {0};

	for (uint32_t i = 0; i < messages->count; i++)
		read_row(&messages->types[i], &usage);
	read_row(&messages->other, &usage);
	return usage;
}

static int conf_check(const struct fg_orders_conf *conf, const struct usage *usage,
		      struct fg_error *error)
{
	if (conf->orders_max == 0)
		return 0;
	if (conf->orders_max < NUMBER_LINE_LANES || conf->orders_max > ORDERS_MAX ||
	    !rte_is_power_of_2(conf->orders_max))
		return fg_error_set(error, EINVAL, "orders: %u is not a power of two from %u to %u",
				    conf->orders_max, NUMBER_LINE_LANES, ORDERS_MAX);
	if (!usage->order_alone)
		return 0;
	if (usage->longest_symbol > SYMBOL_SHORT || (usage->adds_symbols && usage->adds_numbers))
		return fg_error_set(
			error, EINVAL,
			"orders: an order map holds either numbers, or symbols of %u bytes at "
			"most; the feed's messages have others",
			SYMBOL_SHORT);
	return 0;
}

static int allocate(struct fg_orders *orders, uint32_t count, int socket_id)
{
	const uint32_t lines = RTE_MAX(count / NUMBER_LINE_LANES, 1u);
	const size_t lanes = (size_t)lines * NUMBER_LINE_LANES;

	orders->ids =
		rte_zmalloc_socket(NULL, lanes * sizeof(uint64_t), RTE_CACHE_LINE_SIZE, socket_id);
	orders->instruments =
		rte_zmalloc_socket(NULL, lanes * sizeof(uint64_t), RTE_CACHE_LINE_SIZE, socket_id);
	orders->next_lane = rte_zmalloc_socket(NULL, lines, RTE_CACHE_LINE_SIZE, socket_id);
	orders->clean = rte_zmalloc_socket(NULL, RTE_ALIGN_CEIL(lines, 64) / 8, RTE_CACHE_LINE_SIZE,
					   socket_id);
	orders->mask = lines - 1;
	return orders->ids == NULL || orders->instruments == NULL || orders->next_lane == NULL ||
			       orders->clean == NULL
		       ? -ENOMEM
		       : 0;
}

int fg_orders_create(const struct fg_orders_conf *conf, struct fg_orders **out,
		     struct fg_error *error)
{
	const struct usage usage = usage_of(conf->protocol->messages);
	struct fg_orders *orders;
	int rc = conf_check(conf, &usage, error);

	if (rc != 0)
		return rc;
	orders = rte_zmalloc_socket(NULL, sizeof(*orders), RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (orders != NULL) {
		orders->by_symbol = usage.adds_symbols;
		if (conf->orders_max != 0 && usage.order_alone)
			rc = allocate(orders, conf->orders_max, conf->socket_id);
	}
	if (orders == NULL || rc != 0) {
		fg_orders_free(orders);
		return fg_error_set(error, ENOMEM,
				    "no DPDK memory for an order map of %u orders: fewer orders, "
				    "or more memory for EAL",
				    conf->orders_max);
	}
	*out = orders;
	return 0;
}

void fg_orders_free(struct fg_orders *orders)
{
	if (orders == NULL)
		return;
	rte_free(orders->ids);
	rte_free(orders->instruments);
	rte_free(orders->next_lane);
	rte_free(orders->clean);
	rte_free(orders);
}

static inline uint64_t *ids_of(const struct fg_orders *orders, uint32_t line)
{
	return &orders->ids[(size_t)line * NUMBER_LINE_LANES];
}

static inline void empty_line(struct fg_orders *orders, uint32_t line)
{
	memset(ids_of(orders, line), 0, NUMBER_LINE_LANES * sizeof(uint64_t));
}

static inline bool is_clean(const struct fg_orders *orders, uint32_t line)
{
	return line < orders->swept || (orders->clean[line / 64] >> line % 64 & 1) != 0;
}

/* Empty the lines that are about to be used, and some more. */
static __rte_noinline void sweep(struct fg_orders *orders, const uint32_t line[2])
{
	for (unsigned int i = 0; i < 2; i++)
		if (!is_clean(orders, line[i])) {
			empty_line(orders, line[i]);
			orders->clean[line[i] / 64] |= UINT64_C(1) << line[i] % 64;
		}
	for (unsigned int i = 0; i < SWEEP_LINES && orders->swept <= orders->mask; i++) {
		if (!is_clean(orders, orders->swept))
			empty_line(orders, orders->swept);
		orders->swept++;
	}
	orders->sweeping = orders->swept <= orders->mask;
}

void fg_orders_clear(struct fg_orders *orders)
{
	const uint64_t count = fg_counter_read(&orders->counters[FG_ORDERS_orders]);

	if (count == 0)
		return;
	memset(orders->clean, 0, RTE_ALIGN_CEIL(orders->mask + 1, 64) / 8);
	orders->swept = 0;
	orders->sweeping = true;
	fg_counter_set(&orders->counters[FG_ORDERS_orders], 0);
	fg_counter_add(&orders->counters[FG_ORDERS_orders_cleared], count);
}

uint64_t *order_map_find(struct fg_orders *orders, uint64_t id)
{
	uint32_t line[2];

	if (id == 0)
		return NULL;
	order_map_lines(orders, id, line);
	if (unlikely(orders->sweeping))
		sweep(orders, line);
	for (unsigned int i = 0; i < RTE_DIM(line); i++) {
		const uint32_t lanes = number_line_compare(ids_of(orders, line[i]), id, 8);

		if (lanes != 0)
			return &orders->instruments[(size_t)line[i] * NUMBER_LINE_LANES +
						    (uint32_t)__builtin_ctz(lanes)];
	}
	return NULL;
}

/* The index for a new order: an empty lane of the emptier line, else the lane to evict. */
static size_t index_for(struct fg_orders *orders, const uint32_t line[2])
{
	const uint32_t empty[2] = {number_line_compare(ids_of(orders, line[0]), 0, 8),
				   number_line_compare(ids_of(orders, line[1]), 0, 8)};
	const unsigned int which = __builtin_popcount(empty[1]) > __builtin_popcount(empty[0]);
	uint8_t *next = &orders->next_lane[line[which]];
	uint32_t lane;

	if (empty[which] != 0) {
		lane = (uint32_t)__builtin_ctz(empty[which]);
		fg_counter_add(&orders->counters[FG_ORDERS_orders], 1);
	} else {
		lane = *next;
		*next = (uint8_t)((lane + 1) % NUMBER_LINE_LANES);
		fg_counter_add(&orders->counters[FG_ORDERS_orders_evicted], 1);
	}
	return (size_t)line[which] * NUMBER_LINE_LANES + lane;
}

void order_map_add(struct fg_orders *orders, uint64_t id, uint64_t instrument)
{
	uint64_t *held = order_map_find(orders, id);
	uint32_t line[2];
	size_t index;

	if (id == 0)
		return;
	if (held != NULL) {
		*held = instrument;
		return;
	}
	order_map_lines(orders, id, line);
	index = index_for(orders, line);
	orders->ids[index] = id;
	orders->instruments[index] = instrument;
}

void order_map_remove(struct fg_orders *orders, uint64_t *instrument)
{
	orders->ids[instrument - orders->instruments] = 0;
	fg_counter_add(&orders->counters[FG_ORDERS_orders], UINT64_MAX);
}

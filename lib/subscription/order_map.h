/* SPDX-License-Identifier: MIT */
/* The fields of struct fg_orders, and what the worker does with it. */
#ifndef SUBSCRIPTION_ORDER_MAP_H
#define SUBSCRIPTION_ORDER_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_prefetch.h>

#include <fg_orders.h>
#include <fg_stats.h>

#include "number_line.h"

/* Lines of eight order ids (number_line.h). An order is in one of two lines. */
struct fg_orders {
	uint64_t *ids;         /* NULL: the map has no table and stays empty */
	uint64_t *instruments; /* of the order at the same index: a number or a short symbol */
	uint8_t *next_lane;    /* by line: the lane whose order is evicted next */
	uint32_t mask;         /* lines - 1 */
	bool by_symbol;        /* instruments are short symbols, else numbers */
	bool sweeping;         /* some lines may still have orders of before fg_orders_clear() */
	uint32_t swept;        /* while sweeping: lines before this one have none, */
	uint64_t *clean;       /* nor have those whose bit is set */
	struct fg_counter counters[FG_ORDERS_COUNTER_COUNT];
};

/** The instrument of an order, in the map's memory; NULL: the order is not in the map. Hot. */
uint64_t *order_map_find(struct fg_orders *orders, uint64_t id);

/** Add an order, or change its instrument. Order 0 is never in the map. Hot. */
void order_map_add(struct fg_orders *orders, uint64_t id, uint64_t instrument);

/** Remove the order whose @p instrument order_map_find() gave. Hot. */
void order_map_remove(struct fg_orders *orders, uint64_t *instrument);

/* The two lines that an order may be in. */
static inline void order_map_lines(const struct fg_orders *orders, uint64_t id, uint32_t line[2])
{
	uint64_t hash = id * UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ hash >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
	line[0] = (uint32_t)hash & orders->mask;
	line[1] = (uint32_t)(hash >> 32) & orders->mask;
}

/** Prefetch what a lookup of an order reads, and what adding one writes, into L2. Hot. */
static inline void order_map_prefetch(const struct fg_orders *orders, uint64_t id)
{
	uint32_t line[2];

	order_map_lines(orders, id, line);
	for (unsigned int i = 0; i < 2; i++) {
		rte_prefetch1(orders->ids + (size_t)line[i] * NUMBER_LINE_LANES);
		rte_prefetch1(orders->instruments + (size_t)line[i] * NUMBER_LINE_LANES);
	}
}

#endif /* SUBSCRIPTION_ORDER_MAP_H */

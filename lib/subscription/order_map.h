/* SPDX-License-Identifier: MIT */
/* The fields of struct fg_orders, and what the worker does with it. */
#ifndef SUBSCRIPTION_ORDER_MAP_H
#define SUBSCRIPTION_ORDER_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_orders.h>
#include <fg_stats.h>

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

#endif /* SUBSCRIPTION_ORDER_MAP_H */

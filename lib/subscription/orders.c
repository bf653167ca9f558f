/* SPDX-License-Identifier: MIT */
/*
 * Which instrument an order is of. An order may stand in either of two lines of
 * eight, the emptier one when it comes; a table that is nearly full still finds
 * room. When both are full, lanes are taken over in turn, so the oldest goes
 * first by and large. An order of number 0 is never known.
 */
#include <errno.h>

#include <rte_malloc.h>

#include "known.h"

/* The two lines of an order. */
static inline void lines_of(const struct orders *orders, uint64_t id, uint32_t line[2])
{
	uint64_t hash = id * UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ hash >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
	line[0] = (uint32_t)hash & orders->mask;
	line[1] = (uint32_t)(hash >> 32) & orders->mask;
}

static inline uint64_t *ids_of(const struct orders *orders, uint32_t line)
{
	return &orders->ids[(size_t)line * IDS_LANES];
}

uint64_t *orders_find(const struct orders *orders, uint64_t id)
{
	uint32_t line[2];

	if (id == 0)
		return NULL;
	lines_of(orders, id, line);
	for (unsigned int i = 0; i < RTE_DIM(line); i++) {
		const uint32_t lanes = ids_compare(ids_of(orders, line[i]), id, 8);

		if (lanes != 0)
			return &orders->instruments[(size_t)line[i] * IDS_LANES +
						    (uint32_t)__builtin_ctz(lanes)];
	}
	return NULL;
}

/* A lane for a new order: an empty one of the emptier line, else the next in turn. */
static size_t lane_for(struct fg_known *known, const uint32_t line[2])
{
	struct orders *orders = &known->orders;
	const uint32_t empty[2] = {ids_compare(ids_of(orders, line[0]), 0, 8),
				   ids_compare(ids_of(orders, line[1]), 0, 8)};
	const unsigned int which = __builtin_popcount(empty[1]) > __builtin_popcount(empty[0]);
	uint8_t *turn = &orders->turns[line[which]];
	uint32_t lane;

	if (empty[which] != 0) {
		lane = (uint32_t)__builtin_ctz(empty[which]);
		fg_counter_add(&known->counters[FG_KNOWN_orders], 1);
	} else {
		lane = *turn;
		*turn = (uint8_t)((lane + 1) % IDS_LANES);
		fg_counter_add(&known->counters[FG_KNOWN_orders_evicted], 1);
	}
	return (size_t)line[which] * IDS_LANES + lane;
}

void orders_add(struct fg_known *known, uint64_t id, uint64_t instrument)
{
	uint64_t *held = orders_find(&known->orders, id);
	uint32_t line[2];
	size_t lane;

	if (id == 0)
		return;
	if (held != NULL) {
		*held = instrument;
		return;
	}
	lines_of(&known->orders, id, line);
	lane = lane_for(known, line);
	known->orders.ids[lane] = id;
	known->orders.instruments[lane] = instrument;
}

void orders_remove(struct fg_known *known, uint64_t *instrument)
{
	known->orders.ids[instrument - known->orders.instruments] = 0;
	fg_counter_add(&known->counters[FG_KNOWN_orders], UINT64_MAX);
}

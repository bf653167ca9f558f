/* SPDX-License-Identifier: MIT */
/*
 * What the parts of fg_known.h share, and what message filters read of it.
 *
 *   known.c         creation, counters
 *   known_load.c    the directory from a file
 *   directory.c     a number's symbol: the log and its index
 *   orders.c        an order's instrument
 */
#ifndef FEED_KNOWN_H
#define FEED_KNOWN_H

#include <stdatomic.h>

#include <fg_known.h>
#include <fg_stats.h>

#include "ids.h"
#include "symbol.h"

#define DIRECTORY_MAX (4u << 20)
#define NUMBERS       65536u /* of two bytes */

/* A number that was given a symbol. Never changed once `count` includes it. */
struct named {
	uint64_t number;
	uint32_t place;  /* of the number in `numbers`; where direct, the number itself */
	uint32_t before; /* the entry that named it before, plus 1; 0: none */
	struct symbol symbol;
};

/* Orders: lines of eight ids, and beside each its instrument. An order is in one of two lines. */
struct orders {
	uint64_t *ids; /* NULL: no table */
	uint64_t *instruments;
	uint8_t *turns; /* by line: the lane that is next to be forgotten */
	uint32_t mask;  /* lines - 1 */
};

struct fg_known {
	const struct fg_protocol *protocol;
	struct named *log;
	uint32_t *last;         /* by place: the number's last entry, plus 1; 0: none */
	struct ids numbers;     /* of more than two bytes that have symbols */
	uint32_t capacity;      /* of the log */
	_Atomic uint32_t count; /* entries; written by the worker */
	bool direct;            /* every number is of two bytes at most */
	_Atomic bool full;      /* some number may have a symbol that found no room */
	bool texts;             /* what orders hold are short texts, else numbers */
	struct orders orders;
	struct fg_counter counters[FG_KNOWN_COUNT];
};

/** Places that numbers may have. */
uint32_t known_places(const struct fg_known *known);

/** The place of @p number that has a symbol; else IDS_NONE. Hot. */
static __rte_always_inline uint32_t known_place(const struct fg_known *known, uint64_t number)
{
	if (!known->direct)
		return ids_find(&known->numbers, number);
	return number < NUMBERS && known->last[number] != 0 ? (uint32_t)number : IDS_NONE;
}

/**
 * Note that @p number, which is not 0, stands for @p symbol. Hot.
 * @return false: there is no room for it.
 */
bool known_name(struct fg_known *known, uint64_t number, const struct symbol *symbol);

/** Where the order's instrument is held; NULL: not known. Hot. */
uint64_t *orders_find(const struct orders *orders, uint64_t id);

/** Learn an order; the oldest of its line goes if there is no room. Hot. */
void orders_add(struct fg_known *known, uint64_t id, uint64_t instrument);

/** Forget the order that @p instrument, from orders_find(), is held for. Hot. */
void orders_remove(struct fg_known *known, uint64_t *instrument);

#endif /* FEED_KNOWN_H */

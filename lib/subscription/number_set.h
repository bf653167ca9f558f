/* SPDX-License-Identifier: MIT */
/*
 * A set of numbers for the hot path: a hash table of lines (number_line.h).
 * Each number has a slot, line * lanes + lane, which it keeps for as long as the
 * set lives: a caller may hold data by slot beside the set. Numbers are never
 * removed, and 0 is in no set.
 *
 * A number whose line is full goes into one of the next lines. `run` limits how
 * many lines a number may be away from its own, so a lookup is bounded.
 */
#ifndef SUBSCRIPTION_NUMBER_SET_H
#define SUBSCRIPTION_NUMBER_SET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "number_line.h"

#define NUMBER_SET_NONE UINT32_MAX /**< No slot. */

struct number_set {
	uint8_t *lines;
	uint64_t factor; /* of the hash, odd; chosen so that runs are short */
	uint32_t shift;  /* 64 - log2(lines) */
	uint32_t mask;   /* lines - 1 */
	uint32_t run;    /* lines that a lookup may read, at least 1 */
	uint32_t bytes;  /* of each number: 4 or 8 */
	uint32_t count;
	/*
	 * A small set that does not change has its numbers a second time: each in one of two slots,
	 * so that a lookup is two comparisons. Slot 0 holds 0, and so do empty ones. NULL: not so.
	 */
	uint64_t *pairs;
	uint64_t pair_factor;
	/* A slot's index is the product with the factor, shifted right; the second one masked. */
	uint32_t pair_shift, pair_shift2;
	uint64_t pair_mask; /* slots - 1 */
};

/**
 * Make an empty set with room for @p capacity numbers; the table is then half full.
 * @param run  How many lines number_set_add() may use for one number.
 * @return 0 or -ENOMEM. Free it with number_set_free().
 */
int number_set_create(struct number_set *set, uint32_t bytes, uint32_t capacity, uint32_t run,
		      int socket_id);

/**
 * Make a set of @p count numbers, none of them 0. It tries several hashes and
 * takes the one with the shortest run.
 * @return 0 or -ENOMEM.
 */
int number_set_build(struct number_set *set, uint32_t bytes, const uint64_t *numbers,
		     uint32_t count, int socket_id);

void number_set_free(struct number_set *set);

/** Bytes of memory that it takes. */
uint64_t number_set_bytes(const struct number_set *set);

/** Number of slots: every slot is below this. */
static inline uint32_t number_set_slots(const struct number_set *set)
{
	return (set->mask + 1) * (NUMBER_LINE_BYTES / set->bytes);
}

/** The first line of @p number. */
static __rte_always_inline uint32_t number_set_line(const struct number_set *set, uint64_t number)
{
	return (uint32_t)(number * set->factor >> set->shift);
}

static __rte_always_inline const uint8_t *number_set_line_at(const struct number_set *set,
							     uint32_t line)
{
	return set->lines + (size_t)line * NUMBER_LINE_BYTES;
}

/** The slot of @p number, which is not 0, in a set of eight bytes each, or NUMBER_SET_NONE. Hot. */
static inline uint32_t number_set_find(const struct number_set *set, uint64_t number)
{
	uint32_t at = number_set_line(set, number);

	for (uint32_t i = 0; i < set->run; i++, at = (at + 1) & set->mask) {
		const uint8_t *line = number_set_line_at(set, at);
		const uint32_t lanes = number_line_compare(line, number, 8);

		if (lanes != 0)
			return at * NUMBER_LINE_LANES + (uint32_t)__builtin_ctz(lanes);
		if (likely(!number_line_full(line, 8)))
			break;
	}
	return NUMBER_SET_NONE;
}

/** The two slots of a number in set->pairs. */
static __rte_always_inline uint64_t number_pair_first(const struct number_set *set, uint64_t number)
{
	return number * set->pair_factor >> set->pair_shift;
}

static __rte_always_inline uint64_t number_pair_second(const struct number_set *set,
						       uint64_t number)
{
	return number * set->pair_factor >> set->pair_shift2 & set->pair_mask;
}

/** Whether @p number, which is not 0, is in the set; @p bytes is set->bytes, a constant. Hot. */
static __rte_always_inline bool number_set_has_sized(const struct number_set *set, uint64_t number,
						     uint32_t bytes)
{
	const uint8_t *line;
	uint32_t at;
	bool has;

	if (likely(set->pairs != NULL))
		return ((uint32_t)(set->pairs[number_pair_first(set, number)] == number) |
			(uint32_t)(set->pairs[number_pair_second(set, number)] == number)) != 0;
	at = number_set_line(set, number);
	line = number_set_line_at(set, at);
	has = number_line_has(line, number, bytes);

	/*
	 * The only branch is one that is seldom taken. Whether the number is in
	 * the set cannot be predicted, so nothing branches on it alone.
	 */
	for (uint32_t i = 1; unlikely((!has & number_line_full(line, bytes)) != 0) && i < set->run;
	     i++) {
		at = (at + 1) & set->mask;
		line = number_set_line_at(set, at);
		has = number_line_has(line, number, bytes);
	}
	return has;
}

/** The same for a set of either size. A number that does not fit is not in the set. */
static inline bool number_set_has(const struct number_set *set, uint64_t number)
{
	if (set->bytes == 8)
		return number_set_has_sized(set, number, 8);
	return number <= UINT32_MAX && number_set_has_sized(set, number, 4);
}

/**
 * Add @p number, which is not 0, unless it is in the set. Hot.
 * @return its slot, or NUMBER_SET_NONE: no room within a run.
 */
uint32_t number_set_add(struct number_set *set, uint64_t number);

#endif /* SUBSCRIPTION_NUMBER_SET_H */

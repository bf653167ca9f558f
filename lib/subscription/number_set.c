/* SPDX-License-Identifier: MIT */
#include "number_set.h"

#include <errno.h>

#include <rte_malloc.h>

#define TRIES    32u
#define RUN_GOOD 4u /* a hash with a run as short as this needs no further try */
#define RUN_MAX  64u

#define PAIRS_MAX  1024u /* numbers of a set that has pairs */
#define PAIRS_MIN  256u  /* slots */
#define PAIR_MOVES 64u   /* of numbers to their other slot, to make room for one */

/* The odd factor of try @try: every bit of a number changes upper bits of the product. */
static uint64_t factor_of(unsigned int try)
{
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15) * (try + 1);

	if (try == 0)
		return x;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) | 1;
}

int number_set_create(struct number_set *set, uint32_t bytes, uint32_t capacity, uint32_t run,
		      int socket_id)
{
	uint32_t lines = rte_align32pow2(RTE_MAX(capacity / (NUMBER_LINE_BYTES / bytes / 2), 2u));

	memset(set, 0, sizeof(*set));
	set->lines = rte_zmalloc_socket(NULL, (size_t)lines * NUMBER_LINE_BYTES,
					RTE_CACHE_LINE_SIZE, socket_id);
	if (set->lines == NULL)
		return -ENOMEM;
	set->factor = factor_of(0);
	set->shift = 64 - rte_log2_u32(lines);
	set->mask = lines - 1;
	set->run = run;
	set->bytes = bytes;
	return 0;
}

void number_set_free(struct number_set *set)
{
	rte_free(set->lines);
	rte_free(set->pairs);
	set->lines = NULL;
	set->pairs = NULL;
}

static uint64_t lines_bytes(const struct number_set *set)
{
	return ((uint64_t)set->mask + 1) * NUMBER_LINE_BYTES;
}

uint64_t number_set_bytes(const struct number_set *set)
{
	const uint64_t pairs = set->pairs != NULL ? 8 * (set->pair_mask + 1) : 0;

	return set->lines == NULL ? 0 : lines_bytes(set) + pairs;
}

static __rte_always_inline uint32_t add_sized(struct number_set *set, uint64_t number,
					      uint32_t bytes)
{
	uint32_t at = number_set_line(set, number);

	for (uint32_t i = 0; i < set->run; i++, at = (at + 1) & set->mask) {
		uint8_t *line = set->lines + (size_t)at * NUMBER_LINE_BYTES;
		const uint32_t lanes = number_line_compare(line, number, bytes);
		const uint32_t empty = number_line_compare(line, 0, bytes);
		const uint32_t lane =
			(uint32_t)__builtin_ctz(lanes != 0 ? lanes : empty | 1u << 31);

		if (lanes == 0 && empty == 0)
			continue;
		if (lanes == 0) {
			if (bytes == 8)
				((uint64_t *)line)[lane] = number;
			else
				((uint32_t *)line)[lane] = (uint32_t)number;
			set->count++;
		}
		return at * (NUMBER_LINE_BYTES / bytes) + lane;
	}
	return NUMBER_SET_NONE;
}

uint32_t number_set_add(struct number_set *set, uint64_t number)
{
	return set->bytes == 8 ? add_sized(set, number, 8) : add_sized(set, number, 4);
}

/* Lines that a lookup of the number in @slot reads. */
static uint32_t run_of(const struct number_set *set, uint64_t number, uint32_t slot)
{
	const uint32_t line = slot / (NUMBER_LINE_BYTES / set->bytes);

	return ((line - number_set_line(set, number)) & set->mask) + 1;
}

/* Empty the set and fill it with another factor. @return the longest run; 0: over RUN_MAX. */
static uint32_t fill(struct number_set *set, const uint64_t *numbers, uint32_t count,
		     uint64_t factor)
{
	uint32_t longest = 1;

	memset(set->lines, 0, lines_bytes(set));
	set->factor = factor;
	set->run = RTE_MIN(RUN_MAX, set->mask + 1);
	set->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t slot = number_set_add(set, numbers[i]);

		if (slot == NUMBER_SET_NONE)
			return 0;
		longest = RTE_MAX(longest, run_of(set, numbers[i], slot));
	}
	return longest;
}

/* Put a number into one of its slots; what is in both of them moves on. Slot 0 stays empty. */
static bool put_pair(struct number_set *set, uint64_t number)
{
	uint64_t from = 0;

	for (uint32_t i = 0; i < PAIR_MOVES; i++) {
		const uint64_t first = number_pair_first(set, number);
		const uint64_t second = number_pair_second(set, number);
		const bool free = first != 0 && set->pairs[first] == 0;
		const uint64_t at = free || (first != 0 && first != from &&
					     (second == 0 || set->pairs[second] != 0))
					    ? first
					    : second;
		const uint64_t moved = set->pairs[at];

		if (at == 0)
			return false;
		set->pairs[at] = number;
		if (moved == 0)
			return true;
		number = moved;
		from = at;
	}
	return false;
}

/* Pairs of a set that has its lines; without them if no factor separates the numbers. */
static int build_pairs(struct number_set *set, const uint64_t *numbers, uint32_t count,
		       int socket_id)
{
	const uint32_t slots = rte_align32pow2(RTE_MAX(4 * count, PAIRS_MIN));

	set->pairs = rte_malloc_socket(NULL, slots * sizeof(*set->pairs), RTE_CACHE_LINE_SIZE,
				       socket_id);
	if (set->pairs == NULL)
		return -ENOMEM;
	set->pair_shift = 64 - rte_log2_u32(slots);
	set->pair_shift2 = 64 - 2 * rte_log2_u32(slots);
	set->pair_mask = slots - 1;
	for (unsigned int i = 0; i < TRIES; i++) {
		uint32_t n = 0;

		memset(set->pairs, 0, slots * sizeof(*set->pairs));
		set->pair_factor = factor_of(i);
		while (n < count && put_pair(set, numbers[n]))
			n++;
		if (n == count)
			return 0;
	}
	rte_free(set->pairs);
	set->pairs = NULL;
	return 0;
}

int number_set_build(struct number_set *set, uint32_t bytes, const uint64_t *numbers,
		     uint32_t count, int socket_id)
{
	uint32_t shortest = UINT32_MAX, run;
	unsigned int best = 0;

	if (number_set_create(set, bytes, count, 1, socket_id) != 0)
		return -ENOMEM;
	for (unsigned int i = 0; i < TRIES && shortest > RUN_GOOD; i++) {
		run = fill(set, numbers, count, factor_of(i));
		if (run == 0 || run >= shortest)
			continue;
		shortest = run;
		best = i;
	}
	if (shortest == UINT32_MAX) {
		number_set_free(set);
		return -ENOMEM;
	}
	set->run = fill(set, numbers, count, factor_of(best));
	if (count > PAIRS_MAX || build_pairs(set, numbers, count, socket_id) == 0)
		return 0;
	number_set_free(set);
	return -ENOMEM;
}

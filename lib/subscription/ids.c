/* SPDX-License-Identifier: MIT */
#include "ids.h"

#include <errno.h>

#include <rte_malloc.h>

#define TRIES    32u
#define RUN_GOOD 4u
#define RUN_MAX  64u

/* Odd, and every bit of a number reaches the upper ones of the product. */
static uint64_t factor_of(unsigned int try)
{
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15) * (try + 1);

	if (try == 0)
		return x;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) | 1;
}

int ids_create(struct ids *ids, uint32_t bytes, uint32_t capacity, uint32_t run, int socket_id)
{
	uint32_t lines = rte_align32pow2(RTE_MAX(capacity / (IDS_LINE / bytes / 2), 2u));

	memset(ids, 0, sizeof(*ids));
	ids->lines =
		rte_zmalloc_socket(NULL, (size_t)lines * IDS_LINE, RTE_CACHE_LINE_SIZE, socket_id);
	if (ids->lines == NULL)
		return -ENOMEM;
	ids->factor = factor_of(0);
	ids->shift = 64 - rte_log2_u32(lines);
	ids->mask = lines - 1;
	ids->run = run;
	ids->bytes = bytes;
	return 0;
}

void ids_free(struct ids *ids)
{
	rte_free(ids->lines);
	ids->lines = NULL;
}

uint64_t ids_bytes(const struct ids *ids)
{
	return ids->lines == NULL ? 0 : ((uint64_t)ids->mask + 1) * IDS_LINE;
}

static __rte_always_inline uint32_t add_of(struct ids *ids, uint64_t number, uint32_t bytes)
{
	uint32_t at = ids_line(ids, number);

	for (uint32_t i = 0; i < ids->run; i++, at = (at + 1) & ids->mask) {
		uint8_t *line = ids->lines + (size_t)at * IDS_LINE;
		const uint32_t lanes = ids_compare(line, number, bytes);
		const uint32_t empty = ids_compare(line, 0, bytes);
		const uint32_t lane =
			(uint32_t)__builtin_ctz(lanes != 0 ? lanes : empty | 1u << 31);

		if (lanes == 0 && empty == 0)
			continue;
		if (lanes == 0) {
			if (bytes == 8)
				((uint64_t *)line)[lane] = number;
			else
				((uint32_t *)line)[lane] = (uint32_t)number;
			ids->count++;
		}
		return at * (IDS_LINE / bytes) + lane;
	}
	return IDS_NONE;
}

uint32_t ids_add(struct ids *ids, uint64_t number)
{
	return ids->bytes == 8 ? add_of(ids, number, 8) : add_of(ids, number, 4);
}

/* Lines that a look-up of the number at @place looks at. */
static uint32_t run_of(const struct ids *ids, uint64_t number, uint32_t place)
{
	const uint32_t line = place / (IDS_LINE / ids->bytes);

	return ((line - ids_line(ids, number)) & ids->mask) + 1;
}

/* Fill it anew with another factor. @return the longest run; 0: over RUN_MAX. */
static uint32_t fill(struct ids *ids, const uint64_t *numbers, uint32_t count, uint64_t factor)
{
	uint32_t longest = 1;

	memset(ids->lines, 0, ids_bytes(ids));
	ids->factor = factor;
	ids->run = RTE_MIN(RUN_MAX, ids->mask + 1);
	ids->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t place = ids_add(ids, numbers[i]);

		if (place == IDS_NONE)
			return 0;
		longest = RTE_MAX(longest, run_of(ids, numbers[i], place));
	}
	return longest;
}

int ids_build(struct ids *ids, uint32_t bytes, const uint64_t *numbers, uint32_t count,
	      int socket_id)
{
	uint32_t best = UINT32_MAX, longest;
	unsigned int with = 0;

	if (ids_create(ids, bytes, count, 1, socket_id) != 0)
		return -ENOMEM;
	for (unsigned int i = 0; i < TRIES && best > RUN_GOOD; i++) {
		longest = fill(ids, numbers, count, factor_of(i));
		if (longest == 0 || longest >= best)
			continue;
		best = longest;
		with = i;
	}
	if (best == UINT32_MAX) {
		ids_free(ids);
		return -ENOMEM;
	}
	ids->run = fill(ids, numbers, count, factor_of(with));
	return 0;
}

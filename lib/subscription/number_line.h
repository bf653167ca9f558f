/* SPDX-License-Identifier: MIT */
/*
 * A cache line of numbers, compared with one number all at once: eight numbers
 * of eight bytes, or sixteen of four. A lane that holds 0 is empty.
 */
#ifndef SUBSCRIPTION_NUMBER_LINE_H
#define SUBSCRIPTION_NUMBER_LINE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_common.h>
#include <rte_vect.h>

#define NUMBER_LINE_BYTES 64u
#define NUMBER_LINE_LANES (NUMBER_LINE_BYTES / 8) /**< Of eight bytes each. */

static_assert(NUMBER_LINE_BYTES == RTE_CACHE_LINE_MIN_SIZE, "a line of numbers is a cache line");

/** Bit i is set if lane i of @p line holds @p number. @p bytes of a lane: 4 or 8, a constant. */
static __rte_always_inline uint32_t number_line_compare(const void *line, uint64_t number,
							uint32_t bytes)
{
#if defined(__SSE4_1__)
	const __m128i *at = line;

	if (bytes == 8) {
		const __m128i all = _mm_set1_epi64x((long long)number);
		const __m128i a =
			_mm_packs_epi32(_mm_cmpeq_epi64(at[0], all), _mm_cmpeq_epi64(at[1], all));
		const __m128i b =
			_mm_packs_epi32(_mm_cmpeq_epi64(at[2], all), _mm_cmpeq_epi64(at[3], all));

		return (uint32_t)_mm_movemask_epi8(
			_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_setzero_si128()));
	} else {
		const __m128i all = _mm_set1_epi32((int)number);
		const __m128i a =
			_mm_packs_epi32(_mm_cmpeq_epi32(at[0], all), _mm_cmpeq_epi32(at[1], all));
		const __m128i b =
			_mm_packs_epi32(_mm_cmpeq_epi32(at[2], all), _mm_cmpeq_epi32(at[3], all));

		return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
	}
#else
	uint32_t lanes = 0;

	for (uint32_t i = 0; i < NUMBER_LINE_BYTES / bytes; i++)
		lanes |= (uint32_t)(bytes == 8 ? ((const uint64_t *)line)[i] == number
					       : ((const uint32_t *)line)[i] == (uint32_t)number)
			 << i;
	return lanes;
#endif
}

/** Whether any lane of @p line holds @p number. */
static __rte_always_inline bool number_line_has(const void *line, uint64_t number, uint32_t bytes)
{
#if defined(__SSE4_1__)
	const __m128i *at = line;
	__m128i all, low, high;

	if (bytes == 8) {
		all = _mm_set1_epi64x((long long)number);
		low = _mm_or_si128(_mm_cmpeq_epi64(at[0], all), _mm_cmpeq_epi64(at[1], all));
		high = _mm_or_si128(_mm_cmpeq_epi64(at[2], all), _mm_cmpeq_epi64(at[3], all));
	} else {
		all = _mm_set1_epi32((int)number);
		low = _mm_or_si128(_mm_cmpeq_epi32(at[0], all), _mm_cmpeq_epi32(at[1], all));
		high = _mm_or_si128(_mm_cmpeq_epi32(at[2], all), _mm_cmpeq_epi32(at[3], all));
	}
	return _mm_movemask_epi8(_mm_or_si128(low, high)) != 0;
#else
	return number_line_compare(line, number, bytes) != 0;
#endif
}

/** Whether the last lane is in use. In a line that fills from its first lane on: it is full. */
static __rte_always_inline bool number_line_full(const uint8_t *line, uint32_t bytes)
{
	uint32_t last;

	/* Either half of a number of eight bytes may be 0. */
	if (bytes == 8)
		return *(const uint64_t *)(line + NUMBER_LINE_BYTES - 8) != 0;
	memcpy(&last, line + NUMBER_LINE_BYTES - 4, sizeof(last));
	return last != 0;
}

#endif /* SUBSCRIPTION_NUMBER_LINE_H */

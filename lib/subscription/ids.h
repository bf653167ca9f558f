/* SPDX-License-Identifier: MIT */
/*
 * A set of numbers for the hot path, short texts among them: lines of eight
 * numbers of eight bytes, or sixteen of four, a cache line each, compared at once. A number has its
 * place, line * lanes + lane, for as long as it is in the set; 0 is in no set.
 *
 * A line that is full goes on in the next one. How far is known (`run`), so a
 * look-up is bounded whatever is looked up.
 */
#ifndef FEED_IDS_H
#define FEED_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_vect.h>

#define IDS_LINE  64u /* bytes */
#define IDS_LANES (IDS_LINE / 8)
#define IDS_NONE  UINT32_MAX

struct ids {
	uint8_t *lines;
	uint64_t factor; /* odd: chosen so that runs stay short */
	uint32_t shift;  /* 64 - bits of a line's number */
	uint32_t mask;   /* lines - 1 */
	uint32_t run;    /* lines that a look-up may need, at least 1 */
	uint32_t bytes;  /* of a number: 4 or 8 */
	uint32_t count;
};

/**
 * Take memory for @p capacity numbers, about half filled then.
 * @param run  Longest run that ids_add() may make.
 * @return 0 or -ENOMEM.
 */
int ids_create(struct ids *ids, uint32_t bytes, uint32_t capacity, uint32_t run, int socket_id);

/** The same with @p count numbers in it, none of them 0; the shortest run of a few tries. */
int ids_build(struct ids *ids, uint32_t bytes, const uint64_t *numbers, uint32_t count,
	      int socket_id);

void ids_free(struct ids *ids);

/** Bytes taken. */
uint64_t ids_bytes(const struct ids *ids);

/** Places: all are below this. */
static inline uint32_t ids_places(const struct ids *ids)
{
	return (ids->mask + 1) * (IDS_LINE / ids->bytes);
}

/** The line that @p number begins at. */
static __rte_always_inline uint32_t ids_line(const struct ids *ids, uint64_t number)
{
	return (uint32_t)(number * ids->factor >> ids->shift);
}

static __rte_always_inline const uint8_t *ids_at(const struct ids *ids, uint32_t line)
{
	return ids->lines + (size_t)line * IDS_LINE;
}

/** Bit i: lane i of @p line, of 64 bytes, is @p number. */
static __rte_always_inline uint32_t ids_compare(const void *line, uint64_t number, uint32_t bytes)
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

	for (uint32_t i = 0; i < IDS_LINE / bytes; i++)
		lanes |= (uint32_t)(bytes == 8 ? ((const uint64_t *)line)[i] == number
					       : ((const uint32_t *)line)[i] == (uint32_t)number)
			 << i;
	return lanes;
#endif
}

/** Whether any lane is. */
static __rte_always_inline bool ids_in(const void *line, uint64_t number, uint32_t bytes)
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
	return ids_compare(line, number, bytes) != 0;
#endif
}

/** Whether a run goes on behind @p line. Lanes fill in order and are never emptied. */
static __rte_always_inline bool ids_full(const uint8_t *line, uint32_t bytes)
{
	uint32_t last;

	/* Of eight bytes either half may be 0. */
	if (bytes == 8)
		return *(const uint64_t *)(line + IDS_LINE - 8) != 0;
	memcpy(&last, line + IDS_LINE - 4, sizeof(last));
	return last != 0;
}

static __rte_always_inline uint32_t ids_find_of(const struct ids *ids, uint64_t number,
						uint32_t bytes)
{
	uint32_t at = ids_line(ids, number);

	for (uint32_t i = 0; i < ids->run; i++, at = (at + 1) & ids->mask) {
		const uint8_t *line = ids_at(ids, at);
		const uint32_t lanes = ids_compare(line, number, bytes);

		if (lanes != 0)
			return at * (IDS_LINE / bytes) + (uint32_t)__builtin_ctz(lanes);
		if (likely(!ids_full(line, bytes)))
			break;
	}
	return IDS_NONE;
}

/** The place of @p number, which is not 0, in a set of eight bytes each; or IDS_NONE. Hot. */
static inline uint32_t ids_find(const struct ids *ids, uint64_t number)
{
	return ids_find_of(ids, number, 8);
}

/** Whether @p number, which is not 0, is in the set of so many bytes each. Hot. */
static __rte_always_inline bool ids_has_of(const struct ids *ids, uint64_t number, uint32_t bytes)
{
	uint32_t at = ids_line(ids, number);
	const uint8_t *line = ids_at(ids, at);
	bool has = ids_in(line, number, bytes);

	/* One branch, and a seldom one: whether it has it is anybody's guess. */
	for (uint32_t i = 1; unlikely((!has & ids_full(line, bytes)) != 0) && i < ids->run; i++) {
		at = (at + 1) & ids->mask;
		line = ids_at(ids, at);
		has = ids_in(line, number, bytes);
	}
	return has;
}

/** The same, of either. A number that does not fit is in no set. */
static inline bool ids_has(const struct ids *ids, uint64_t number)
{
	if (ids->bytes == 8)
		return ids_has_of(ids, number, 8);
	return number <= UINT32_MAX && ids_has_of(ids, number, 4);
}

/**
 * Add @p number, which is not 0, unless it is there. Hot.
 * @return its place, or IDS_NONE: no room within a run.
 */
uint32_t ids_add(struct ids *ids, uint64_t number);

#endif /* FEED_IDS_H */

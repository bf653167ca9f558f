/* SPDX-License-Identifier: MIT */
/*
 * A set of numbers for the hot path, short texts among them: lines of eight,
 * a cache line each, compared at once. A number has its place, line * 8 + lane,
 * for as long as it is in the set; 0 is in no set.
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

#define IDS_LANES 8u
#define IDS_NONE  UINT32_MAX

struct ids {
	uint64_t *lines;
	uint64_t factor; /* odd: chosen so that runs stay short */
	uint32_t shift;  /* 64 - bits of a line's number */
	uint32_t mask;   /* lines - 1 */
	uint32_t run;    /* lines that a look-up may need, at least 1 */
	uint32_t count;
};

/**
 * Take memory for @p capacity numbers, about half filled then.
 * @param run  Longest run that ids_add() may make.
 * @return 0 or -ENOMEM.
 */
int ids_create(struct ids *ids, uint32_t capacity, uint32_t run, int socket_id);

/** The same with @p count numbers in it, none of them 0; the shortest run of a few tries. */
int ids_build(struct ids *ids, const uint64_t *numbers, uint32_t count, int socket_id);

void ids_free(struct ids *ids);

/** Bytes taken. */
uint64_t ids_bytes(const struct ids *ids);

/** Places: all are below this. */
static inline uint32_t ids_places(const struct ids *ids)
{
	return (ids->mask + 1) * IDS_LANES;
}

/** The line that @p number begins at. */
static __rte_always_inline uint32_t ids_line(const struct ids *ids, uint64_t number)
{
	return (uint32_t)(number * ids->factor >> ids->shift);
}

/** Bit i: lane i of @p line is @p number. */
static __rte_always_inline uint32_t ids_compare(const uint64_t *line, uint64_t number)
{
#if defined(__AVX512F__)
	return _mm512_cmpeq_epi64_mask(_mm512_load_si512(line),
				       _mm512_set1_epi64((long long)number));
#elif defined(__SSE4_1__)
	const __m128i all = _mm_set1_epi64x((long long)number);
	const __m128i *at = (const __m128i *)line;
	const __m128i a = _mm_packs_epi32(_mm_cmpeq_epi64(at[0], all), _mm_cmpeq_epi64(at[1], all));
	const __m128i b = _mm_packs_epi32(_mm_cmpeq_epi64(at[2], all), _mm_cmpeq_epi64(at[3], all));

	return (uint32_t)_mm_movemask_epi8(
		_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_setzero_si128()));
#else
	uint32_t lanes = 0;

	for (uint32_t i = 0; i < IDS_LANES; i++)
		lanes |= (uint32_t)(line[i] == number) << i;
	return lanes;
#endif
}

/** Whether a run goes on behind @p line. Lanes fill in order and are never emptied. */
static __rte_always_inline bool ids_full(const uint64_t *line)
{
	return line[IDS_LANES - 1] != 0;
}

/** The place of @p number, which is not 0, or IDS_NONE. */
static __rte_always_inline uint32_t ids_find(const struct ids *ids, uint64_t number)
{
	uint32_t at = ids_line(ids, number);

	for (uint32_t i = 0; i < ids->run; i++, at = (at + 1) & ids->mask) {
		const uint64_t *line = &ids->lines[(size_t)at * IDS_LANES];
		const uint32_t lanes = ids_compare(line, number);

		if (lanes != 0)
			return at * IDS_LANES + (uint32_t)__builtin_ctz(lanes);
		if (likely(!ids_full(line)))
			break;
	}
	return IDS_NONE;
}

/** Whether @p number, which is not 0, is in the set. */
static __rte_always_inline bool ids_has(const struct ids *ids, uint64_t number)
{
	uint32_t at = ids_line(ids, number);
	const uint64_t *line = &ids->lines[(size_t)at * IDS_LANES];
	bool has = ids_compare(line, number) != 0;

	for (uint32_t i = 1; unlikely(i < ids->run && !has && ids_full(line)); i++) {
		at = (at + 1) & ids->mask;
		line = &ids->lines[(size_t)at * IDS_LANES];
		has = ids_compare(line, number) != 0;
	}
	return has;
}

/**
 * Add @p number, which is not 0, unless it is there. Hot.
 * @return its place, or IDS_NONE: no room within a run.
 */
uint32_t ids_add(struct ids *ids, uint64_t number);

#endif /* FEED_IDS_H */

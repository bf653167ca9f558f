/* SPDX-License-Identifier: MIT */
/*
 * The vector operations of lookups, for the instruction set that this translation
 * unit is compiled for: ISA_WIDTH, see lib/meson.build.
 *
 *   LANES              32-bit numbers in a vec
 *   vec_all(x)         x in every lane
 *   vec_load(p)        LANES numbers
 *   and, or, xor; min and max of 16-bit halves
 *   vec_zeros(v)       bit i: lane i is zero
 *   tags_equal(p, t)   not 0 if p[i] == *t for any i of BUCKET_TAGS
 *   tag_places(e)      of the result of tags_equal(), bit i: p[i] == *t
 *   places_of_pairs()  hashes pairs of groups, in place; up to LANES / 2 - 1 beyond count
 *   gather(x, m)       the bits of x under m, moved together (PEXT)
 */
#ifndef CLASSIFY_VECTOR_H
#define CLASSIFY_VECTOR_H

#include <stdint.h>

#include "tiered_table.h"

#if ISA_WIDTH >= 1
#include <immintrin.h>
#endif

/* The first two groups of a key; then, in their place, its hash and its bucket. */
union place {
	uint64_t both; /* groups: the first in the low half */
	struct {
		union {
			uint32_t hash;
			uint16_t tag; /* the low half of it */
		};
		uint32_t bucket;
	};
};

static_assert(sizeof(union place) == 8, "a vector holds LANES / 2 of them");

static inline uint64_t gather(uint64_t x, uint64_t mask)
{
#if ISA_WIDTH >= 2
	return _pext_u64(x, mask);
#else
	return bits_gather(x, mask);
#endif
}

/*
 * First what differs between the instruction sets by more than a name. OP() makes
 * the name of an intrinsic, BITS() that of one on whole registers.
 */
#if ISA_WIDTH == 2

typedef __m256i vec;
#define OP(name)   _mm256_##name
#define BITS(name) _mm256_##name##_si256

static inline vec vec_all64(uint64_t x)
{
	return _mm256_set1_epi64x((long long)x);
}
static inline unsigned int vec_zeros(vec a)
{
	const __m256i zero = _mm256_cmpeq_epi32(a, _mm256_setzero_si256());

	return (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(zero));
}
static inline unsigned int tags_equal(const uint16_t *tags, const uint16_t *tag)
{
	const __m256i equal = _mm256_cmpeq_epi16(_mm256_load_si256((const __m256i *)tags),
						 _mm256_set1_epi16((short)*tag));

	return (unsigned int)_mm256_movemask_epi8(equal);
}

#elif ISA_WIDTH == 1

typedef __m128i vec;
#define OP(name)   _mm_##name
#define BITS(name) _mm_##name##_si128

static inline vec vec_all64(uint64_t x)
{
	return _mm_set1_epi64x((long long)x);
}
static inline unsigned int vec_zeros(vec a)
{
	const __m128i zero = _mm_cmpeq_epi32(a, _mm_setzero_si128());

	return (unsigned int)_mm_movemask_ps(_mm_castsi128_ps(zero));
}
static inline unsigned int tags_equal(const uint16_t *tags, const uint16_t *tag)
{
	const __m128i all = _mm_set1_epi16((short)*tag);
	const __m128i low = _mm_cmpeq_epi16(_mm_load_si128((const __m128i *)tags), all);
	const __m128i high = _mm_cmpeq_epi16(_mm_load_si128((const __m128i *)(tags + 8)), all);

	return (unsigned int)_mm_movemask_epi8(_mm_packs_epi16(low, high));
}

#else

typedef uint32_t vec __attribute__((vector_size(16)));

static inline unsigned int vec_zeros(vec a)
{
	unsigned int zeros = 0;

	for (unsigned int i = 0; i < sizeof(vec) / sizeof(a[0]); i++)
		zeros |= (unsigned int)(a[i] == 0) << i;
	return zeros;
}
static inline unsigned int tags_equal(const uint16_t *tags, const uint16_t *tag)
{
	unsigned int equal = 0;

	for (unsigned int i = 0; i < BUCKET_TAGS; i++)
		equal |= (unsigned int)(tags[i] == *tag) << i;
	return equal;
}

#endif

enum { LANES = sizeof(vec) / sizeof(uint32_t) };

static inline unsigned int tag_places(unsigned int equal)
{
#if ISA_WIDTH == 2
	return _pext_u32(equal, 0x55555555); /* AVX2 compares to two bits a tag. */
#else
	return equal;
#endif
}

#if ISA_WIDTH >= 1

static inline vec vec_all(uint32_t x)
{
	return OP(set1_epi32)((int)x);
}
static inline vec vec_load(const uint32_t *from)
{
	return BITS(load)((const vec *)(const void *)from);
}
static inline vec vec_and(vec a, vec b)
{
	return BITS(and)(a, b);
}
static inline vec vec_or(vec a, vec b)
{
	return BITS(or)(a, b);
}
static inline vec vec_xor(vec a, vec b)
{
	return BITS(xor)(a, b);
}
static inline vec vec_min16(vec a, vec b)
{
	return OP(min_epu16)(a, b);
}
static inline vec vec_max16(vec a, vec b)
{
	return OP(max_epu16)(a, b);
}

/* See hash_of(). */
static inline void places_of_pairs(union place *places, unsigned int count, uint64_t mask,
				   uint32_t factor0, uint32_t factor1, unsigned int shift)
{
	const vec masks = vec_all64(mask), low_half = vec_all64(UINT32_MAX);
	const vec f0 = vec_all64(factor0), f1 = vec_all64(factor1);
	const __m128i shifts = _mm_cvtsi32_si128((int)shift);

	for (unsigned int i = 0; i < count; i += sizeof(vec) / sizeof(places[0])) {
		vec *at = (vec *)(void *)&places[i];
		const vec pair = vec_and(BITS(load)(at), masks);
		const vec sum = OP(add_epi64)(OP(mul_epu32)(pair, f0),
					      OP(mul_epu32)(OP(srli_epi64)(pair, 32), f1));
		const vec hash = vec_and(vec_xor(sum, OP(srli_epi64)(sum, 32)), low_half);

		BITS(store)(at, vec_or(hash, OP(slli_epi64)(OP(srl_epi64)(hash, shifts), 32)));
	}
}

#else

static inline uint32_t min16(uint32_t a, uint32_t b)
{
	const uint32_t low = (a & 0xffff) < (b & 0xffff) ? a : b;
	const uint32_t high = (a >> 16) < (b >> 16) ? a : b;

	return (low & 0xffff) | (high & 0xffff0000);
}
static inline vec vec_all(uint32_t x)
{
	return (vec){x, x, x, x};
}
static inline vec vec_load(const uint32_t *from)
{
	return *(const vec *)(const void *)from;
}
static inline vec vec_and(vec a, vec b)
{
	return a & b;
}
static inline vec vec_or(vec a, vec b)
{
	return a | b;
}
static inline vec vec_xor(vec a, vec b)
{
	return a ^ b;
}
static inline vec vec_min16(vec a, vec b)
{
	for (unsigned int i = 0; i < LANES; i++)
		a[i] = min16(a[i], b[i]);
	return a;
}
static inline vec vec_max16(vec a, vec b)
{
	return ~vec_min16(~a, ~b);
}

static inline void places_of_pairs(union place *places, unsigned int count, uint64_t mask,
				   uint32_t factor0, uint32_t factor1, unsigned int shift)
{
	for (unsigned int i = 0; i < count; i++) {
		const uint64_t pair = places[i].both & mask;

		places[i].hash =
			hash_fold((uint32_t)pair * (uint64_t)factor0 + (pair >> 32) * factor1);
		places[i].bucket = places[i].hash >> shift;
	}
}

#endif

#endif /* CLASSIFY_VECTOR_H */

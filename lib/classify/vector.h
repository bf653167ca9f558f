/* SPDX-License-Identifier: MIT */
/*
 * The few vector operations that lookups need, for the instructions that this
 * translation unit is compiled with: VARIANT is scalar, sse, avx2 or avx512.
 *
 *   LANES              32-bit numbers in a vec
 *   vec_all(x)         x in every lane
 *   vec_load(p)        LANES numbers
 *   and, or, xor; min and max of 16-bit halves
 *   vec_zeros(v)       bit i: lane i is zero
 *   tags_equal(p, t)   not 0 if p[i] == *t for any i of BUCKET_TAGS
 *   tag_places(e)      of what it returned, bit i: p[i] == t
 *   places_of_pairs()  hash pairs of groups, in place
 *   gather_bits(x, m)  the bits of x under m, moved together (PEXT)
 */
#ifndef CLASSIFY_VECTOR_H
#define CLASSIFY_VECTOR_H

#include <stdint.h>

/* First two groups of a key, then, in their place, where to look for it in a hash. */
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

#define VARIANT_scalar       1
#define VARIANT_sse          2
#define VARIANT_avx2         3
#define VARIANT_avx512       4
#define VARIANT_PASTE(name)  VARIANT_##name
#define VARIANT_NUMBER(name) VARIANT_PASTE(name)
#define WIDTH                VARIANT_NUMBER(VARIANT)

#if WIDTH >= VARIANT_sse
#include <immintrin.h>
#endif

#if WIDTH >= VARIANT_avx2
static inline uint64_t gather_bits(uint64_t x, uint64_t mask)
{
	return _pext_u64(x, mask);
}
#else
static inline uint64_t gather_bits(uint64_t x, uint64_t mask)
{
	uint64_t bits = 0;

	for (unsigned int to = 0; mask != 0; mask &= mask - 1, to++)
		bits |= (x >> __builtin_ctzll(mask) & 1) << to;
	return bits;
}
#endif

#if WIDTH == VARIANT_avx512

enum { LANES = 16 };
typedef __m512i vec;

static inline void places_of_pairs(union place *places, unsigned int count, uint64_t mask,
				   uint32_t factor0, uint32_t factor1, unsigned int shift)
{
	const __m512i masks = _mm512_set1_epi64((long long)mask);
	const __m512i low_half = _mm512_set1_epi64(0xffffffff);
	const __m512i f0 = _mm512_set1_epi64(factor0), f1 = _mm512_set1_epi64(factor1);
	const __m128i shifts = _mm_cvtsi32_si128((int)shift);

	for (unsigned int i = 0; i < count; i += sizeof(__m512i) / sizeof(places[0])) {
		__m512i *at = (__m512i *)(void *)&places[i];
		const __m512i pair = _mm512_and_si512(_mm512_load_si512(at), masks);
		const __m512i sum =
			_mm512_add_epi64(_mm512_mul_epu32(pair, f0),
					 _mm512_mul_epu32(_mm512_srli_epi64(pair, 32), f1));
		const __m512i hash = _mm512_and_si512(
			_mm512_xor_si512(sum, _mm512_srli_epi64(sum, 32)), low_half);

		_mm512_store_si512(
			at, _mm512_or_si512(hash,
					    _mm512_slli_epi64(_mm512_srl_epi64(hash, shifts), 32)));
	}
}

static inline vec vec_all(uint32_t x)
{
	return _mm512_set1_epi32((int)x);
}
static inline vec vec_load(const uint32_t *from)
{
	return _mm512_load_si512(from);
}
static inline vec vec_and(vec a, vec b)
{
	return _mm512_and_si512(a, b);
}
static inline vec vec_or(vec a, vec b)
{
	return _mm512_or_si512(a, b);
}
static inline vec vec_xor(vec a, vec b)
{
	return _mm512_xor_si512(a, b);
}
static inline vec vec_min16(vec a, vec b)
{
	return _mm512_min_epu16(a, b);
}
static inline vec vec_max16(vec a, vec b)
{
	return _mm512_max_epu16(a, b);
}
static inline unsigned int vec_zeros(vec a)
{
	return _mm512_testn_epi32_mask(a, a);
}
static inline unsigned int tags_equal(const uint16_t *tags, const uint16_t *tag)
{
	return _mm256_cmpeq_epi16_mask(_mm256_load_si256((const __m256i *)tags),
				       _mm256_set1_epi16((short)*tag));
}
static inline unsigned int tag_places(unsigned int equal)
{
	return equal;
}

#elif WIDTH == VARIANT_avx2

enum { LANES = 8 };
typedef __m256i vec;

static inline void places_of_pairs(union place *places, unsigned int count, uint64_t mask,
				   uint32_t factor0, uint32_t factor1, unsigned int shift)
{
	const __m256i masks = _mm256_set1_epi64x((long long)mask);
	const __m256i low_half = _mm256_set1_epi64x(0xffffffff);
	const __m256i f0 = _mm256_set1_epi64x(factor0), f1 = _mm256_set1_epi64x(factor1);
	const __m128i shifts = _mm_cvtsi32_si128((int)shift);

	for (unsigned int i = 0; i < count; i += sizeof(__m256i) / sizeof(places[0])) {
		__m256i *at = (__m256i *)(void *)&places[i];
		const __m256i pair = _mm256_and_si256(_mm256_load_si256(at), masks);
		const __m256i sum =
			_mm256_add_epi64(_mm256_mul_epu32(pair, f0),
					 _mm256_mul_epu32(_mm256_srli_epi64(pair, 32), f1));
		const __m256i hash = _mm256_and_si256(
			_mm256_xor_si256(sum, _mm256_srli_epi64(sum, 32)), low_half);

		_mm256_store_si256(
			at, _mm256_or_si256(hash,
					    _mm256_slli_epi64(_mm256_srl_epi64(hash, shifts), 32)));
	}
}

static inline vec vec_all(uint32_t x)
{
	return _mm256_set1_epi32((int)x);
}
static inline vec vec_load(const uint32_t *from)
{
	return _mm256_load_si256((const __m256i *)from);
}
static inline vec vec_and(vec a, vec b)
{
	return _mm256_and_si256(a, b);
}
static inline vec vec_or(vec a, vec b)
{
	return _mm256_or_si256(a, b);
}
static inline vec vec_xor(vec a, vec b)
{
	return _mm256_xor_si256(a, b);
}
static inline vec vec_min16(vec a, vec b)
{
	return _mm256_min_epu16(a, b);
}
static inline vec vec_max16(vec a, vec b)
{
	return _mm256_max_epu16(a, b);
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
static inline unsigned int tag_places(unsigned int equal)
{
	return _pext_u32(equal, 0x55555555);
}

#elif WIDTH == VARIANT_sse

enum { LANES = 4 };
typedef __m128i vec;

static inline void places_of_pairs(union place *places, unsigned int count, uint64_t mask,
				   uint32_t factor0, uint32_t factor1, unsigned int shift)
{
	const __m128i masks = _mm_set1_epi64x((long long)mask);
	const __m128i low_half = _mm_set1_epi64x(0xffffffff);
	const __m128i f0 = _mm_set1_epi64x(factor0), f1 = _mm_set1_epi64x(factor1);
	const __m128i shifts = _mm_cvtsi32_si128((int)shift);

	for (unsigned int i = 0; i < count; i += sizeof(__m128i) / sizeof(places[0])) {
		__m128i *at = (__m128i *)(void *)&places[i];
		const __m128i pair = _mm_and_si128(_mm_load_si128(at), masks);
		const __m128i sum = _mm_add_epi64(_mm_mul_epu32(pair, f0),
						  _mm_mul_epu32(_mm_srli_epi64(pair, 32), f1));
		const __m128i hash =
			_mm_and_si128(_mm_xor_si128(sum, _mm_srli_epi64(sum, 32)), low_half);

		_mm_store_si128(
			at, _mm_or_si128(hash, _mm_slli_epi64(_mm_srl_epi64(hash, shifts), 32)));
	}
}

static inline vec vec_all(uint32_t x)
{
	return _mm_set1_epi32((int)x);
}
static inline vec vec_load(const uint32_t *from)
{
	return _mm_load_si128((const __m128i *)from);
}
static inline vec vec_and(vec a, vec b)
{
	return _mm_and_si128(a, b);
}
static inline vec vec_or(vec a, vec b)
{
	return _mm_or_si128(a, b);
}
static inline vec vec_xor(vec a, vec b)
{
	return _mm_xor_si128(a, b);
}
static inline vec vec_min16(vec a, vec b)
{
	return _mm_min_epu16(a, b);
}
static inline vec vec_max16(vec a, vec b)
{
	return _mm_max_epu16(a, b);
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
static inline unsigned int tag_places(unsigned int equal)
{
	return equal;
}

#else

enum { LANES = 4 };
typedef uint32_t vec __attribute__((vector_size(16)));

static inline void places_of_pairs(union place *places, unsigned int count, uint64_t mask,
				   uint32_t factor0, uint32_t factor1, unsigned int shift)
{
	for (unsigned int i = 0; i < count; i++) {
		const uint64_t pair = places[i].both & mask;
		const uint64_t sum = (uint32_t)pair * (uint64_t)factor0 + (pair >> 32) * factor1;

		places[i].hash = (uint32_t)(sum ^ sum >> 32);
		places[i].bucket = places[i].hash >> shift;
	}
}

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
static inline unsigned int vec_zeros(vec a)
{
	unsigned int zeros = 0;

	for (unsigned int i = 0; i < LANES; i++)
		zeros |= (unsigned int)(a[i] == 0) << i;
	return zeros;
}
static inline unsigned int tags_equal(const uint16_t *tags, const uint16_t *tag)
{
	unsigned int equal = 0;

	for (unsigned int i = 0; i < 16; i++)
		equal |= (unsigned int)(tags[i] == *tag) << i;
	return equal;
}
static inline unsigned int tag_places(unsigned int equal)
{
	return equal;
}

#endif

#endif /* CLASSIFY_VECTOR_H */

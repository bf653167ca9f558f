/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: xoshiro256**, seeded by splitmix64. It uses integers only, so all machines draw
 * the same numbers. Each user has a stream of its own, so that more draws in one place (say, for
 * losses) do not change the others.
 *
 * Draw at most once in an expression or argument list: the order of evaluation depends on the
 * compiler.
 */
#ifndef RNG_H
#define RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* The stream of a user. The index is that of a line or channel. */
#define RNG_STREAM(user, index) ((uint64_t)(user) << 32 | (uint32_t)(index))

enum rng_user {
	RNG_SCHEDULE = 1,
	RNG_LOSS,
	RNG_DELAY,
	RNG_NOISE,
	RNG_PROTOCOL, /* plus the protocol's index, up to RNG_REORDER */
	RNG_REORDER = 48,
	RNG_DUPLICATE,
	RNG_REPACK,
	RNG_CLASSBENCH = 64,
};

static inline uint64_t rng_mix64(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
	uint64_t x = rng_mix64(seed + UINT64_C(0x9e3779b97f4a7c15)) ^ rng_mix64(~stream);

	for (unsigned int i = 0; i < 4; i++) {
		x += UINT64_C(0x9e3779b97f4a7c15);
		r->s[i] = rng_mix64(x);
	}
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t x = s[1] * 5;
	uint64_t result = (x << 7 | x >> 57) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 45 | s[3] >> 19;
	return result;
}

/* 0 .. n - 1; 0 if n is 0. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

/* low .. high, both included. */
static inline uint32_t rng_between(struct rng *r, uint32_t low, uint32_t high)
{
	return low + rng_below(r, high - low + 1);
}

#endif /* RNG_H */

/* SPDX-License-Identifier: MIT */
/*
 * What a filter knows of each instrument number of two bytes, in tables of bits: with two bits a
 * number, those that a feed uses stay in the near caches.
 */
#ifndef SUBSCRIPTION_SHORT_NUMBERS_H
#define SUBSCRIPTION_SHORT_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#define SHORT_NUMBERS 65536u /* numbers of two bytes */

/* A number's code. */
#define CODE_MATCHED 1u /* the subscription has it, as such or by its symbol */
#define CODE_UNNAMED 2u /* it has no symbol, but could get one */

#define CODES_IN_WORD 16u

struct short_numbers {
	uint32_t codes[SHORT_NUMBERS / CODES_IN_WORD];
	uint32_t unmapped[SHORT_NUMBERS / 32]; /* it has no symbol */
	uint32_t listed[SHORT_NUMBERS / 32];   /* the subscription has it as such */
};

/** The number's code, in the lowest two bits; the others mean nothing. */
static __rte_always_inline uint32_t short_numbers_code(const struct short_numbers *set,
						       uint32_t number)
{
	return set->codes[number / CODES_IN_WORD] >> number % CODES_IN_WORD * 2;
}

/** The number's bit of @p bits, as the lowest; the others mean nothing. */
static __rte_always_inline uint32_t short_numbers_bit(const uint32_t *bits, uint32_t number)
{
	return bits[number / 32] >> number % 32;
}

static inline void short_numbers_set_bit(uint32_t *bits, uint32_t number, bool value)
{
	const uint32_t bit = 1u << number % 32;

	bits[number / 32] = (bits[number / 32] & ~bit) | (value ? bit : 0);
}

/** The codes of 16 numbers without symbols, of which those of @p bits are matched. */
static inline uint32_t short_numbers_codes(uint32_t bits)
{
	/* Bit i of 16 moves to bit 2 i. */
	bits = (bits | bits << 8) & 0x00ff00ffu;
	bits = (bits | bits << 4) & 0x0f0f0f0fu;
	bits = (bits | bits << 2) & 0x33333333u;
	bits = (bits | bits << 1) & 0x55555555u;
	return bits * CODE_MATCHED | 0x55555555u * CODE_UNNAMED;
}

/** Set or clear the bits @p which of the number's code. */
static inline void short_numbers_set_code(struct short_numbers *set, uint32_t number,
					  uint32_t which, bool value)
{
	const uint32_t bits = which << number % CODES_IN_WORD * 2;
	uint32_t *word = &set->codes[number / CODES_IN_WORD];

	*word = (*word & ~bits) | (value ? bits : 0);
}

#endif /* SUBSCRIPTION_SHORT_NUMBERS_H */

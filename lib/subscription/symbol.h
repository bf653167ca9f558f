/* SPDX-License-Identifier: MIT */
/*
 * One symbol: a text of at most FG_SYMBOL_BYTES, without the blanks or zeros
 * that a protocol pads it with. It is held in one form, with zeros after its last
 * byte, so that two symbols are compared as numbers; one of at most eight bytes
 * is a single number.
 */
#ifndef SUBSCRIPTION_SYMBOL_H
#define SUBSCRIPTION_SYMBOL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "fg_protocol.h"

#define SYMBOL_SHORT 8u /**< Bytes of the longest symbol that fits one number. */

struct symbol {
	uint64_t words[FG_SYMBOL_BYTES / 8];
};

static_assert(sizeof(struct symbol) == FG_SYMBOL_BYTES, "a symbol is compared as bytes");

/** The symbol in a field of 1 to 8 bytes, as a number; 0: all bytes are pads. Hot. */
static __rte_always_inline uint64_t symbol_short(const uint8_t *at, uint32_t bytes)
{
	uint64_t text = 0, letters;

	if (bytes == 8) {
		memcpy(&text, at, 8);
	} else if (bytes >= 4) {
		uint32_t low, high;

		/* The two overlap, and agree where they do. */
		memcpy(&low, at, 4);
		memcpy(&high, at + bytes - 4, 4);
		text = rte_le_to_cpu_32(low) | (uint64_t)rte_le_to_cpu_32(high) << 8 * (bytes - 4);
	} else {
		for (uint32_t i = 0; i < bytes; i++)
			text |= (uint64_t)at[i] << 8 * i;
	}
	if (bytes == 8)
		text = rte_le_to_cpu_64(text);
	/* A pad, 0 or ' ', has no bit left; any other byte has. */
	letters = text & ~UINT64_C(0x2020202020202020);
	if (letters == 0)
		return 0;
	return text & UINT64_MAX >> (__builtin_clzll(letters) & 56);
}

/** The symbol in a field of at most FG_SYMBOL_BYTES. @return false: all bytes are pads. */
bool symbol_read(struct symbol *symbol, const uint8_t *at, uint32_t bytes);

/** The symbol of a text from a file. @return false: longer than FG_SYMBOL_BYTES, or all pads. */
bool symbol_parse(struct symbol *symbol, const char *text);

#endif /* SUBSCRIPTION_SYMBOL_H */

/* SPDX-License-Identifier: MIT */
/*
 * Symbols: texts of at most FG_SYMBOL_BYTES, whatever they were padded with.
 * Held in one form, zeros behind the last byte that is no pad; of at most eight
 * bytes they are a number then. Blanks and zeros are pads.
 */
#ifndef FEED_SYMBOL_H
#define FEED_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "fg_protocol.h"
#include "ids.h"

#define SYMBOL_SHORT 8u

struct symbol {
	uint64_t words[FG_SYMBOL_BYTES / 8];
};

/* A set of symbols. */
struct symbols {
	struct ids ids;       /* the first word, or, if some are longer, hashes of all words */
	struct symbol *names; /* by place */
	uint64_t seed;        /* of the hashes: no two symbols of the set share one */
	bool wide;            /* what is looked up may be longer than SYMBOL_SHORT */
};

/** A text of 1 to 8 bytes as a number; 0: nothing but pads. */
static __rte_always_inline uint64_t symbol_short(const uint8_t *at, uint32_t bytes)
{
	uint64_t text = 0, letters;

	if (bytes == 8) {
		memcpy(&text, at, 8);
	} else if (bytes >= 4) {
		uint32_t low, high;

		/* They overlap, and agree where they do. */
		memcpy(&low, at, 4);
		memcpy(&high, at + bytes - 4, 4);
		text = rte_le_to_cpu_32(low) | (uint64_t)rte_le_to_cpu_32(high) << 8 * (bytes - 4);
	} else {
		for (uint32_t i = 0; i < bytes; i++)
			text |= (uint64_t)at[i] << 8 * i;
	}
	if (bytes == 8)
		text = rte_le_to_cpu_64(text);
	letters = text & ~UINT64_C(0x2020202020202020);
	if (letters == 0)
		return 0;
	/* What is left of a letter in any byte match that the byte is no pad. */
	return text & UINT64_MAX >> (__builtin_clzll(letters) & 56);
}

/** Any text, of at most FG_SYMBOL_BYTES. @return false: nothing but pads. */
bool symbol_read(struct symbol *symbol, const uint8_t *at, uint32_t bytes);

/** A text that people wrote. @return false: longer than that, or nothing but pads. */
bool symbol_of_text(struct symbol *symbol, const char *text);

/**
 * Make a set of @p count symbols, none of them empty.
 * @param wide  What will be looked up may be longer than SYMBOL_SHORT.
 * @return 0 or -ENOMEM.
 */
int symbols_build(struct symbols *symbols, const struct symbol *list, uint32_t count, bool wide,
		  int socket_id);

void symbols_free(struct symbols *symbols);

/** Its place, or IDS_NONE. */
uint32_t symbols_find(const struct symbols *symbols, const struct symbol *symbol);

/** Whether a short one is in a set that is not wide, or in any. */
static __rte_always_inline bool symbols_has_short(const struct symbols *symbols, uint64_t text)
{
	if (unlikely(symbols->wide)) {
		const struct symbol symbol = {{rte_cpu_to_le_64(text)}};

		return symbols_find(symbols, &symbol) != IDS_NONE;
	}
	return ids_has_of(&symbols->ids, text, 8);
}

#endif /* FEED_SYMBOL_H */

/* SPDX-License-Identifier: MIT */
#include "symbol.h"

static bool is_pad(uint8_t byte)
{
	return byte == 0 || byte == ' ';
}

bool symbol_read(struct symbol *symbol, const uint8_t *at, uint32_t bytes)
{
	while (bytes > 0 && is_pad(at[bytes - 1]))
		bytes--;
	memset(symbol, 0, sizeof(*symbol));
	memcpy(symbol, at, bytes);
	return bytes > 0;
}

bool symbol_parse(struct symbol *symbol, const char *text)
{
	const size_t bytes = strlen(text);

	return bytes <= FG_SYMBOL_BYTES &&
	       symbol_read(symbol, (const uint8_t *)text, (uint32_t)bytes);
}

/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include <stdbool.h>
#include <string.h>

static const char *const common[] = {"AAPL", "MSFT", "AMZN", "NVDA", "GOOG", "META",
				     "TSLA", "INTC", "CSCO", "AMD",  "QQQ",  "SPY"};
#define N_COMMON (sizeof(common) / sizeof(common[0]))

static bool copy_common(uint32_t instrument, char *text)
{
	if (instrument >= N_COMMON)
		return false;
	memcpy(text, common[instrument], strlen(common[instrument]) + 1);
	return true;
}

void symbol_text(uint32_t instrument, char *text)
{
	if (copy_common(instrument, text))
		return;
	text[0] = 'X';
	for (unsigned int i = 4; i > 0; i--, instrument /= 26)
		text[i] = (char)('A' + instrument % 26);
	text[5] = '\0';
}

/* The first letters of 65,535 instruments are W to Z, which no common symbol begins with. */
void symbol_text_short(uint32_t instrument, char *text)
{
	if (copy_common(instrument, text))
		return;
	for (unsigned int i = 4; i > 0; i--, instrument /= 26)
		text[i - 1] = (char)('Z' - instrument % 26);
	text[4] = '\0';
}

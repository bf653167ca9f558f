/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include <stdbool.h>
#include <string.h>

static const char *const known[] = {"AAPL", "MSFT", "AMZN", "NVDA", "GOOG", "META",
				    "TSLA", "INTC", "CSCO", "AMD",  "QQQ",  "SPY"};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static bool copy_known(uint32_t instrument, char *text)
{
	if (instrument >= N_KNOWN)
		return false;
	memcpy(text, known[instrument], strlen(known[instrument]) + 1);
	return true;
}

void symbol_text(uint32_t instrument, char *text)
{
	if (copy_known(instrument, text))
		return;
	text[0] = 'X';
	for (unsigned int i = 4; i > 0; i--, instrument /= 26)
		text[i] = (char)('A' + instrument % 26);
	text[5] = '\0';
}

/* 65,535 instruments use the letters W to Z in front, which no known one has. */
void symbol_text_short(uint32_t instrument, char *text)
{
	if (copy_known(instrument, text))
		return;
	for (unsigned int i = 4; i > 0; i--, instrument /= 26)
		text[i - 1] = (char)('Z' - instrument % 26);
	text[4] = '\0';
}

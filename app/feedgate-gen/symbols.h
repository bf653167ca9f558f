/* SPDX-License-Identifier: MIT */
/* Names of instruments: some well-known ones first, so that examples read well. */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdint.h>

/* Up to five letters, and NUL. */
void symbol_text(uint32_t instrument, char *text);

/* Up to four letters: for fields that hold no more. */
void symbol_text_short(uint32_t instrument, char *text);

#endif /* SYMBOLS_H */

/* SPDX-License-Identifier: MIT */
/* Symbols of instruments. The first are well-known ones, for examples. */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdint.h>

/* Up to five letters, and NUL. */
void symbol_text(uint32_t instrument, char *text);

/* Up to four letters, and NUL. */
void symbol_text_short(uint32_t instrument, char *text);

#endif /* SYMBOLS_H */

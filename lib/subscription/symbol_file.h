/* SPDX-License-Identifier: MIT */
/*
 * What the reader (symbol_file.c) and the writer (symbol_save.c) of the symbol map's file share.
 *
 * Whatever symbols a feed has sent, the file is text: a symbol that would not be read back as it
 * is, or that looks like this form, is written as `hex:` and its bytes.
 */
#ifndef SUBSCRIPTION_SYMBOL_FILE_H
#define SUBSCRIPTION_SYMBOL_FILE_H

#include <stdint.h>

#define SYMBOL_FILE_HEX "hex:"
#define SYMBOL_FILE_DAY 12u /**< Bytes of a date as text. */

/** A date, UTC: "2026-12-01". @return @p text. */
const char *symbol_file_day(uint64_t now_ns, char text[SYMBOL_FILE_DAY]);

#endif /* SUBSCRIPTION_SYMBOL_FILE_H */

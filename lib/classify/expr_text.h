/* SPDX-License-Identifier: MIT */
/* Checks the text of an expression before libpcap reads it. */
#ifndef CLASSIFY_EXPR_TEXT_H
#define CLASSIFY_EXPR_TEXT_H

#include <fg_error.h>

/*
 * Accept only words that libpcap's scanner reads as keywords, numbers or
 * addresses: names it would look up, in files or in the network. Accept at most
 * FG_EXPR_WORDS_MAX words and signs, which libpcap compiles in a fraction of a
 * second. 0, or -EINVAL with @p error.
 */
int expr_text_check(const char *text, struct fg_error *error);

/* "udp", "tcp" or "sctp" if a bracket follows such a word in @p text; NULL: none does. */
const char *expr_text_ipv4_only(const char *text);

#endif /* CLASSIFY_EXPR_TEXT_H */

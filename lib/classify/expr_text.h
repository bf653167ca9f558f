/* SPDX-License-Identifier: MIT */
/* What may stand in an expression before libpcap sees it. */
#ifndef CLASSIFY_EXPR_TEXT_H
#define CLASSIFY_EXPR_TEXT_H

#include <fg_error.h>

/*
 * Only words that libpcap's scanner takes for keywords, numbers or addresses:
 * what it takes for a name it would look up, in files or in the network. And
 * no more words and signs than it compiles in a fraction of a second.
 * 0, or -EINVAL with @p error.
 */
int expr_text_check(const char *text, struct fg_error *error);

#endif /* CLASSIFY_EXPR_TEXT_H */

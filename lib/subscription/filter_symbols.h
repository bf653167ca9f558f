/* SPDX-License-Identifier: MIT */
#ifndef SUBSCRIPTION_FILTER_SYMBOLS_H
#define SUBSCRIPTION_FILTER_SYMBOLS_H

#include <fg_msg_filter.h>

/** Apply the symbol map's new entries to a filter that has a symbol map. Hot, seldom called. */
void filter_catch_up(struct fg_msg_filter *filter);

#endif /* SUBSCRIPTION_FILTER_SYMBOLS_H */

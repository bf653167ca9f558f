/* SPDX-License-Identifier: MIT */
#ifndef SUBSCRIPTION_FILTER_ITCH_H
#define SUBSCRIPTION_FILTER_ITCH_H

#include "filter.h"

/**
 * Whether filter_itch_burst() takes the filter: MoldUDP64 with types of a byte and stock locates of
 * two. If so, it fills filter->type_flags. Control.
 */
bool filter_itch_build(struct fg_msg_filter *filter);

/** As burst_function, for such filters. Hot. */
void filter_itch_burst(const struct fg_msg_filter_job *jobs, unsigned int n,
		       unsigned int available);

#endif /* SUBSCRIPTION_FILTER_ITCH_H */

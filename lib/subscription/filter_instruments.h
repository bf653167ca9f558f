/* SPDX-License-Identifier: MIT */
#ifndef SUBSCRIPTION_FILTER_INSTRUMENTS_H
#define SUBSCRIPTION_FILTER_INSTRUMENTS_H

#include <fg_msg_filter.h>

/**
 * Build the filter's sets from the instruments of @p conf.
 * @return 0; -EINVAL, -E2BIG or -ENOMEM with @p error set.
 */
int filter_instruments_build(struct fg_msg_filter *filter, const struct fg_msg_filter_conf *conf,
			     struct fg_error *error);

#endif /* SUBSCRIPTION_FILTER_INSTRUMENTS_H */

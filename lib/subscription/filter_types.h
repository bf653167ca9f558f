/* SPDX-License-Identifier: MIT */
#ifndef SUBSCRIPTION_FILTER_TYPES_H
#define SUBSCRIPTION_FILTER_TYPES_H

#include <fg_msg_filter.h>

/** Fill the table of types. @return 0; -E2BIG or -ENOMEM with @p error set. */
int filter_types_build(struct fg_msg_filter *filter, const struct fg_msg_filter_conf *conf,
		       struct fg_error *error);

#endif /* SUBSCRIPTION_FILTER_TYPES_H */

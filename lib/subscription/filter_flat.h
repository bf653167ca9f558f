/* SPDX-License-Identifier: MIT */
#ifndef SUBSCRIPTION_FILTER_FLAT_H
#define SUBSCRIPTION_FILTER_FLAT_H

#include "filter.h"

/**
 * Choose the burst function of a filter, and make the table of types that it needs. It is one that
 * is compiled for the feed's protocol, if the filter's messages are as that has them; else one
 * that takes any. Control.
 * @return 0 or -ENOMEM.
 */
int filter_flat_build(struct fg_msg_filter *filter, int socket_id);

#endif /* SUBSCRIPTION_FILTER_FLAT_H */

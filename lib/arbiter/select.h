/* SPDX-License-Identifier: MIT */
/* The tracker of a channel to which a packet belongs; jumps and resets. Hot. */
#ifndef SELECT_H
#define SELECT_H

#include "arbiter.h"

/*
 * Arbitrate a packet that the fast path does not take. a->channel is NULL where the packet has
 * none; the tracker and its numbers are found here.
 */
void arrival_arbitrate(struct arrival *a);

#endif /* SELECT_H */

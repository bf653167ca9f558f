/* SPDX-License-Identifier: MIT */
/* Sequence jumps and resets: a channel changes its tracker. Hot. */
#ifndef EPOCH_H
#define EPOCH_H

#include "arbiter.h"

/* A reset is confirmed: the channel's numbers begin anew with @p first. */
struct tracker *epoch_reset(struct arrival *a, uint64_t first);
/* A jump is confirmed: the channel goes on with @p first, which @p line brought. */
struct tracker *epoch_jump(struct arrival *a, uint64_t first, unsigned int line);
/*
 * The packet is at a->tracker. If many packets in a row are the candidate's, the trackers change
 * places.
 */
void epoch_follow(struct arrival *a);

#endif /* EPOCH_H */

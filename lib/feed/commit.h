/* SPDX-License-Identifier: MIT */
#ifndef FEED_COMMIT_H
#define FEED_COMMIT_H

#include <fg_burst.h>

#include "item.h"

/* How many more packets fit into @out, whether they pass or not. */
static inline uint16_t room_of(const struct fg_feed_out *out)
{
	return (uint16_t)RTE_MIN((uint32_t)out->room - out->n_pass, FG_BURST_MAX - out->n_drop);
}

/*
 * Commit a packet that the arbiter's fast path does not take, or that cannot be read: match it if
 * it was not, arbitrate it, learn from it, and pass or drop it. There is room for it. Hot, but
 * seldom.
 */
void commit_slow(struct fg_feed_stage *stage, struct item *item, struct fg_feed_out *out);

/* Take packets that the arbiter of stage->draining has released, as many as fit. Hot. */
void drain(struct fg_feed_stage *stage, struct fg_feed_out *out);

#endif /* FEED_COMMIT_H */

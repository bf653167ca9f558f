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
 * The last pass, packet by packet, in order: arbitrate the packet, learn from it, and pass or drop
 * it. @item was read, and matched unless it is a duplicate. There is room for it. Hot.
 */
void commit(struct fg_feed_stage *stage, struct item *item, struct fg_feed_out *out);

/* Take packets that the arbiter of stage->draining has released, as many as fit. Hot. */
void drain(struct fg_feed_stage *stage, struct fg_feed_out *out);

#endif /* FEED_COMMIT_H */

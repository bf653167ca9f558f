/* SPDX-License-Identifier: MIT */
#ifndef SLICE_H
#define SLICE_H

#include "item.h"

/*
 * Copy @m, cut down to the messages that its metadata marks as matched, into an mbuf of @pool: the
 * packet's headers, the protocol's header with the new count, and the messages. @payload is that of
 * @m, as @pkt describes it. @return NULL: no mbuf, or metadata cannot tell which messages matched.
 * Hot.
 */
struct rte_mbuf *slice_make(const struct fg_feed *feed, struct rte_mempool *pool,
			    struct rte_mbuf *m, const uint8_t *payload,
			    const struct fg_feed_packet *pkt);

/* The packet's slice, instead of the packet; the packet itself if no slice can be made. */
struct rte_mbuf *slice_instead(struct fg_feed_stage *stage, const struct item *item);

#endif /* SLICE_H */

/* SPDX-License-Identifier: MIT */
#ifndef SLICE_H
#define SLICE_H

#include "feed.h"

/*
 * Copy @m, cut down to the messages that its metadata marks as matched, into an mbuf of @pool: the
 * packet's headers, the protocol's header with the new count, and the messages. @payload is that of
 * @m, as @pkt describes it. @return NULL: no mbuf, or metadata cannot tell which messages matched.
 * Hot.
 */
struct rte_mbuf *slice_make(const struct fg_feed *feed, struct rte_mempool *pool,
			    struct rte_mbuf *m, const uint8_t *payload,
			    const struct fg_feed_packet *pkt);

#endif /* SLICE_H */

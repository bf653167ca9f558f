/* SPDX-License-Identifier: MIT */
/*
 * Packet pools for DPDK's net_af_xdp, which gives the pool's memory itself to
 * the kernel. It takes the first piece of that memory, and as many bytes as all
 * objects have: so there must be one piece without gaps. A pool made as usual
 * has gaps wherever an object would cross a page, and its last buffers would be
 * lost to the kernel one after the other: with pages of 4 KiB, until none is left.
 */
#ifndef CAPTURE_XDP_POOL_H
#define CAPTURE_XDP_POOL_H

#include <stdint.h>

struct rte_mempool;

/* NULL with rte_errno set if there is no memory. */
struct rte_mempool *xdp_pool_create(const char *name, uint32_t count, unsigned int cache_size,
				    int socket_id);

/* The longest frame, from its MAC addresses on, that the kernel puts into an mbuf of it. */
uint32_t xdp_pool_frame_max(void);

#endif /* CAPTURE_XDP_POOL_H */

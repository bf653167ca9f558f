/* SPDX-License-Identifier: MIT */
/*
 * Packet pools for DPDK's net_af_xdp, which registers the pool's memory with the kernel (UMEM).
 * The driver assumes that all objects are contiguous from the first memory chunk on. An ordinary
 * pool has gaps where an object would cross a page, so that its last objects lie outside of the
 * registered memory: the kernel drops such buffers one by one, with 4 KiB pages until none is left.
 */
#ifndef CAPTURE_XDP_POOL_H
#define CAPTURE_XDP_POOL_H

#include <stdint.h>

struct rte_mempool;

#define XDP_FILLED 2048u /* Mbufs that the driver provides to the kernel, per queue. */

/* Create a contiguous pool of @count mbufs. NULL with rte_errno set if there is no memory. Control.
 */
struct rte_mempool *xdp_pool_create(const char *name, uint32_t count, unsigned int cache_size,
				    int socket_id);

/* Length of the longest frame, with its Ethernet header, that fits an mbuf of such a pool. */
uint32_t xdp_pool_frame_max(void);

#endif /* CAPTURE_XDP_POOL_H */

/* SPDX-License-Identifier: MIT */
/* Packet pools: shared by the kinds that receive into mbufs of their own pool. Control only. */
#ifndef CAPTURE_SOURCE_POOL_H
#define CAPTURE_SOURCE_POOL_H

#include <stdint.h>

#include <rte_mempool.h>

#include <fg_error.h>
#include <fg_source.h>

/*
 * Size of an lcore's mempool cache. Mbufs in the cache of the lcore that freed them are out of
 * the receiving lcore's reach. The size returned keeps all caches together below half of @spare:
 * the mbufs not needed for descriptors, buffers and bursts.
 */
unsigned int source_pool_cache(uint32_t spare);

/* Write a unique name for a pool. */
void source_pool_name(const struct fg_source *src, char name[RTE_MEMPOOL_NAMESIZE]);

/* Check a created @pool with @room bytes per packet: 0, or -rte_errno with @error set if it is
 * NULL. */
int source_pool_made(const struct fg_source *src, const struct rte_mempool *pool, uint16_t room,
		     struct fg_error *error);

/*
 * Create a pool of src->mbufs mbufs with FG_META_BYTES of private data and @room bytes of buffer,
 * headroom included. 0, or -errno with @error set and *out NULL. The caller frees the pool.
 */
int source_pool_create(const struct fg_source *src, uint32_t spare, uint16_t room, int socket_id,
		       struct rte_mempool **out, struct fg_error *error);

/* Mbufs that are not in the pool or its caches. */
uint64_t source_pool_in_use(const struct rte_mempool *pool);

#endif /* CAPTURE_SOURCE_POOL_H */

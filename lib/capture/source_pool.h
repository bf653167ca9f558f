/* SPDX-License-Identifier: MIT */
/* The pool of a source's packets: what the kinds that receive into mbufs have in common. */
#ifndef CAPTURE_SOURCE_POOL_H
#define CAPTURE_SOURCE_POOL_H

#include <stdint.h>

#include <rte_mempool.h>

#include <fg_error.h>
#include <fg_source.h>

/*
 * Lcores keep mbufs they freed in a cache of their own, out of the receiving
 * lcore's reach. The size of one, so that all caches together, half as full again,
 * hold at most half of @spare: the mbufs not needed for descriptors, buffers and bursts.
 */
unsigned int source_pool_cache(uint32_t spare);

/* A name that no other pool has. */
void source_pool_name(const struct fg_source *src, char name[RTE_MEMPOOL_NAMESIZE]);

/* What to say of a pool of @room bytes a packet that was to be made: 0, or -rte_errno if NULL. */
int source_pool_made(const struct fg_source *src, const struct rte_mempool *pool, uint16_t room,
		     struct fg_error *error);

/*
 * A pool of src->mbufs mbufs with FG_META_BYTES each and @room bytes of data, headroom
 * included. 0, or -errno with error set; then *out is NULL.
 */
int source_pool_create(const struct fg_source *src, uint32_t spare, uint16_t room, int socket_id,
		       struct rte_mempool **out, struct fg_error *error);

/* Mbufs that are out of it. */
uint64_t source_pool_in_use(const struct rte_mempool *pool);

#endif /* CAPTURE_SOURCE_POOL_H */

/* SPDX-License-Identifier: MIT */
#include "source_pool.h"

#include <stdio.h>

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <fg_dpdk.h>
#include <fg_meta.h>
#include <fg_pool.h>

#define CACHE_MAX 384u /* mbufs in an lcore's cache */

unsigned int source_pool_cache(uint32_t spare)
{
	return fg_dpdk_cache_size(RTE_MIN(spare / (2u * rte_lcore_count()), CACHE_MAX));
}

void source_pool_name(const struct fg_source *src, char name[RTE_MEMPOOL_NAMESIZE])
{
	static unsigned int serial;

	snprintf(name, RTE_MEMPOOL_NAMESIZE, "fg_%s_%u", src->ops->name, serial++);
}

int source_pool_made(const struct fg_source *src, const struct rte_mempool *pool, uint16_t room,
		     struct fg_error *error)
{
	if (pool != NULL)
		return 0;
	return fg_error_set(error, rte_errno,
			    "source %s: no DPDK memory for %u mbufs of %u bytes (%s); give EAL "
			    "more with -m or hugepages",
			    src->name, src->mbufs, room, rte_strerror(rte_errno));
}

int source_pool_create(const struct fg_source *src, uint32_t spare, uint16_t room, int socket_id,
		       struct rte_mempool **out, struct fg_error *error)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	source_pool_name(src, name);
	*out = rte_pktmbuf_pool_create_by_ops(name, src->mbufs, source_pool_cache(spare),
					      FG_META_BYTES, room, socket_id, FG_POOL_OPS);
	return source_pool_made(src, *out, room, error);
}

uint64_t source_pool_in_use(const struct rte_mempool *pool)
{
	return pool->size - rte_mempool_avail_count(pool);
}

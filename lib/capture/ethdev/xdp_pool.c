/* SPDX-License-Identifier: MIT */
#include "xdp_pool.h"

#include <errno.h>
#include <linux/bpf.h> /* XDP_PACKET_HEADROOM */
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

#include <fg_meta.h>
#include <fg_pool.h>

/*
 * The kernel's maximum buffer size is a page. In IOVA mode VA an object may cross a page; it has an
 * odd number of cache lines, so that packet headers do not all map to the same set of the CPU's
 * cache. In mode PA, where a sink may send the packets by DMA, an object is one aligned page.
 */
static bool may_cross_pages(void)
{
	return rte_eal_iova_mode() == RTE_IOVA_VA;
}

static uint32_t object_bytes(void)
{
	return (uint32_t)getpagesize() - (may_cross_pages() ? RTE_CACHE_LINE_SIZE : 0);
}

static unsigned int pool_flags(void)
{
	return RTE_MEMPOOL_F_NO_SPREAD | (may_cross_pages() ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0);
}

static uint32_t element_bytes(void)
{
	struct rte_mempool_objsz size;

	rte_mempool_calc_obj_size(RTE_CACHE_LINE_SIZE, pool_flags(), &size);
	return object_bytes() - size.header_size - size.trailer_size;
}

static void give_back(struct rte_mempool_memhdr *memory, void *zone)
{
	(void)memory;
	rte_memzone_free(zone);
}

/* 0 or -errno. */
static int populate(struct rte_mempool *pool)
{
	const size_t bytes = (size_t)pool->size * object_bytes();
	const struct rte_memzone *zone = rte_memzone_reserve_aligned(
		pool->name, bytes, pool->socket_id, 0, (unsigned int)getpagesize());
	int populated;

	if (zone == NULL)
		return -rte_errno;
	populated = rte_mempool_populate_virt(pool, zone->addr, bytes, zone->hugepage_sz, give_back,
					      (void *)zone);
	if (populated < 0) {
		rte_memzone_free(zone);
		return populated;
	}
	return (uint32_t)populated == pool->size ? 0 : -ENOMEM;
}

static void init_mbuf(struct rte_mempool *pool, void *arg, void *object, unsigned int index)
{
	struct rte_mbuf *m = object;

	rte_pktmbuf_init(pool, arg, object, index);
	/* rte_pktmbuf_init() cannot compute it for objects that may cross pages. */
	if (may_cross_pages())
		rte_mbuf_iova_set(m, (rte_iova_t)(uintptr_t)m->buf_addr);
}

struct rte_mempool *xdp_pool_create(const char *name, uint32_t count, unsigned int cache_size,
				    int socket_id)
{
	struct rte_pktmbuf_pool_private private = {
		.mbuf_data_room_size =
			(uint16_t)(element_bytes() - sizeof(struct rte_mbuf) - FG_META_BYTES),
		.mbuf_priv_size = FG_META_BYTES,
	};
	struct rte_mempool *pool = rte_mempool_create_empty(
		name, count, element_bytes(), cache_size, sizeof(private), socket_id, pool_flags());
	int rc;

	if (pool == NULL)
		return NULL;
	rc = rte_mempool_set_ops_byname(pool, FG_POOL_OPS, NULL);
	if (rc == 0) {
		rte_pktmbuf_pool_init(pool, &private);
		rc = populate(pool);
	}
	if (rc != 0) {
		rte_mempool_free(pool);
		rte_errno = -rc;
		return NULL;
	}
	rte_mempool_obj_iter(pool, init_mbuf, NULL);
	return pool;
}

uint32_t xdp_pool_frame_max(void)
{
	return element_bytes() - (uint32_t)sizeof(struct rte_mbuf) - FG_META_BYTES -
	       RTE_PKTMBUF_HEADROOM - XDP_PACKET_HEADROOM;
}

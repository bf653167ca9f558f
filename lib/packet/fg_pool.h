/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What every mbuf pool of feedgate has in common, beside FG_META_BYTES of private area.
 */
#ifndef FG_POOL_H
#define FG_POOL_H

#include <stdbool.h>

#include <rte_mbuf.h>

/**
 * The mempool ops under every mbuf pool. Sinks free packets on threads of their own, and the kernel
 * may preempt such a thread in the middle of it. With DPDK's default, "ring_mp_mc", all lcores that
 * free to the pool then spin until the thread runs again; with relaxed tail sync they do not.
 */
#define FG_POOL_OPS "ring_mt_rts"

/**
 * Whether the bytes of @p m are in a ring of the kernel, which gets the place back when the packet
 * is freed: no device can read them, and who keeps the packet for long must copy it. Hot.
 */
static inline bool fg_packet_in_kernel(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_EXTERNAL) != 0 && m->buf_iova == RTE_BAD_IOVA;
}

#endif /* FG_POOL_H */

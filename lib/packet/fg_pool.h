/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What every mbuf pool of feedgate has in common, beside FG_META_BYTES of private area.
 */
#ifndef FG_POOL_H
#define FG_POOL_H

/**
 * The mempool ops under every mbuf pool. Sinks free packets on threads of their own, and the kernel
 * may preempt such a thread in the middle of it. With DPDK's default, "ring_mp_mc", all lcores that
 * free to the pool then spin until the thread runs again; with relaxed tail sync they do not.
 */
#define FG_POOL_OPS "ring_mt_rts"

#endif /* FG_POOL_H */

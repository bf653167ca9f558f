/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What differs between the versions of DPDK that feedgate is built with, 22.11 and later. All such
 * differences are here; scripts/check-dpdk compiles everything against another version.
 */
#ifndef FG_DPDK_H
#define FG_DPDK_H

#include <stdint.h>

#include <rte_common.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_version.h>

/**
 * Write the name of a port. @return 0; -ENODEV. Threads: control.
 * DPDK's function takes the size of the buffer from 26.11 on (its deprecation notice).
 */
static inline int fg_dpdk_port_name(uint16_t port, char name[RTE_ETH_NAME_MAX_LEN])
{
#if RTE_VERSION > RTE_VERSION_NUM(26, 11, 0, 0)
	return rte_eth_dev_get_name_by_port(port, name, RTE_ETH_NAME_MAX_LEN);
#else
	return rte_eth_dev_get_name_by_port(port, name);
#endif
}

/**
 * The size to create a mempool with whose caches hold up to @p mbufs each, and go to the pool
 * for a third of that at a time or more.
 *
 * Until 26.03 a cache holds 1.5 times the size that the pool was created with; when it is full or
 * empty it keeps, or gets, that size. From 26.07 on it holds that size, and half of it goes to the
 * pool or comes from it (the release notes of 26.07).
 */
static inline unsigned int fg_dpdk_cache_size(unsigned int mbufs)
{
#if RTE_VERSION >= RTE_VERSION_NUM(26, 7, 0, 0)
	return RTE_MIN(mbufs, (unsigned int)RTE_MEMPOOL_CACHE_MAX_SIZE);
#else
	return RTE_MIN(mbufs * 2 / 3, (unsigned int)RTE_MEMPOOL_CACHE_MAX_SIZE);
#endif
}

#endif /* FG_DPDK_H */

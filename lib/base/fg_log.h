/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Log lines of the control side, through DPDK's log (`--log-level=feedgate,debug`).
 *
 * Never on the hot side: there, a counter says it.
 */
#ifndef FG_LOG_H
#define FG_LOG_H

#include <rte_log.h>

extern int fg_logtype;

/** fg_log(WARNING, "port %u: ...", port): one line; the newline is added. */
#define fg_log(level, format, ...)                                                                 \
	rte_log(RTE_LOG_##level, (uint32_t)fg_logtype, "feedgate: " format "\n", ##__VA_ARGS__)

#endif /* FG_LOG_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Log lines, through DPDK's log; EAL's `--log-level=feedgate,debug` sets the level.
 *
 * For control threads only: hot code counts instead.
 */
#ifndef FG_LOG_H
#define FG_LOG_H

#include <rte_log.h>

extern int fg_logtype; /**< DPDK's number of the log type "feedgate". */

/**
 * Log one line: fg_log(WARNING, "port %u: ...", port). The macro adds "feedgate: "
 * and the newline. Threads: control.
 */
#define fg_log(level, format, ...)                                                                 \
	rte_log(RTE_LOG_##level, (uint32_t)fg_logtype, "feedgate: " format "\n", ##__VA_ARGS__)

#endif /* FG_LOG_H */

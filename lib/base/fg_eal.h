/* SPDX-License-Identifier: MIT */
/**
 * @file
 * An EAL for programs that compile rules and judge packets, but touch no device.
 */
#ifndef FG_EAL_H
#define FG_EAL_H

#include <fg_error.h>

/**
 * Start EAL with a heap and nothing else: no hugepages, devices, telemetry or files shared with
 * other processes, and only errors in its log. Needs no root; any number of such processes may
 * run at once. rte_eal_cleanup() ends it.
 * @param program  Name for EAL's messages.
 * @return 0, or -errno with @p error set.
 * Threads: control, once a process.
 */
int fg_eal_start_private(const char *program, struct fg_error *error);

#endif /* FG_EAL_H */

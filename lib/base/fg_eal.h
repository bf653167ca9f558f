/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Starts EAL.
 */
#ifndef FG_EAL_H
#define FG_EAL_H

#include <fg_error.h>

/**
 * rte_eal_init(), with an error for whatever it says.
 * @param advice  What the user may do, at the end of the error; or "".
 * @return 0; -EBUSY: another process has the same file prefix; -errno with @p error set.
 * Threads: control, once a process.
 */
int fg_eal_start(int argc, char **argv, const char *advice, struct fg_error *error);

/**
 * Start EAL with a heap and nothing else: without hugepages, devices, telemetry and files
 * shared with other processes. EAL logs errors only. Needs no root; any number of such
 * processes may run at once. rte_eal_cleanup() stops it.
 * @param program  Name of the program in EAL's messages.
 * @return 0, or -errno with @p error set.
 * Threads: control, once a process.
 */
int fg_eal_start_private(const char *program, struct fg_error *error);

#endif /* FG_EAL_H */

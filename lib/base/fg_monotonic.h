/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Time that nobody sets: for timeouts and distances, not for what is shown or written.
 */
#ifndef FG_MONOTONIC_H
#define FG_MONOTONIC_H

#include <stdint.h>
#include <time.h>

/** CLOCK_MONOTONIC in ns. Async-signal-safe. Threads: any. */
static inline uint64_t fg_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif /* FG_MONOTONIC_H */

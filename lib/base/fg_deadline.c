/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <time.h>

#include <fg_deadline.h>

static _Atomic uint64_t deadline_ns; /* monotonic; 0: not set */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void fg_deadline_set(uint32_t ms)
{
	uint64_t none = 0;

	atomic_compare_exchange_strong(&deadline_ns, &none, now_ns() + (uint64_t)ms * 1000000u);
}

bool fg_deadline_passed(void)
{
	const uint64_t deadline = atomic_load_explicit(&deadline_ns, memory_order_relaxed);

	return deadline != 0 && now_ns() >= deadline;
}

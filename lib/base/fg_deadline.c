/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>

#include <fg_deadline.h>
#include <fg_monotonic.h>

static _Atomic uint64_t deadline_ns; /* monotonic; 0: not set */

void fg_deadline_set(uint32_t ms)
{
	uint64_t none = 0;

	atomic_compare_exchange_strong(&deadline_ns, &none,
				       fg_monotonic_ns() + (uint64_t)ms * 1000000u);
}

bool fg_deadline_passed(void)
{
	const uint64_t deadline = atomic_load_explicit(&deadline_ns, memory_order_relaxed);

	return deadline != 0 && fg_monotonic_ns() >= deadline;
}

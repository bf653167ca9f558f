/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include <errno.h>
#include <inttypes.h>

#include <rte_common.h>
#include <rte_malloc.h>

int budget_alloc(struct budget *budget, size_t bytes, void **out, struct fg_error *error)
{
	if (bytes > budget->bytes)
		return fg_error_set(error, E2BIG,
				    "the compiled rules take more memory than classify: {budget: "
				    "...} allows: %zu bytes more, of which %" PRIu64 " remain",
				    bytes, budget->bytes);
	*out = rte_malloc_socket(NULL, bytes, RTE_CACHE_LINE_SIZE, budget->socket_id);
	if (*out == NULL)
		return fg_error_set(error, ENOMEM,
				    "no DPDK memory for %zu bytes of compiled rules: give EAL "
				    "more, with -m or hugepages",
				    bytes);
	budget->bytes -= bytes;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The memory that the tiered table may take: classify: {budget: ...}. */
#ifndef CLASSIFY_BUDGET_H
#define CLASSIFY_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>

struct budget {
	uint64_t bytes; /* remaining */
	int socket_id;
};

/*
 * Allocate memory of the table, aligned to a cache line; rte_free() frees it.
 * 0; -E2BIG if less remains in the budget; -ENOMEM.
 */
int budget_alloc(struct budget *budget, size_t bytes, void **out, struct fg_error *error);

#endif /* CLASSIFY_BUDGET_H */

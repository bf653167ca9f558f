/* SPDX-License-Identifier: MIT */
/*
 * The tiered engine: entries that name whole fields go into hashes, the rest
 * into trees; lookups come in a variant for each set of vector instructions.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include <fg_isa.h>

#include "build.h"
#include "engine.h"

/* By enum fg_isa. */
static const struct variant variants[FG_ISA_COUNT] = {
	[FG_ISA_SCALAR] = {4, lookup_scalar},
#ifdef RTE_ARCH_X86
	[FG_ISA_SSE] = {4, lookup_sse},
	[FG_ISA_AVX2] = {8, lookup_avx2},
	[FG_ISA_AVX512] = {16, lookup_avx512},
#endif
};

int budget_alloc(struct budget *budget, size_t bytes, void **out, struct fg_error *error)
{
	if (bytes > budget->bytes)
		return fg_error_set(error, E2BIG,
				    "the compiled rules take more memory than classify: {budget: "
				    "...} allows: %zu bytes more, of which %" PRIu64 " are left",
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

static void tiered_free(void *table)
{
	struct tiered *tiered = table;

	for (uint32_t h = 0; h < tiered->n_hashes; h++)
		hash_free(&tiered->hashes[h]);
	for (uint32_t t = 0; t < tiered->n_trees; t++)
		tree_free(&tiered->trees[t]);
	rte_free(tiered);
}

static int tiered_build(const struct fg_table_conf *conf, const struct fg_match *matches,
			uint32_t count, uint8_t *tiers, void **out, struct fg_error *error)
{
	struct budget budget = {
		.bytes = conf->budget_bytes != 0 ? conf->budget_bytes : FG_TABLE_BUDGET_BYTES,
		.socket_id = conf->socket_id,
	};
	const uint64_t allowed = budget.bytes;
	enum fg_isa isa = FG_ISA_SCALAR;
	struct tiered *tiered;
	void *memory;
	int rc = fg_isa_find(conf->variant, &isa, error);

	if (rc == 0)
		rc = budget_alloc(&budget, sizeof(*tiered), &memory, error);
	if (rc != 0)
		return rc;
	tiered = memory;
	memset(tiered, 0, sizeof(*tiered));
	tiered->isa = isa;
	tiered->variant = &variants[isa];
	rc = tiers_build(tiered, matches, count, tiers, &budget, error);
	if (rc != 0) {
		tiered_free(tiered);
		return rc;
	}
	tiered->bytes = allowed - budget.bytes;
	*out = tiered;
	return 0;
}

static void tiered_lookup(const void *table, const struct fg_key *keys, uint32_t *rules,
			  unsigned int count)
{
	const struct tiered *tiered = table;

	tiered->variant->lookup(tiered, keys, rules, count);
}

static void tiered_info(const void *table, struct fg_table_info *info)
{
	const struct tiered *tiered = table;

	info->variant = fg_isa_name(tiered->isa);
	info->bytes = tiered->bytes;
	info->n_hashes = tiered->n_hashes;
	info->n_trees = tiered->n_trees;
	info->worst_compares = tiered->worst_compares;
}

const struct engine engine_tiered = {
	.name = "tiered",
	.build = tiered_build,
	.lookup = tiered_lookup,
	.info = tiered_info,
	.free = tiered_free,
};

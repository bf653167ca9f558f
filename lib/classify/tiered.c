/* SPDX-License-Identifier: MIT */
/*
 * The engine "tiered": a tier of hash tables for entries that test whole fields
 * only, and a tier of trees for the others. The lookup has a variant for each
 * set of vector instructions.
 */
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include <fg_isa.h>

#include "budget.h"
#include "engine.h"
#include "hashes.h"
#include "tiered_table.h"
#include "tiers.h"
#include "tree_pack.h"

static const struct variant variants[FG_ISA_COUNT] = {
	[FG_ISA_SCALAR] = {ISA_LANES(FG_ISA_SCALAR), lookup_scalar},
#ifdef RTE_ARCH_X86
	[FG_ISA_SSE] = {ISA_LANES(FG_ISA_SSE), lookup_sse},
	[FG_ISA_AVX2] = {ISA_LANES(FG_ISA_AVX2), lookup_avx2},
#endif
};

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

/* SPDX-License-Identifier: MIT */
/*
 * The tiered engine: entries that name whole fields go into hashes, the rest
 * into trees; lookups come in a variant for each set of vector instructions.
 */
#define ALLOW_EXPERIMENTAL_API /* rte_vect_get_max_simd_bitwidth(), until DPDK 23.11 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cpuflags.h>
#include <rte_malloc.h>
#include <rte_vect.h>

#include "build.h"
#include "engine.h"

static bool has(const enum rte_cpu_flag_t *flags, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rte_cpu_get_flag_enabled(flags[i]) <= 0)
			return false;
	return true;
}

static bool has_scalar(void)
{
	return has(NULL, 0);
}

#ifdef RTE_ARCH_X86

static bool has_sse(void)
{
	static const enum rte_cpu_flag_t flags[] = {RTE_CPUFLAG_SSE4_2};

	return has(flags, RTE_DIM(flags));
}

static bool has_avx2(void)
{
	static const enum rte_cpu_flag_t flags[] = {RTE_CPUFLAG_AVX2, RTE_CPUFLAG_BMI2};

	return has(flags, RTE_DIM(flags));
}

static bool has_avx512(void)
{
	static const enum rte_cpu_flag_t flags[] = {RTE_CPUFLAG_AVX512F, RTE_CPUFLAG_AVX512BW,
						    RTE_CPUFLAG_AVX512VL, RTE_CPUFLAG_BMI2};

	return has(flags, RTE_DIM(flags));
}

#endif

/* Widest first. */
static const struct variant variants[] = {
#ifdef RTE_ARCH_X86
	{"avx512", 16, RTE_VECT_SIMD_512, has_avx512, lookup_avx512},
	{"avx2", 8, RTE_VECT_SIMD_256, has_avx2, lookup_avx2},
	{"sse", 4, RTE_VECT_SIMD_128, has_sse, lookup_sse},
#endif
	{"scalar", 4, 0, has_scalar, lookup_scalar},
};

/* The widest that the CPU has and EAL allows. */
static const struct variant *widest_variant(void)
{
	size_t i = 0;

	while (!variants[i].cpu_has() || rte_vect_get_max_simd_bitwidth() < variants[i].simd_bits)
		i++;
	return &variants[i];
}

/* What is asked for by name need not be allowed by EAL, whose limit is a default for all. */
static int find_variant(const char *name, const struct variant **out, struct fg_error *error)
{
	*out = widest_variant();
	if (name == NULL || strcmp(name, fg_table_variants[0]) == 0)
		return 0;
	for (size_t i = 0; i < RTE_DIM(variants); i++) {
		if (strcmp(variants[i].name, name) != 0)
			continue;
		*out = &variants[i];
		return variants[i].cpu_has()
			       ? 0
			       : fg_error_set(
					 error, ENOTSUP,
					 "classify variant %s: this CPU lacks the instructions",
					 name);
	}
	return fg_error_set(error, EINVAL, "no classify variant is called '%s'", name);
}

int budget_alloc(struct budget *budget, size_t bytes, void **out, struct fg_error *error)
{
	if (bytes > budget->bytes)
		return fg_error_set(error, E2BIG,
				    "the compiled rules take more memory than classify: {budget: "
				    "...} allows");
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
	const struct variant *variant;
	struct tiered *tiered;
	void *memory;
	int rc = find_variant(conf->variant, &variant, error);

	if (rc == 0)
		rc = budget_alloc(&budget, sizeof(*tiered), &memory, error);
	if (rc != 0)
		return rc;
	tiered = memory;
	memset(tiered, 0, sizeof(*tiered));
	tiered->variant = variant;
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

	info->variant = tiered->variant->name;
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

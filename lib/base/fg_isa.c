/* SPDX-License-Identifier: MIT */
#define ALLOW_EXPERIMENTAL_API /* rte_vect_get_max_simd_bitwidth(), until DPDK 23.11 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cpuflags.h>
#include <rte_vect.h>

#include <fg_isa.h>

const char *const fg_isa_options[] = {"auto", "avx2", "sse", "scalar", NULL};

enum { FLAGS_MAX = 3 };

/* What a set requires. */
struct set {
	const char *name;
	unsigned int simd_bits; /* width that EAL must allow */
	unsigned int n_flags;
	enum rte_cpu_flag_t flags[FLAGS_MAX];
};

static const struct set sets[] = {
	[FG_ISA_SCALAR] = {"scalar", 0, 0, {0}},
#ifdef RTE_ARCH_X86
	[FG_ISA_SSE] = {"sse", 128, 1, {RTE_CPUFLAG_SSE4_2}},
	[FG_ISA_AVX2] = {"avx2", 256, 3, {RTE_CPUFLAG_AVX2, RTE_CPUFLAG_BMI2, RTE_CPUFLAG_MOVBE}},
#else
	[FG_ISA_SSE] = {.name = "sse", .n_flags = FLAGS_MAX + 1},
	[FG_ISA_AVX2] = {.name = "avx2", .n_flags = FLAGS_MAX + 1},
#endif
};

static bool cpu_has(const struct set *set)
{
	if (set->n_flags > FLAGS_MAX)
		return false; /* A set of another architecture. */
	for (unsigned int f = 0; f < set->n_flags; f++)
		if (rte_cpu_get_flag_enabled(set->flags[f]) <= 0)
			return false;
	return true;
}

static enum fg_isa widest(void)
{
	enum fg_isa isa = FG_ISA_COUNT - 1;

	while (!cpu_has(&sets[isa]) || rte_vect_get_max_simd_bitwidth() < sets[isa].simd_bits)
		isa--;
	return isa;
}

const char *fg_isa_name(enum fg_isa isa)
{
	return sets[isa].name;
}

int fg_isa_find(const char *name, enum fg_isa *out, struct fg_error *error)
{
	if (name == NULL || strcmp(name, fg_isa_options[0]) == 0) {
		*out = widest();
		return 0;
	}
	for (enum fg_isa isa = 0; isa < FG_ISA_COUNT; isa++) {
		if (strcmp(sets[isa].name, name) != 0)
			continue;
		if (!cpu_has(&sets[isa]))
			return fg_error_set(error, ENOTSUP,
					    "variant %s: this CPU lacks the instructions", name);
		*out = isa;
		return 0;
	}
	return fg_error_set(error, EINVAL, "no variant is called '%s'", name);
}

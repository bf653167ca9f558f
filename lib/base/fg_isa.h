/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Sets of vector instructions. Code that is faster with wider ones is compiled once for
 * each set, from one source file. The set is chosen at run time, so one binary runs on
 * every machine. lib/meson.build has the compiler flags of each set.
 */
#ifndef FG_ISA_H
#define FG_ISA_H

#include <fg_error.h>

/** The sets, narrowest first. */
enum fg_isa {
	FG_ISA_SCALAR = 0, /**< No vector instructions: every CPU. */
	FG_ISA_SSE,        /**< SSE4.2: every x86 that DPDK runs on. */
	FG_ISA_AVX2,       /**< AVX2, BMI2 and MOVBE. */
	FG_ISA_COUNT,
};

/** The values of an option: "auto", then the names of the sets, widest first; NULL-terminated. */
extern const char *const fg_isa_options[];

/** "scalar", "sse" or "avx2". Threads: any. */
const char *fg_isa_name(enum fg_isa isa);

/**
 * Find a set by name. "auto" or NULL is the widest set that the CPU has and EAL allows:
 * 256 bits by default, see --force-max-simd-bitwidth. A set given by name only needs the
 * CPU.
 * @return 0; -EINVAL: no such name; -ENOTSUP: the CPU lacks the instructions.
 * Threads: any, after EAL has started.
 */
int fg_isa_find(const char *name, enum fg_isa *out, struct fg_error *error);

#endif /* FG_ISA_H */

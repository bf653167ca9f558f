/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Sets of vector instructions. Code that gains by wide ones is compiled once
 * for each set, from one source, and chosen at run time: so one binary serves
 * a mixed rack.
 */
#ifndef FG_ISA_H
#define FG_ISA_H

#include <fg_error.h>

/** Narrowest first. */
enum fg_isa {
	FG_ISA_SCALAR = 0, /**< None: everywhere. */
	FG_ISA_SSE,        /**< SSE4.2: any x86 that DPDK runs on. */
	FG_ISA_AVX2,       /**< AVX2, BMI2 and MOVBE. */
	FG_ISA_AVX512,     /**< AVX-512 F, BW, VL and VBMI, and those of AVX2. */
	FG_ISA_COUNT,
};

/** What an option may say: "auto", then the sets, widest first; NULL-terminated. */
extern const char *const fg_isa_options[];

/** "scalar", "sse", "avx2", "avx512". */
const char *fg_isa_name(enum fg_isa isa);

/**
 * The set that @p name stands for. "auto", or NULL, is the widest that the CPU
 * has and EAL allows (--force-max-simd-bitwidth; unless told otherwise EAL allows
 * 256 bits). What is asked for by name needs the CPU only.
 * @return 0; -EINVAL for no such name; -ENOTSUP if the CPU lacks it.
 * Threads: any, after EAL has started.
 */
int fg_isa_find(const char *name, enum fg_isa *out, struct fg_error *error);

#endif /* FG_ISA_H */

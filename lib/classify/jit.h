/* SPDX-License-Identifier: MIT */
/* Machine code that DPDK made: does it jump where it should? */
#ifndef CLASSIFY_JIT_H
#define CLASSIFY_JIT_H

#include <stdbool.h>
#include <stdint.h>

struct ebpf_insn;
struct rte_bpf_jit;

/* A move of this and more to a register nobody reads marks what is jumped to. */
#define JIT_MARK 0x5eed0000

bool jit_is_mark(const struct ebpf_insn *insn);

/*
 * Does each jump in the code of @p insns go where it goes there? Every target
 * in @p insns must be a mark, and the first exit must follow one. False also
 * for code that is not understood, and for processors other than x86-64.
 */
bool jit_jumps_right(const struct rte_bpf_jit *jit, const struct ebpf_insn *insns, uint32_t count);

#endif /* CLASSIFY_JIT_H */

/* SPDX-License-Identifier: MIT */
/* Checks the jumps in the machine code that DPDK made. */
#ifndef CLASSIFY_JIT_H
#define CLASSIFY_JIT_H

#include <stdbool.h>
#include <stdint.h>

struct ebpf_insn;
struct rte_bpf_jit;

/*
 * A mark stands before each instruction that is a jump target: a move of JIT_MARK
 * plus a number below 65536 to a register that nothing reads.
 */
#define JIT_MARK 0x5eed0000

bool jit_is_mark(const struct ebpf_insn *insn);

/*
 * Does each jump of the machine code reach the target that it has in @p insns? Each
 * target in @p insns must be a mark, and a mark must stand before the first exit.
 * False also for unknown machine code, for code that depends on its place (relative
 * calls and addresses), and on processors other than x86-64.
 */
bool jit_jumps_right(const struct rte_bpf_jit *jit, const struct ebpf_insn *insns, uint32_t count);

#endif /* CLASSIFY_JIT_H */

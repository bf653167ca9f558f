/* SPDX-License-Identifier: MIT */
/* Properties of a classic BPF program, found without running it. */
#ifndef CLASSIFY_CBPF_H
#define CLASSIFY_CBPF_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_insn;
struct bpf_program;

/* What a program may do for any packet. */
struct cbpf_facts {
	bool far_load;   /* read from an offset over INT32_MAX */
	bool long_shift; /* shift by more than 31 bits */
	uint64_t steps;  /* of all paths through it together; UINT64_MAX: that many or more */
};

/* Where control may go after instruction @p at: up to two places, the same one twice if both are.
 * @return how many. */
unsigned int cbpf_targets(const struct bpf_program *program, uint32_t at, uint32_t to[2]);

/* Does it jump backwards? A program that does not always ends. */
bool cbpf_loops(const struct bpf_program *program);

/* @p program must not loop. 0 or -ENOMEM. */
int cbpf_examine(const struct bpf_program *program, struct cbpf_facts *facts);

#endif /* CLASSIFY_CBPF_H */

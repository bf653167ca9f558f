/* SPDX-License-Identifier: MIT */
/*
 * One pass, in order, over a program that only jumps forward. For each instruction
 * it computes the maximum of each register when control reaches it; where paths
 * meet, the larger one. A result that does not fit 32 bits wraps: it may be anything.
 */
#include "cbpf.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#define ANYTHING UINT64_C(0xffffffff)

struct state {
	uint64_t paths; /* that lead here; 0: unreachable */
	uint64_t a, x, memory[BPF_MEMWORDS];
};

bool cbpf_loops(const struct bpf_program *program)
{
	for (uint32_t i = 0; i < program->bf_len; i++)
		if (program->bf_insns[i].code == (BPF_JMP | BPF_JA) &&
		    program->bf_insns[i].k >= program->bf_len)
			return true;
	return false;
}

static uint64_t wrapped(uint64_t value)
{
	return value > ANYTHING ? ANYTHING : value;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* All bits below the highest one set. */
static uint64_t filled(uint64_t value)
{
	for (unsigned int shift = 1; shift < 64; shift *= 2)
		value |= value >> shift;
	return value;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t after_alu(const struct bpf_insn *insn, uint64_t a, uint64_t by,
			  struct cbpf_facts *facts)
{
	const bool by_constant = BPF_SRC(insn->code) == BPF_K;

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		return wrapped(a + by);
	case BPF_MUL:
		return wrapped(a * by);
	case BPF_DIV:
		return by_constant && by > 0 ? a / by : a;
	case BPF_MOD:
		return by > 0 ? lower(a, by - 1) : a;
	case BPF_AND:
		return lower(a, by);
	case BPF_OR:
	case BPF_XOR:
		return filled(a | by);
	case BPF_LSH:
		facts->long_shift |= by > 31;
		return by > 31 ? ANYTHING : wrapped(a << by);
	case BPF_RSH:
		facts->long_shift |= by > 31;
		return by_constant && by <= 31 ? a >> by : a;
	default: /* It may fall below zero, and wrap. */
		return ANYTHING;
	}
}

static uint64_t after_load(const struct bpf_insn *insn, const struct state *state,
			   struct cbpf_facts *facts)
{
	const uint64_t highest = BPF_SIZE(insn->code) == BPF_B   ? UINT8_MAX
				 : BPF_SIZE(insn->code) == BPF_H ? UINT16_MAX
								 : ANYTHING;
	uint64_t offset = insn->k;

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		return insn->k;
	case BPF_MEM:
		return insn->k < BPF_MEMWORDS ? state->memory[insn->k] : ANYTHING;
	case BPF_MSH:
		facts->far_load |= offset > INT32_MAX;
		return 4 * 0xf;
	case BPF_IND:
		offset += state->x;
		facts->far_load |= offset > INT32_MAX;
		return highest;
	case BPF_ABS:
		facts->far_load |= offset > INT32_MAX;
		return highest;
	default: /* the packet's length */
		return ANYTHING;
	}
}

static void step(const struct bpf_insn *insn, struct state *state, struct cbpf_facts *facts)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		state->a = after_load(insn, state, facts);
		break;
	case BPF_LDX:
		state->x = after_load(insn, state, facts);
		break;
	case BPF_ST:
		if (insn->k < BPF_MEMWORDS)
			state->memory[insn->k] = state->a;
		break;
	case BPF_STX:
		if (insn->k < BPF_MEMWORDS)
			state->memory[insn->k] = state->x;
		break;
	case BPF_ALU:
		state->a = after_alu(insn, state->a,
				     BPF_SRC(insn->code) == BPF_K ? insn->k : state->x, facts);
		break;
	case BPF_MISC:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			state->x = state->a;
		else
			state->a = state->x;
		break;
	}
}

static void flow(struct state *to, const struct state *from)
{
	if (to->a < from->a)
		to->a = from->a;
	if (to->x < from->x)
		to->x = from->x;
	for (unsigned int i = 0; i < BPF_MEMWORDS; i++)
		if (to->memory[i] < from->memory[i])
			to->memory[i] = from->memory[i];
	to->paths = sum(to->paths, from->paths);
}

unsigned int cbpf_targets(const struct bpf_program *program, uint32_t at, uint32_t to[2])
{
	const struct bpf_insn *insn = &program->bf_insns[at];
	unsigned int n = 0;
	uint64_t all[2] = {(uint64_t)at + 1, UINT64_MAX};

	if (BPF_CLASS(insn->code) == BPF_RET)
		return 0;
	if (insn->code == (BPF_JMP | BPF_JA)) {
		all[0] += insn->k;
	} else if (BPF_CLASS(insn->code) == BPF_JMP) {
		all[0] = (uint64_t)at + 1 + insn->jt;
		all[1] = (uint64_t)at + 1 + insn->jf;
	}
	for (unsigned int i = 0; i < 2; i++)
		if (all[i] < program->bf_len)
			to[n++] = (uint32_t)all[i];
	return n;
}

int cbpf_examine(const struct bpf_program *program, struct cbpf_facts *facts)
{
	struct state *states = calloc(program->bf_len, sizeof(*states));

	*facts = (struct cbpf_facts){0};
	if (states == NULL)
		return -ENOMEM;
	states[0].paths = 1;
	for (unsigned int i = 0; i < BPF_MEMWORDS; i++)
		states[0].memory[i] = ANYTHING;
	for (uint32_t i = 0; i < program->bf_len; i++) {
		uint32_t to[2];

		if (states[i].paths == 0)
			continue;
		facts->steps = sum(facts->steps, states[i].paths);
		step(&program->bf_insns[i], &states[i], facts);
		for (unsigned int n = cbpf_targets(program, i, to); n-- > 0;)
			flow(&states[to[n]], &states[i]);
	}
	free(states);
	return 0;
}

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

struct examination {
	const struct bpf_program *program;
	struct cbpf_facts *facts;
	struct state *states; /* [program->bf_len] */
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

static void flow(struct examination *on, uint64_t target, const struct state *from)
{
	struct state *to;

	if (target >= on->program->bf_len)
		return;
	to = &on->states[target];
	if (to->a < from->a)
		to->a = from->a;
	if (to->x < from->x)
		to->x = from->x;
	for (unsigned int i = 0; i < BPF_MEMWORDS; i++)
		if (to->memory[i] < from->memory[i])
			to->memory[i] = from->memory[i];
	to->paths = sum(to->paths, from->paths);
}

static void leave(struct examination *on, uint32_t at, const struct state *state)
{
	const struct bpf_insn *insn = &on->program->bf_insns[at];
	const uint64_t next = (uint64_t)at + 1;

	if (insn->code == (BPF_JMP | BPF_JA)) {
		flow(on, next + insn->k, state);
	} else if (BPF_CLASS(insn->code) == BPF_JMP) {
		flow(on, next + insn->jt, state);
		flow(on, next + insn->jf, state);
	} else if (BPF_CLASS(insn->code) != BPF_RET) {
		flow(on, next, state);
	}
}

int cbpf_examine(const struct bpf_program *program, struct cbpf_facts *facts)
{
	struct examination on = {
		.program = program,
		.facts = facts,
		.states = calloc(program->bf_len, sizeof(*on.states)),
	};

	*facts = (struct cbpf_facts){0};
	if (on.states == NULL)
		return -ENOMEM;
	on.states[0].paths = 1;
	for (unsigned int i = 0; i < BPF_MEMWORDS; i++)
		on.states[0].memory[i] = ANYTHING;
	for (uint32_t i = 0; i < program->bf_len; i++) {
		if (on.states[i].paths == 0)
			continue;
		facts->steps = sum(facts->steps, on.states[i].paths);
		step(&program->bf_insns[i], &on.states[i], facts);
		leave(&on, i, &on.states[i]);
	}
	free(on.states);
	return 0;
}

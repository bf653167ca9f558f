/* SPDX-License-Identifier: MIT */
/*
 * One pass, in order, over a program that only jumps forward. For each instruction it
 * computes what each register holds when control reaches it: a constant, bits of the
 * frame, or something unknown. Where paths meet and differ, it is unknown.
 */
#include "needs.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "cbpf.h"

#define OFFSET_MAX UINT32_C(0xffff) /* no frame is longer */

enum kind {
	UNKNOWN,
	CONSTANT, /* plus */
	BITS,     /* of the field, + plus */
	HEADER,   /* 4 times the low half of the byte at field.header, + plus */
};

/* All words of 32 bits: compared as memory. */
struct operand {
	uint32_t kind;
	uint32_t plus;
	struct field field;
};

struct state {
	bool reached;
	struct operand a, x, memory[BPF_MEMWORDS];
};

static struct operand constant(uint32_t value)
{
	return (struct operand){.kind = CONSTANT, .plus = value};
}

static struct operand bits_at(uint32_t header, uint64_t offset, uint16_t code)
{
	const uint32_t bytes = BPF_SIZE(code) == BPF_B ? 1 : BPF_SIZE(code) == BPF_H ? 2 : 4;

	if (offset > OFFSET_MAX)
		return (struct operand){.kind = UNKNOWN};
	return (struct operand){
		.kind = BITS,
		.field = {.header = header,
			  .offset = (uint32_t)offset,
			  .bytes = bytes,
			  .mask = UINT32_MAX >> (32 - 8 * bytes)},
	};
}

static struct operand loaded(const struct bpf_insn *insn, const struct state *state)
{
	const struct operand unknown = {.kind = UNKNOWN};

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		return constant(insn->k);
	case BPF_MEM:
		return insn->k < BPF_MEMWORDS ? state->memory[insn->k] : unknown;
	case BPF_ABS:
		return bits_at(FIELD_FROM_START, insn->k, insn->code);
	case BPF_IND:
		if (state->x.kind == CONSTANT)
			return bits_at(FIELD_FROM_START, (uint64_t)state->x.plus + insn->k,
				       insn->code);
		if (state->x.kind == HEADER)
			return bits_at(state->x.field.header, (uint64_t)state->x.plus + insn->k,
				       insn->code);
		return unknown;
	case BPF_MSH:
		if (insn->k > OFFSET_MAX)
			return unknown;
		return (struct operand){.kind = HEADER, .field = {.header = insn->k}};
	default:
		return unknown;
	}
}

static struct operand added(struct operand to, uint32_t value)
{
	if (to.kind != UNKNOWN)
		to.plus += value;
	return to;
}

static struct operand computed(const struct bpf_insn *insn, const struct state *state)
{
	const struct operand by = BPF_SRC(insn->code) == BPF_K ? constant(insn->k) : state->x;
	struct operand a = state->a;

	if (BPF_OP(insn->code) == BPF_ADD && by.kind == CONSTANT)
		return added(a, by.plus);
	if (BPF_OP(insn->code) == BPF_ADD && a.kind == CONSTANT)
		return added(by, a.plus);
	if (BPF_OP(insn->code) == BPF_SUB && by.kind == CONSTANT)
		return added(a, -by.plus);
	if (BPF_OP(insn->code) == BPF_AND && by.kind == CONSTANT) {
		if (a.kind == CONSTANT)
			return constant(a.plus & by.plus);
		if (a.kind == BITS && a.plus == 0) {
			a.field.mask &= by.plus;
			return a;
		}
	}
	return (struct operand){.kind = UNKNOWN};
}

static void step(const struct bpf_insn *insn, struct state *state)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		state->a = loaded(insn, state);
		break;
	case BPF_LDX:
		state->x = loaded(insn, state);
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
		state->a = computed(insn, state);
		break;
	case BPF_MISC:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			state->x = state->a;
		else
			state->a = state->x;
		break;
	}
}

static void meet(struct operand *to, const struct operand *from)
{
	if (memcmp(to, from, sizeof(*to)) != 0)
		*to = (struct operand){.kind = UNKNOWN};
}

static void flow(struct state *to, const struct state *from)
{
	if (!to->reached) {
		*to = *from;
		return;
	}
	meet(&to->a, &from->a);
	meet(&to->x, &from->x);
	for (unsigned int i = 0; i < BPF_MEMWORDS; i++)
		meet(&to->memory[i], &from->memory[i]);
}

static struct need need_of(const struct bpf_insn *insn, const struct state *state)
{
	const struct operand by = BPF_SRC(insn->code) == BPF_K ? constant(insn->k) : state->x;

	if (BPF_CLASS(insn->code) != BPF_JMP || BPF_OP(insn->code) != BPF_JEQ ||
	    insn->jt == insn->jf || by.kind != CONSTANT || state->a.kind != BITS)
		return (struct need){0};
	return (struct need){.field = state->a.field, .value = by.plus - state->a.plus};
}

int needs_find(const struct bpf_program *program, struct need *needs)
{
	struct state *states = calloc(program->bf_len, sizeof(*states));

	if (states == NULL)
		return -ENOMEM;
	states[0].reached = true;
	for (uint32_t i = 0; i < program->bf_len; i++) {
		uint32_t to[2];

		needs[i] = (struct need){0};
		if (!states[i].reached)
			continue;
		needs[i] = need_of(&program->bf_insns[i], &states[i]);
		step(&program->bf_insns[i], &states[i]);
		for (unsigned int n = cbpf_targets(program, i, to); n-- > 0;)
			flow(&states[to[n]], &states[i]);
	}
	free(states);
	return 0;
}

bool needs_cut(const struct bpf_program *program, const bool *closed, bool *reached)
{
	memset(reached, 0, program->bf_len * sizeof(*reached));
	reached[0] = true;
	for (uint32_t i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];
		uint32_t to[2];

		if (!reached[i])
			continue;
		if (BPF_CLASS(insn->code) == BPF_RET &&
		    (BPF_RVAL(insn->code) != BPF_K || insn->k != 0))
			return false;
		for (unsigned int n = cbpf_targets(program, i, to); n-- > 0;)
			if (!closed[i] || to[n] != i + 1 + insn->jt)
				reached[to[n]] = true;
	}
	return true;
}

uint32_t needs_longest_run(const struct bpf_program *program, uint32_t *longest)
{
	for (uint32_t i = program->bf_len; i-- > 0;) {
		uint32_t to[2];

		longest[i] = 1;
		for (unsigned int n = cbpf_targets(program, i, to); n-- > 0;)
			if (longest[i] < longest[to[n]] + 1)
				longest[i] = longest[to[n]] + 1;
	}
	return longest[0];
}

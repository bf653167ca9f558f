/* SPDX-License-Identifier: MIT */
/*
 * DPDK's JIT compiler for x86 (up to 26.07 at least) chooses short or long jumps
 * in passes. It stops when the size of the code did not change, but a jump may
 * have changed nevertheless. One program in some thousands, as "udp or vlan or
 * vlan", then jumps into the middle of an instruction. So the code is decoded
 * here, and runs only if all its jumps are right: marks show where they must go.
 */
#include "jit.h"

#include <stdlib.h>
#include <string.h>

#include <rte_bpf.h>
#include <rte_common.h>

enum kind {
	PLAIN, /* the next instruction follows */
	JUMP,
	BRANCH, /* a conditional jump */
	MARK,
	RETURN,
	UNKNOWN,
};

/* One machine instruction. */
struct step {
	enum kind kind;
	size_t next;    /* offset of the next instruction */
	int64_t target; /* of a jump: an offset; of a mark: its number */
};

struct reading {
	const uint8_t *code;
	size_t size, at;
	const struct ebpf_insn *insns;
	uint32_t count;
	int64_t exit; /* offset; 0: not reached yet */
	struct {
		int64_t mark; /* offset of the code of a mark */
		bool jumps;
		int64_t target; /* offset that its code jumps to */
	} * found;              /* [count] */
};

bool jit_is_mark(const struct ebpf_insn *insn)
{
	return insn->code == (BPF_ALU | EBPF_MOV | BPF_K) && (insn->imm & ~0xffff) == JIT_MARK;
}

static int64_t number_at(const uint8_t *at, size_t bytes)
{
	int32_t number;

	if (bytes == 1)
		return (int8_t)at[0];
	memcpy(&number, at, sizeof(number));
	return number;
}

/* Bytes that encode the operands, @p modrm included; 0: a form that is never emitted. */
static size_t operand_bytes(uint8_t modrm)
{
	const size_t sib = (modrm & 7) == 4;

	switch (modrm >> 6) {
	case 3:
		return 1;
	case 1:
		return 2 + sib;
	case 2:
		return 5 + sib;
	default:
		return 0;
	}
}

/* Bytes of the immediate of an instruction with operands; -1: never emitted. */
static int immediate_bytes(uint8_t opcode, uint8_t modrm)
{
	switch (opcode) {
	case 0x01: /* arithmetic, moves, exchange, call */
	case 0x09:
	case 0x21:
	case 0x29:
	case 0x31:
	case 0x39:
	case 0x85:
	case 0x87:
	case 0x89:
	case 0x8b:
	case 0xd3:
	case 0xff:
		return 0;
	case 0x83:
	case 0xc1:
		return 1;
	case 0x81:
	case 0xc7:
		return 4;
	case 0xf7:
		return (modrm >> 3 & 7) == 0 ? 4 : 0; /* test; negate, multiply, divide */
	default:
		return -1;
	}
}

static struct step jump(enum kind kind, const uint8_t *code, size_t at, size_t bytes)
{
	return (struct step){
		.kind = kind,
		.next = at + bytes,
		.target = (int64_t)(at + bytes) + number_at(code + at, bytes),
	};
}

/* An instruction with an opcode of two bytes; @p at: the second. */
static struct step read_long_opcode(const uint8_t *code, size_t at)
{
	const uint8_t opcode = code[at];
	const size_t operands = operand_bytes(code[at + 1]);

	if (opcode >= 0x80 && opcode <= 0x8f)
		return jump(BRANCH, code, at + 1, 4);
	if (opcode >= 0xc8 && opcode <= 0xcf) /* bswap */
		return (struct step){.kind = PLAIN, .next = at + 1};
	if (operands > 0 &&
	    (opcode == 0xb6 || opcode == 0xb7 || (opcode >= 0x40 && opcode <= 0x4f)))
		return (struct step){.kind = PLAIN, .next = at + 1 + operands};
	return (struct step){.kind = UNKNOWN};
}

/* 16 bytes must be readable at @p at: more than any instruction has. */
static struct step read_step(const uint8_t *code, size_t at)
{
	struct step step = {.kind = UNKNOWN};
	uint8_t rex = 0, opcode;
	size_t operands;
	int immediate;

	at += code[at] == 0x66;
	if (code[at] >> 4 == 4)
		rex = code[at++];
	opcode = code[at++];
	if (opcode == 0x0f)
		return read_long_opcode(code, at);
	if (opcode >> 4 == 7)
		return jump(BRANCH, code, at, 1);
	if (opcode == 0xeb || opcode == 0xe9)
		return jump(JUMP, code, at, opcode == 0xeb ? 1 : 4);
	if (opcode == 0xc3)
		return (struct step){.kind = RETURN, .next = at};
	if (opcode >= 0xb8 && opcode <= 0xbf) /* a whole register from the code */
		return (struct step){.kind = PLAIN, .next = at + ((rex & 8) != 0 ? 8 : 4)};
	operands = operand_bytes(code[at]);
	immediate = immediate_bytes(opcode, code[at]);
	if (operands == 0 || immediate < 0)
		return step;
	step.kind = PLAIN;
	step.next = at + operands + (size_t)immediate;
	if (opcode == 0xc7) {
		step.target = number_at(code + step.next - 4, 4);
		if ((step.target & ~0xffff) == JIT_MARK)
			step.kind = MARK;
	}
	return step;
}

/* Move to the next instruction that is not plain. false: it is not of @p kind. */
static bool expect(struct reading *r, enum kind kind, struct step *step)
{
	do {
		if (r->at >= r->size)
			return false;
		*step = read_step(r->code, r->at);
		if (step->kind == UNKNOWN || step->next > r->size)
			return false;
		r->at = step->next;
	} while (step->kind == PLAIN);
	return step->kind == kind;
}

static void record_jump(struct reading *r, uint32_t i, int64_t target)
{
	r->found[i].jumps = true;
	r->found[i].target = target;
}

/* A load: a branch to the slow path, a jump over that path, and its branch to the exit. */
static bool expect_load(struct reading *r, uint32_t i)
{
	struct step slow, over, leave;

	if (!expect(r, BRANCH, &slow) || !expect(r, JUMP, &over) || !expect(r, BRANCH, &leave))
		return false;
	record_jump(r, i, leave.target);
	return slow.target == (int64_t)over.next && over.target == (int64_t)leave.next;
}

static bool expect_exit(struct reading *r, uint32_t i)
{
	const int64_t begin = (int64_t)r->at;
	struct step step;

	if (r->exit == 0) { /* The first exit, all others jump to it. Only its mark precedes it. */
		r->exit = begin;
		return i > 0 && jit_is_mark(&r->insns[i - 1]) && expect(r, RETURN, &step);
	}
	if (!expect(r, JUMP, &step))
		return false;
	record_jump(r, i, step.target);
	return true;
}

static bool divides_by_register(const struct ebpf_insn *insn)
{
	return insn->code == (BPF_ALU | BPF_DIV | BPF_X) ||
	       insn->code == (BPF_ALU | BPF_MOD | BPF_X);
}

static bool is_load(const struct ebpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LD &&
	       (BPF_MODE(insn->code) == BPF_ABS || BPF_MODE(insn->code) == BPF_IND);
}

/* Decode the code of instruction @p i, and record where it jumps. */
static bool read_insn(struct reading *r, uint32_t i)
{
	const struct ebpf_insn *insn = &r->insns[i];
	struct step step;

	if (jit_is_mark(insn)) {
		if (!expect(r, MARK, &step) || step.target != insn->imm)
			return false;
		/* The code of a mark has 7 bytes. */
		r->found[i].mark = (int64_t)step.next - 7;
		return true;
	}
	if (is_load(insn))
		return expect_load(r, i);
	if (insn->code == (BPF_JMP | EBPF_EXIT))
		return expect_exit(r, i);
	if (BPF_CLASS(insn->code) != BPF_JMP && !divides_by_register(insn))
		return true;
	if (!expect(r, insn->code == (BPF_JMP | BPF_JA) ? JUMP : BRANCH, &step))
		return false;
	record_jump(r, i, step.target);
	return true;
}

/* Where instruction @p i must jump: to a mark, or to the exit. */
static int64_t right_target(const struct reading *r, uint32_t i)
{
	const struct ebpf_insn *insn = &r->insns[i];
	const int64_t target = (int64_t)i + 1 + insn->off;

	if (BPF_CLASS(insn->code) != BPF_JMP || insn->code == (BPF_JMP | EBPF_EXIT))
		return r->exit;
	return target < r->count && jit_is_mark(&r->insns[target]) ? r->found[target].mark : -1;
}

static bool read_all(struct reading *r)
{
	struct step step;

	for (uint32_t i = 0; i < r->count; i++)
		if (!read_insn(r, i))
			return false;
	if (expect(r, PLAIN, &step) || r->at != r->size)
		return false; /* More code than instructions. */
	for (uint32_t i = 0; i < r->count; i++)
		if (r->found[i].jumps && r->found[i].target != right_target(r, i))
			return false;
	return true;
}

bool jit_jumps_right(const struct rte_bpf_jit *jit, const struct ebpf_insn *insns, uint32_t count)
{
	struct reading r = {.size = jit->sz, .insns = insns, .count = count};
	uint8_t *copy = calloc(1, jit->sz + 16);
	const void *code;
	bool right = false;

	r.code = copy;
	r.found = calloc(count, sizeof(*r.found));
#ifdef RTE_ARCH_X86_64
	if (copy != NULL && r.found != NULL) {
		memcpy(&code, &jit->func, sizeof(code));
		memcpy(copy, code, jit->sz);
		right = read_all(&r);
	}
#endif
	free(r.found);
	free(copy);
	return right;
}

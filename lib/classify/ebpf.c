/* SPDX-License-Identifier: MIT */
#define ALLOW_EXPERIMENTAL_API /* rte_bpf_convert, until DPDK 23.11 */

#include "ebpf.h"

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <rte_bpf.h>
#include <rte_malloc.h>

#include "cbpf.h"
#include "jit.h"

/*
 * rte_bpf_load() follows every path through a program, and reuses little (none
 * before 22.11.11) of what it found on other paths. This many steps take a tenth
 * of a second.
 */
#define STEPS_MAX 1000000u

/* Instructions by which rte_bpf_convert() clears A and X and fetches the mbuf. */
#define PROLOGUE 3u

#define SPARE_REG EBPF_REG_9 /* rte_bpf_convert() uses up to 8 */

/* Can DPDK run it correctly? It truncates long shifts and far offsets. */
static bool fits_dpdk(const struct bpf_program *program)
{
	struct cbpf_facts facts;

	return cbpf_examine(program, &facts) == 0 && !facts.far_load && !facts.long_shift &&
	       facts.steps <= STEPS_MAX;
}

static bool jumps(const struct ebpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) != EBPF_EXIT;
}

/*
 * "test" of x86 has an immediate of 32 bits, but the JIT compiler (up to 26.07 at
 * least) emits eight if the number fits them: the rest of the code is garbage.
 */
static bool breaks_jit(const struct ebpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_JSET | BPF_K) && insn->imm >= INT8_MIN &&
	       insn->imm <= INT8_MAX;
}

static bool prologue_is_known(const struct rte_bpf_prm *prm)
{
	const struct ebpf_insn *clear_x = &prm->ins[1];

	return prm->nb_ins >= PROLOGUE && clear_x->code == (EBPF_ALU64 | BPF_XOR | BPF_X) &&
	       clear_x->dst_reg == clear_x->src_reg;
}

/* A converted program, and the places of its instructions once it is repaired. */
struct repair {
	const struct rte_bpf_prm *prm;
	uint32_t *at;       /* [nb_ins], new places */
	uint8_t *is_target; /* [nb_ins]: a jump target, or the first exit */
	uint32_t count;     /* of the repaired program */
};

static void find_targets(struct repair *m)
{
	bool exit_found = false;

	for (uint32_t i = 0; i < m->prm->nb_ins; i++) {
		const struct ebpf_insn *insn = &m->prm->ins[i];

		if (jumps(insn))
			m->is_target[(int32_t)i + 1 + insn->off] = true;
		if (insn->code == (BPF_JMP | EBPF_EXIT) && !exit_found)
			m->is_target[i] = exit_found = true;
	}
}

static void place(struct repair *m)
{
	for (uint32_t i = 0; i < m->prm->nb_ins; i++) {
		m->at[i] = m->count;
		m->count += 1u + m->is_target[i] + breaks_jit(&m->prm->ins[i]);
	}
}

static struct ebpf_insn set_spare(int32_t value)
{
	return (struct ebpf_insn){
		.code = BPF_ALU | EBPF_MOV | BPF_K,
		.dst_reg = SPARE_REG,
		.imm = value,
	};
}

/* Write the program to @p to: with marks, and with the defects of rte_bpf repaired. */
static void write_repaired(const struct repair *m, struct ebpf_insn *to)
{
	int32_t marks = 0;

	for (uint32_t i = 0; i < m->prm->nb_ins; i++) {
		struct ebpf_insn insn = m->prm->ins[i];
		struct ebpf_insn *out = &to[m->at[i]];

		if (m->is_target[i])
			*out++ = set_spare(JIT_MARK + marks++);
		/* Up to 26.07 at least, loads of 1 and 4 bytes at [x + k] use A instead of X. */
		if (BPF_CLASS(insn.code) == BPF_LD && BPF_MODE(insn.code) == BPF_IND)
			insn.src_reg = m->prm->ins[1].dst_reg;
		if (breaks_jit(&insn)) {
			*out++ = set_spare(insn.imm);
			insn.code = BPF_JMP | BPF_JSET | BPF_X;
			insn.src_reg = SPARE_REG;
			insn.imm = 0;
		}
		if (jumps(&insn))
			insn.off = (int16_t)(m->at[(int32_t)i + 1 + insn.off] -
					     (uint32_t)(out - to) - 1);
		*out = insn;
	}
}

static uint64_t (*load(const struct rte_bpf_prm *prm, struct rte_bpf **bpf))(void *)
{
	struct rte_bpf *loaded = rte_bpf_load(prm);
	struct rte_bpf_jit jit = {0};

	if (loaded != NULL && rte_bpf_get_jit(loaded, &jit) == 0 && jit.func != NULL &&
	    jit_jumps_right(&jit, prm->ins, prm->nb_ins)) {
		*bpf = loaded;
		return jit.func;
	}
	rte_bpf_destroy(loaded);
	return NULL;
}

static uint64_t (*load_repaired(const struct rte_bpf_prm *prm, struct rte_bpf **bpf))(void *)
{
	struct repair m = {.prm = prm};
	struct rte_bpf_prm repaired = *prm;
	uint64_t (*func)(void *) = NULL;
	struct ebpf_insn *insns;

	m.at = calloc(prm->nb_ins, sizeof(*m.at));
	m.is_target = calloc(prm->nb_ins, sizeof(*m.is_target));
	if (m.at != NULL && m.is_target != NULL) {
		find_targets(&m);
		place(&m);
		insns = calloc(m.count, sizeof(*insns));
		if (insns != NULL && m.count <= INT16_MAX) {
			write_repaired(&m, insns);
			repaired.ins = insns;
			repaired.nb_ins = m.count;
			func = load(&repaired, bpf);
		}
		free(insns);
	}
	free(m.is_target);
	free(m.at);
	return func;
}

uint64_t (*ebpf_load(const struct bpf_program *program, struct rte_bpf **bpf))(void *)
{
	uint64_t (*func)(void *) = NULL;
	struct rte_bpf_prm *prm;

	if (!fits_dpdk(program))
		return NULL;
	prm = rte_bpf_convert(program);
	if (prm == NULL)
		return NULL;
	if (prologue_is_known(prm))
		func = load_repaired(prm, bpf);
	rte_free(prm);
	return func;
}

/* SPDX-License-Identifier: MIT */
/*
 * Values that a packet must have for a program to take a jump, found without running
 * it. From them, an index finds the programs that cannot accept a packet.
 */
#ifndef CLASSIFY_NEEDS_H
#define CLASSIFY_NEEDS_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_program;

#define FIELD_FROM_START UINT32_MAX

/* Some bits of a frame. */
struct field {
	uint32_t header; /* Offset of a byte whose low half, times 4, is added to offset. */
	uint32_t offset;
	uint32_t bytes; /* 1, 2 or 4 */
	uint32_t mask;
};

/* The field has this value. field.bytes 0: no need is known. */
struct need {
	struct field field;
	uint32_t value;
};

/*
 * For each instruction that is a conditional jump and goes to jt only if a field has a
 * certain value (read within the frame): that need. @p program must not loop.
 * @param needs  [bf_len], set.
 * 0 or -ENOMEM.
 */
int needs_find(const struct bpf_program *program, struct need *needs);

/*
 * Is it certain that the program accepts nothing if no jump with @p closed goes to jt?
 * @param closed   [bf_len]
 * @param reached  [bf_len], set: instructions that may run before such a jump is taken.
 */
bool needs_cut(const struct bpf_program *program, const bool *closed, bool *reached);

/* The most instructions that a run may take. @p longest: room, [bf_len]. */
uint32_t needs_longest_run(const struct bpf_program *program, uint32_t *longest);

#endif /* CLASSIFY_NEEDS_H */

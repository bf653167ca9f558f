/* SPDX-License-Identifier: MIT */
/*
 * Finds the programs that may accept a frame, so that the others need not run: hash
 * tables over values of which each program needs one (needs.h).
 */
#ifndef CLASSIFY_EXPR_INDEX_H
#define CLASSIFY_EXPR_INDEX_H

#include <stdint.h>

struct bpf_program;
struct expr_index;

#define EXPR_INDEX_FIELDS_MAX 32u

/*
 * Index @p programs: up to FG_EXPRS_MAX, without loops. 0; -ENOMEM; -E2BIG if they have
 * so many jumps that it would take long.
 */
int expr_index_build(const struct bpf_program *const *programs, uint32_t count,
		     struct expr_index **out);

/*
 * Set bit i of @p set, of (count + 63) / 64 words, if program i may accept this frame;
 * if it is clear, it does not. Hot.
 */
void expr_index_find(const struct expr_index *index, const uint8_t *data, uint32_t length,
		     uint64_t *set);

/* What one frame may cost. */
struct expr_bound {
	uint32_t programs;     /* that run */
	uint64_t instructions; /* of these programs */
};

/* The most that any frame may cost. @p steps: longest run of each program. */
struct expr_bound expr_index_bound(const struct expr_index *index, const uint32_t *steps);

void expr_index_free(struct expr_index *index);

#endif /* CLASSIFY_EXPR_INDEX_H */

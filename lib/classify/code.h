/* SPDX-License-Identifier: MIT */
/*
 * Machine code of many programs, packed. DPDK puts each program at the start of its
 * own page: with a thousand of them every run misses the TLB and, since their cache
 * sets are the same, the caches.
 */
#ifndef CLASSIFY_CODE_H
#define CLASSIFY_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code {
	uint8_t *at; /* NULL: none */
	size_t bytes, used;
};

/* Bytes that a program of @p bytes takes. */
size_t code_room(size_t bytes);

/* Room for @p bytes. false: there is no memory. */
bool code_open(struct code *code, size_t bytes);

/* Copy a program, which must not depend on its place. @return where; within the room. */
const void *code_add(struct code *code, const void *program, size_t bytes);

/* Make it executable, and read-only. false: the system does not allow it. */
bool code_seal(struct code *code);

/* Allowed on a zeroed or closed one. */
void code_close(struct code *code);

#endif /* CLASSIFY_CODE_H */

/* SPDX-License-Identifier: MIT */
#include "code.h"

#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 16u

size_t code_room(size_t bytes)
{
	return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

bool code_open(struct code *code, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*code = (struct code){0};
	if (at == MAP_FAILED)
		return false;
	*code = (struct code){.at = at, .bytes = bytes};
	return true;
}

const void *code_add(struct code *code, const void *program, size_t bytes)
{
	uint8_t *to = code->at + code->used;

	memcpy(to, program, bytes);
	code->used += code_room(bytes);
	return to;
}

bool code_seal(struct code *code)
{
	return mprotect(code->at, code->bytes, PROT_READ | PROT_EXEC) == 0;
}

void code_close(struct code *code)
{
	if (code->at != NULL)
		munmap(code->at, code->bytes);
	*code = (struct code){0};
}

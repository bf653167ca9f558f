/* SPDX-License-Identifier: MIT */
/* Looks names up in a struct fg_scope. */
#ifndef RULES_SCOPE_H
#define RULES_SCOPE_H

#include <stdint.h>
#include <string.h>

/* Index of @p name in @p names, or -1. */
static inline int scope_find(const char *const *names, uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

#endif /* RULES_SCOPE_H */

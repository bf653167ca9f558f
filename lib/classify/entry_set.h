/* SPDX-License-Identifier: MIT */
/* Some of the entries that a table is built from. */
#ifndef CLASSIFY_ENTRY_SET_H
#define CLASSIFY_ENTRY_SET_H

#include <stdint.h>

#include <fg_classify.h>

/* matches[ids[0]] to matches[ids[count - 1]] */
struct entry_set {
	const struct fg_match *matches;
	uint32_t *ids;
	uint32_t count;
};

static inline const struct fg_match *entry_set_get(const struct entry_set *set, uint32_t i)
{
	return &set->matches[set->ids[i]];
}

#endif /* CLASSIFY_ENTRY_SET_H */

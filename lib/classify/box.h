/* SPDX-License-Identifier: MIT */
/* An entry as a box in the space of keys: the values and masks that trees are cut by. */
#ifndef CLASSIFY_BOX_H
#define CLASSIFY_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_classify.h>

#include "tiered_table.h"

/* Of a port range that is no prefix, the masks hold the longest prefix around it. */
struct box {
	uint64_t values[KEY_WORDS];
	uint64_t masks[KEY_WORDS];
	uint32_t rank;
	bool ranged; /* a port range is narrower than its mask */
};

void box_make(struct box *box, const struct fg_match *match);

/* Is the key in the box? Ranges count as their prefix. @p words: [KEY_WORDS]. */
bool box_contains(const struct box *box, const uint64_t *words);

#endif /* CLASSIFY_BOX_H */

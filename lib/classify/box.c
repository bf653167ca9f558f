/* SPDX-License-Identifier: MIT */
#include "box.h"

#include <string.h>

#include <rte_byteorder.h>

static void common_prefix(uint16_t min, uint16_t max, uint16_t *value, uint16_t *mask)
{
	const unsigned int differing = (unsigned int)(min ^ max);
	const unsigned int bits = differing == 0 ? 0 : 32 - (unsigned int)__builtin_clz(differing);

	*mask = (uint16_t)(UINT32_MAX << bits);
	*value = min & *mask;
}

/* Is the range exactly the prefix? */
static bool is_prefix(uint16_t min, uint16_t max, uint16_t mask)
{
	return (min & ~mask) == 0 && (max | mask) == UINT16_MAX;
}

void box_make(struct box *box, const struct fg_match *match)
{
	struct fg_key value = match->value, mask = match->mask;
	uint16_t v, m;

	box->rank = match->rule - 1;
	common_prefix(match->src_port_min, match->src_port_max, &v, &m);
	value.src_port_be = rte_cpu_to_be_16(v);
	mask.src_port_be = rte_cpu_to_be_16(m);
	box->ranged = !is_prefix(match->src_port_min, match->src_port_max, m);
	common_prefix(match->dst_port_min, match->dst_port_max, &v, &m);
	value.dst_port_be = rte_cpu_to_be_16(v);
	mask.dst_port_be = rte_cpu_to_be_16(m);
	box->ranged |= !is_prefix(match->dst_port_min, match->dst_port_max, m);
	memcpy(box->values, &value, sizeof(value));
	memcpy(box->masks, &mask, sizeof(mask));
}

bool box_contains(const struct box *box, const uint64_t *words)
{
	uint64_t differs = 0;

	for (unsigned int w = 0; w < KEY_WORDS; w++)
		differs |= (words[w] & box->masks[w]) ^ box->values[w];
	return differs == 0;
}

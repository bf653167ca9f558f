/* SPDX-License-Identifier: MIT */
/*
 * The engine "linear", which compares all entries in turn: the reference
 * implementation, which defines what a match is and tests the other engines.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include <fg_meta.h>

#include "engine.h"

struct linear {
	uint32_t count;
	struct fg_match matches[];
};

static int in_range(uint16_t port_be, uint16_t min, uint16_t max)
{
	const uint16_t port = rte_be_to_cpu_16(port_be);

	return port >= min && port <= max;
}

int fg_match_test(const struct fg_match *match, const struct fg_key *key)
{
	const uint8_t *k = (const uint8_t *)key;
	const uint8_t *value = (const uint8_t *)&match->value;
	const uint8_t *mask = (const uint8_t *)&match->mask;

	for (size_t i = 0; i < sizeof(*key); i++)
		if ((k[i] & mask[i]) != value[i])
			return 0;
	return in_range(key->src_port_be, match->src_port_min, match->src_port_max) &&
	       in_range(key->dst_port_be, match->dst_port_min, match->dst_port_max);
}

static int linear_build(const struct fg_table_conf *conf, const struct fg_match *matches,
			uint32_t count, uint8_t *tiers, void **out, struct fg_error *error)
{
	struct linear *linear = malloc(sizeof(*linear) + count * sizeof(linear->matches[0]));

	(void)conf;
	(void)tiers;
	if (linear == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u rule entries", count);
	linear->count = 0;
	for (uint32_t i = 0; i < count; i++)
		if (matches[i].expr == NULL)
			linear->matches[linear->count++] = matches[i];
	*out = linear;
	return 0;
}

static void linear_lookup(const void *table, const struct fg_key *keys, uint32_t *rules,
			  unsigned int count)
{
	const struct linear *linear = table;

	for (unsigned int i = 0; i < count; i++) {
		rules[i] = FG_RULE_NONE;
		for (uint32_t m = 0; m < linear->count; m++)
			if ((rules[i] == FG_RULE_NONE || linear->matches[m].rule < rules[i]) &&
			    fg_match_test(&linear->matches[m], &keys[i]))
				rules[i] = linear->matches[m].rule;
	}
}

static void linear_info(const void *table, struct fg_table_info *info)
{
	const struct linear *linear = table;

	info->bytes = sizeof(*linear) + linear->count * sizeof(linear->matches[0]);
	info->worst_compares = linear->count;
}

const struct engine engine_linear = {
	.name = "linear",
	.build = linear_build,
	.lookup = linear_lookup,
	.info = linear_info,
	.free = free,
};

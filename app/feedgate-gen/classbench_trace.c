/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "classbench.h"
#include "options.h"
#include "output.h"
#include "rng.h"

#define FLOWS        64u
#define FLOW_OCTAVES 10u /* longest flow: 2^10 packets */
#define UNRELATED_OF 32u /* one flow of so many is not near a rule */
#define OUTSIDE_OF   8u  /* one field of so many is just outside the rule */

struct flow {
	uint32_t address[2];
	uint16_t port[2];
	uint8_t protocol;
	uint32_t rule; /* 1-based; 0: none */
	uint32_t left; /* packets to come */
};

/* A number near min..max: often a bound, sometimes next to it; with @p edge always. */
static uint32_t draw_near(struct rng *rng, uint32_t min, uint32_t max, uint32_t top, bool edge)
{
	const uint32_t how = rng_below(rng, 2 * OUTSIDE_OF);

	if (how == 0)
		return min > 0 ? min - 1 : max;
	if (how == 1)
		return max < top ? max + 1 : min;
	if (edge || how < 8)
		return how % 2 ? min : max;
	/* rng_between() cannot: the range may have 2^32 numbers. */
	return min + (uint32_t)(rng_next(rng) % ((uint64_t)max - min + 1));
}

static uint8_t draw_protocol(struct rng *rng, const struct classbench_rule *rule)
{
	static const uint8_t others[] = {6, 17, 6, 17, 1, 47, 50, 0};

	if (!rule->any_protocol && rng_below(rng, 16) > 0)
		return rule->protocol;
	return others[rng_below(rng, sizeof(others))];
}

static void draw_flow(struct rng *rng, const struct options *o, const struct classbench_rule *rules,
		      struct flow *flow)
{
	static const struct classbench_rule everything = {
		.port = {{0, UINT16_MAX}, {0, UINT16_MAX}}, .any_protocol = true};
	const struct classbench_rule *rule = &everything;
	/* The lower of two draws, so that later rules get fewer packets. */
	const uint32_t a = rng_below(rng, o->count);
	const uint32_t b = rng_below(rng, o->count);
	const uint32_t octave = rng_below(rng, FLOW_OCTAVES);

	flow->rule = 0;
	if (rng_below(rng, UNRELATED_OF) > 0) {
		flow->rule = 1 + (a < b ? a : b);
		rule = &rules[flow->rule - 1];
	}
	for (unsigned int side = 0; side < 2; side++) {
		const struct classbench_prefix *p = &rule->ip[side];
		const uint32_t max = p->address | (uint32_t)(UINT64_C(0xffffffff) >> p->length);

		flow->address[side] = draw_near(rng, p->address, max, UINT32_MAX, o->edge);
		flow->port[side] = (uint16_t)draw_near(rng, rule->port[side].min,
						       rule->port[side].max, UINT16_MAX, o->edge);
	}
	flow->protocol = draw_protocol(rng, rule);
	/* The few long flows have as many packets as the many short ones. */
	flow->left = 1;
	if (!o->edge && rng_below(rng, 1u << octave) == 0)
		flow->left = rng_between(rng, 1u << octave, 2u << octave);
}

int classbench_write_trace(const char *path, const struct options *o,
			   const struct classbench_rule *rules)
{
	struct flow flows[FLOWS] = {0};
	struct rng rng;
	FILE *out = fopen(path, "we");

	if (!out)
		return -errno;
	rng_seed(&rng, o->seed, RNG_STREAM(RNG_CLASSBENCH, 1));
	for (uint64_t n = 0; n < o->packets; n++) {
		struct flow *f = &flows[rng_below(&rng, FLOWS)];

		if (f->left == 0)
			draw_flow(&rng, o, rules, f);
		f->left--;
		fprintf(out, "%u\t%u\t%u\t%u\t%u\t0\t%u\n", f->address[0], f->address[1],
			(unsigned int)f->port[0], (unsigned int)f->port[1],
			(unsigned int)f->protocol, f->rule);
	}
	return output_finish(out, path);
}

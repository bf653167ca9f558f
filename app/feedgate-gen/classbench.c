/* SPDX-License-Identifier: MIT */
#include "classbench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classbench_family.h"
#include "rng.h"

#define PORT_HI_MIN 1024u
/* After so many rules that exist already, a random port makes the rule new. */
#define DRAWS_MAX 64u

struct maker {
	const struct classbench_family *family;
	uint64_t seed;
	uint64_t tree_seed[2];
	uint32_t
		scale; /* of the forks of a tree, in tenths: the logarithm of the number of rules */
	struct rng rng;
	uint32_t *slots; /* hash set: index in the rules plus one; 0: free */
	uint32_t slot_mask;
};

const struct classbench_family *classbench_family(const char *name)
{
	for (const struct classbench_family *f = classbench_families; f->name; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

static const struct classbench_pair *draw_pair(struct rng *rng, const struct classbench_pair *pairs)
{
	uint32_t total = 0, at;

	for (const struct classbench_pair *p = pairs; p->weight > 0; p++)
		total += p->weight;
	at = rng_below(rng, total);
	while (at >= pairs->weight)
		at -= pairs++->weight;
	return pairs;
}

static uint16_t draw_protocol(struct rng *rng, const struct classbench_protocol *protocols)
{
	uint32_t total = 0, at;

	for (const struct classbench_protocol *p = protocols; p->weight > 0; p++)
		total += p->weight;
	at = rng_below(rng, total);
	while (at >= protocols->weight)
		at -= protocols++->weight;
	return protocols->protocol;
}

/* The hash of a node. A leading bit of the path gives its length. */
static uint64_t node_hash(const struct maker *maker, unsigned int side, uint32_t address,
			  unsigned int depth)
{
	const uint64_t path = UINT64_C(1) << depth | (uint64_t)address >> (32 - depth);

	return rng_mix64(maker->tree_seed[side] ^ path * UINT64_C(0x9e3779b97f4a7c15));
}

static uint32_t draw_bits(struct maker *maker, unsigned int side, uint32_t address,
			  unsigned int from, unsigned int to)
{
	const struct classbench_tree *tree = &maker->family->tree[side];

	for (unsigned int depth = from; depth < to; depth++) {
		const uint64_t node = node_hash(maker, side, address, depth);
		const bool fork = (node & 255) * 10 < tree->fork[depth / 8] * maker->scale;
		uint32_t bit = (uint32_t)(node >> 8 & 1);

		if (fork && rng_below(&maker->rng, 256) >= tree->skew)
			bit ^= 1;
		address |= bit << (31 - depth);
	}
	return address;
}

/* At a node, prefixes of a scope have at most two lengths, which limits nesting. */
static struct classbench_prefix draw_prefix(struct maker *maker, unsigned int side, uint8_t scope)
{
	static const uint8_t from[SCOPES] = {0, 1, 3, 17, 25, 32};
	static const uint8_t to[SCOPES] = {0, 2, 16, 24, 31, 32};
	const uint32_t span = to[scope] - from[scope] + 1u;
	const uint32_t address = draw_bits(maker, side, 0, 0, from[scope]);
	const uint64_t node = node_hash(maker, side, address, from[scope]);
	const uint32_t a = (uint32_t)(node >> 32 & 255) * span >> 8;
	const uint32_t b = (uint32_t)(node >> 40 & 255) * span >> 8;
	/* The longer one is more frequent, as in real rule sets. */
	const bool longer = rng_below(&maker->rng, 256) >= maker->family->tree[side].shorter;
	const uint8_t length = (uint8_t)(from[scope] + ((a > b) == longer ? a : b));

	return (struct classbench_prefix){draw_bits(maker, side, address, from[scope], length),
					  length};
}

/* 0 .. n - 1; the first are much more frequent than the last. */
static uint32_t draw_rank(struct rng *rng, uint32_t n)
{
	const uint32_t a = rng_below(rng, n);
	const uint32_t b = rng_below(rng, a + 1);

	return rng_below(rng, b + 1);
}

/* The single port of this rank: common services come first. */
static uint16_t single_port(uint64_t seed, uint32_t rank)
{
	static const uint16_t services[] = {80,  443, 53,   25,   22,   123,  161, 21,  1521,
					    514, 110, 1433, 3389, 139,  445,  389, 69,  179,
					    23,  143, 162,  8080, 5060, 1812, 993, 636, 2049};
	const uint32_t known = sizeof(services) / sizeof(services[0]);

	if (rank < known)
		return services[rank];
	return (uint16_t)(PORT_HI_MIN + rng_mix64(seed + rank) % (UINT16_MAX - PORT_HI_MIN));
}

/* The range of this rank: some are nested, others are separate. */
static struct classbench_ports port_range(uint64_t seed, uint32_t rank)
{
	const uint64_t h = rng_mix64(~seed + rank);
	const uint32_t bits = 1 + (uint32_t)(h & 15) * 13 / 16;
	const uint32_t span = (1u << bits) + (uint32_t)(h >> 8) % (1u << bits);
	const uint32_t base = rank % 2 ? (uint32_t)(h >> 32) % 60000 : 6000 + rank;
	const uint32_t max = base + span;

	return (struct classbench_ports){(uint16_t)base,
					 (uint16_t)(max > UINT16_MAX ? UINT16_MAX : max)};
}

static struct classbench_ports draw_ports(struct maker *maker, unsigned int side, uint8_t class)
{
	const struct classbench_family *family = maker->family;
	uint16_t port;

	switch (class) {
	case PORTS_HI:
		return (struct classbench_ports){PORT_HI_MIN, UINT16_MAX};
	case PORTS_LO:
		return (struct classbench_ports){0, PORT_HI_MIN - 1};
	case PORTS_AR:
		return port_range(maker->seed, draw_rank(&maker->rng, family->n_ranges[side]));
	case PORTS_EM:
		port = single_port(maker->seed, draw_rank(&maker->rng, family->n_ports[side]));
		return (struct classbench_ports){port, port};
	default:
		return (struct classbench_ports){0, UINT16_MAX};
	}
}

static void draw_rule(struct maker *maker, struct classbench_rule *rule)
{
	const struct classbench_family *family = maker->family;
	const struct classbench_pair *scopes = draw_pair(&maker->rng, family->scopes);
	const uint16_t protocol = draw_protocol(&maker->rng, family->protocols);
	const struct classbench_pair *ports = draw_pair(&maker->rng, family->ports);
	const bool has_ports = protocol == 6 || protocol == 17;

	memset(rule, 0, sizeof(*rule)); /* all bytes are compared */
	rule->ip[0] = draw_prefix(maker, 0, scopes->a);
	rule->ip[1] = draw_prefix(maker, 1, scopes->b);
	rule->any_protocol = protocol == CLASSBENCH_ANY_PROTOCOL;
	rule->protocol = (uint8_t)(rule->any_protocol ? 0 : protocol);
	rule->port[0] = draw_ports(maker, 0, has_ports ? ports->a : PORTS_WC);
	rule->port[1] = draw_ports(maker, 1, has_ports ? ports->b : PORTS_WC);
}

static uint64_t prefix_hash(struct classbench_prefix prefix)
{
	return rng_mix64((uint64_t)prefix.address << 8 | prefix.length);
}

static uint64_t rule_hash(const struct classbench_rule *r)
{
	uint64_t ports = (uint64_t)r->port[0].min << 48 | (uint64_t)r->port[0].max << 32 |
			 (uint64_t)r->port[1].min << 16 | r->port[1].max;

	return rng_mix64(prefix_hash(r->ip[0]) * 3 + prefix_hash(r->ip[1]) * 5 +
			 rng_mix64(ports) * 7 + r->protocol * 2u + r->any_protocol);
}

static bool same_prefix(struct classbench_prefix a, struct classbench_prefix b)
{
	return a.address == b.address && a.length == b.length;
}

static bool same_ports(struct classbench_ports a, struct classbench_ports b)
{
	return a.min == b.min && a.max == b.max;
}

static bool same_rule(const struct classbench_rule *a, const struct classbench_rule *b)
{
	return same_prefix(a->ip[0], b->ip[0]) && same_prefix(a->ip[1], b->ip[1]) &&
	       same_ports(a->port[0], b->port[0]) && same_ports(a->port[1], b->port[1]) &&
	       a->protocol == b->protocol && a->any_protocol == b->any_protocol;
}

/* Add rules[n] to the set of rules; false: an equal one is there. */
static bool add_to_set(struct maker *maker, const struct classbench_rule *rules, uint32_t n)
{
	uint32_t slot = (uint32_t)rule_hash(&rules[n]) & maker->slot_mask;

	for (; maker->slots[slot] != 0; slot = (slot + 1) & maker->slot_mask) {
		if (same_rule(&rules[maker->slots[slot] - 1], &rules[n]))
			return false;
	}
	maker->slots[slot] = n + 1;
	return true;
}

/* The number of packets that it matches, as a power of two. */
static uint32_t rule_bits(const struct classbench_rule *r)
{
	uint32_t bits = 64u - r->ip[0].length - r->ip[1].length + (r->any_protocol ? 8 : 0);

	for (unsigned int side = 0; side < 2; side++) {
		for (uint32_t n = 1u + r->port[side].max - r->port[side].min; n > 1; n /= 2)
			bits++;
	}
	return bits;
}

struct ranked {
	uint32_t bits, index;
};

static int by_bits(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* More general rules are later, but not strictly, as in real rule sets. */
static int order(struct maker *maker, uint32_t count, struct classbench_rule *rules)
{
	struct ranked *ranked = calloc(count + 1u, sizeof(*ranked));
	struct classbench_rule *copy = malloc((count + 1u) * sizeof(*copy));

	if (ranked && copy) {
		memcpy(copy, rules, count * sizeof(*copy));
		for (uint32_t i = 0; i < count; i++)
			ranked[i] = (struct ranked){
				rule_bits(&rules[i]) + rng_below(&maker->rng, 6), i};
		qsort(ranked, count, sizeof(*ranked), by_bits);
		for (uint32_t i = 0; i < count; i++)
			rules[i] = copy[ranked[i].index];
	}
	free(copy);
	free(ranked);
	return ranked && copy ? 0 : -ENOMEM;
}

int classbench_make(const struct classbench_family *family, uint64_t seed, uint32_t count,
		    struct classbench_rule *rules)
{
	struct maker maker = {.family = family, .seed = rng_mix64(seed), .slot_mask = 1};
	int rc;

	for (unsigned int side = 0; side < 2; side++)
		maker.tree_seed[side] = rng_mix64(maker.seed * 2 + side);
	for (uint32_t n = count; n > 1; n /= 2)
		maker.scale++;
	while (maker.slot_mask < 2 * count)
		maker.slot_mask = maker.slot_mask * 2 + 1;
	maker.slots = calloc((size_t)maker.slot_mask + 1, sizeof(*maker.slots));
	if (!maker.slots)
		return -ENOMEM;
	rng_seed(&maker.rng, seed, RNG_STREAM(RNG_CLASSBENCH, 0));
	for (uint32_t n = 0; n < count; n++) {
		unsigned int draws = 0;

		do {
			draw_rule(&maker, &rules[n]);
			if (draws++ >= DRAWS_MAX) {
				const uint16_t port = (uint16_t)rng_below(&maker.rng, 65536);

				rules[n].port[1] = (struct classbench_ports){port, port};
			}
		} while (!add_to_set(&maker, rules, n));
	}
	rc = order(&maker, count, rules);
	free(maker.slots);
	return rc;
}

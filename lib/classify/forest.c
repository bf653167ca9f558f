/* SPDX-License-Identifier: MIT */
/*
 * Wildcard tier: which entries share a tree, and trees as lookups see them.
 *
 * An entry that leaves an address open goes into many leaves of a tree that
 * cuts that address. So entries are sorted by which addresses they narrow
 * down, and a few ways to share the sorts out among trees are tried. What
 * counts is what lookups of keys drawn from the entries would cost.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_malloc.h>

#include "build.h"

/* Copies of entries that leaves may hold: so many for each entry. */
#define COPIES_PER_ENTRY 24u
#define COPIES_MIN       16384u

/* Bounds the time of cutting; a unit is about a nanosecond. */
#define WORK_MAX UINT64_C(1000000000)

/* Ways to cut are tried with so many entries at most, evenly taken from all. */
#define TRIAL_ENTRIES 8192u

/* A copy of an entry takes about so much of a table, half-empty blocks and all. */
#define COPY_BYTES 192u

#define NARROW_BITS  12u   /* an address is narrowed down by a mask of so many bits */
#define NARROW6_BITS 32u   /* and in IPv6 */
#define SAMPLE_KEYS  1024u /* lookups that judge a forest */

/* What a lookup's parts cost, in tenths of a nanosecond, as measured. */
enum { COST_TREE = 12, COST_NODE = 14, COST_BLOCK = 20 };

/* Sorts of entries: bit 0: source narrow, bit 1: destination narrow. */
enum { SORTS = 4 };

/* tree_of[sort] */
struct plan {
	uint8_t tree_of[SORTS];
	uint8_t n_trees;
};

/* How far a tree is cut: the gain that a bit must bring, of 256, and blocks in a leaf. */
struct style {
	uint32_t gain;
	uint32_t leaf_blocks;
};

static const struct style styles[] = {{24, 1}, {8, 1}, {24, 2}, {8, 2}};

static const struct plan plans[] = {
	{{0, 0, 0, 0}, 1}, {{0, 1, 0, 1}, 2}, {{0, 0, 1, 1}, 2},
	{{0, 0, 0, 1}, 2}, {{0, 1, 2, 2}, 3}, {{0, 1, 2, 3}, 4},
};

/* How to cut. */
struct way {
	const struct plan *plan;
	const struct style *style;
};

struct growth {
	struct cutting cuttings[TREES_MAX];
	uint32_t roots[TREES_MAX];
	uint32_t n;
	uint64_t cost;
};

static void common_prefix(uint16_t min, uint16_t max, uint16_t *value, uint16_t *mask)
{
	const unsigned int differing = (unsigned int)(min ^ max);
	const unsigned int bits = differing == 0 ? 0 : 32 - (unsigned int)__builtin_clz(differing);

	*mask = (uint16_t)(UINT32_MAX << bits);
	*value = min & *mask;
}

static bool is_aligned(uint16_t min, uint16_t max, uint16_t mask)
{
	return (min & ~mask) == 0 && (max | mask) == UINT16_MAX;
}

void cube_make(struct cube *cube, const struct fg_match *match)
{
	struct fg_key value = match->value, mask = match->mask;
	uint16_t v, m;

	cube->rank = match->rule - 1;
	common_prefix(match->src_port_min, match->src_port_max, &v, &m);
	value.src_port_be = rte_cpu_to_be_16(v);
	mask.src_port_be = rte_cpu_to_be_16(m);
	cube->ranged = !is_aligned(match->src_port_min, match->src_port_max, m);
	common_prefix(match->dst_port_min, match->dst_port_max, &v, &m);
	value.dst_port_be = rte_cpu_to_be_16(v);
	mask.dst_port_be = rte_cpu_to_be_16(m);
	cube->ranged |= !is_aligned(match->dst_port_min, match->dst_port_max, m);
	memcpy(cube->values, &value, sizeof(value));
	memcpy(cube->masks, &mask, sizeof(mask));
}

static bool is_narrow(const uint8_t *mask, bool v6)
{
	const unsigned int bits = v6 ? NARROW6_BITS : NARROW_BITS;

	return mask[bits / 8 - 1] == 0xff || (bits % 8 != 0 && mask[bits / 8 - 1] == 0xff &&
					      (mask[bits / 8] & (0xff00 >> (bits % 8))) != 0);
}

static uint8_t sort_of(const struct fg_match *match)
{
	const bool v6 = match->value.family == FG_FAMILY_IPV6;

	return (uint8_t)(is_narrow(match->mask.src_ip, v6) | is_narrow(match->mask.dst_ip, v6)
								     << 1);
}

/* Counting would do, but ranks are nearly always in order already. */
static int compare_ranks(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static int order_by_rank(struct forest *f)
{
	uint64_t *keys = malloc(f->count * sizeof(*keys));

	if (keys == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->count; i++)
		keys[i] = (uint64_t)f->cubes[i].rank << 32 | i;
	qsort(keys, f->count, sizeof(*keys), compare_ranks);
	for (uint32_t i = 0; i < f->count; i++)
		f->order[i] = (uint32_t)keys[i];
	free(keys);
	return 0;
}

static int forest_open(struct forest *f, const struct fg_match *matches, const uint32_t *ids,
		       uint32_t count, unsigned int lanes, uint64_t copies_max)
{
	*f = (struct forest){
		.matches = matches,
		.ids = ids,
		.count = count,
		.lanes = lanes,
		.copies_max = copies_max,
	};
	f->cubes = malloc(count * sizeof(*f->cubes));
	f->order = malloc(count * sizeof(*f->order));
	f->sorts = malloc(count);
	if (f->cubes == NULL || f->order == NULL || f->sorts == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		cube_make(&f->cubes[i], &matches[ids[i]]);
		f->sorts[i] = sort_of(&matches[ids[i]]);
	}
	return order_by_rank(f);
}

static void forest_close(struct forest *f)
{
	free(f->cubes);
	free(f->order);
	free(f->sorts);
}

static void growth_free(struct growth *growth)
{
	for (uint32_t t = 0; t < growth->n; t++)
		cutting_free(&growth->cuttings[t]);
	memset(growth, 0, sizeof(*growth));
}

/* Cut one tree of a plan; trees without entries do not come to be. */
static int grow_tree(const struct forest *f, const struct plan *plan, const struct style *style,
		     uint8_t tree, struct growth *growth)
{
	uint32_t *mine = malloc(f->count * sizeof(*mine));
	struct cutting *cutting = &growth->cuttings[growth->n];
	uint32_t n = 0;

	if (mine == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->count; i++)
		if (plan->tree_of[f->sorts[f->order[i]]] == tree)
			mine[n++] = f->order[i];
	if (n > 0) {
		*cutting = (struct cutting){
			.cubes = f->cubes,
			.lanes = f->lanes,
			.leaf_max = f->lanes * style->leaf_blocks,
			.gain_min = style->gain,
			.copies_left = RTE_MIN(
				RTE_MAX(n * (uint64_t)COPIES_PER_ENTRY, (uint64_t)COPIES_MIN),
				f->copies_max * n / f->count),
			.work_left = WORK_MAX / plan->n_trees,
		};
		growth->roots[growth->n++] = cut_tree(cutting, mine, n);
	}
	free(mine);
	return n > 0 && cutting->no_memory ? -ENOMEM : 0;
}

static bool cube_has(const struct cube *cube, const uint64_t *words)
{
	uint64_t differs = 0;

	for (unsigned int w = 0; w < KEY_WORDS; w++)
		differs |= (words[w] & cube->masks[w]) ^ cube->values[w];
	return differs == 0;
}

/* What the way of one key through one tree costs. Ranges count as their prefix. */
static uint64_t walk_cost(const struct cutting *c, uint32_t ref, const uint64_t *words)
{
	uint64_t sum = COST_TREE;
	const uint32_t *list;

	while ((ref & REF_LEAF) == 0) {
		const struct node *node = &c->nodes.at[ref];

		ref = c->kids.at[node->first_kid +
				 (bits_gather(words[node->words[0]], node->masks[0]) |
				  bits_gather(words[node->words[1]], node->masks[1])
					  << node->shift)];
		sum += COST_NODE;
	}
	if (ref == REF_NONE)
		return sum;
	list = c->lists.at + (ref & ~REF_LEAF);
	for (uint32_t i = 0; i < list[0]; i++) {
		if (i % c->lanes == 0)
			sum += COST_BLOCK;
		if (cube_has(&c->cubes[list[1 + i]], words))
			break;
	}
	return sum;
}

static void judge_growth(const struct samples *samples, struct growth *growth)
{
	growth->cost = 0;
	for (uint32_t s = 0; s < samples->count; s++)
		for (uint32_t t = 0; t < growth->n; t++)
			growth->cost += walk_cost(&growth->cuttings[t], growth->roots[t],
						  samples->words[s]);
}

static int grow(const struct forest *f, const struct samples *samples, const struct plan *plan,
		const struct style *style, struct growth *growth)
{
	int rc = 0;

	memset(growth, 0, sizeof(*growth));
	for (uint8_t t = 0; t < plan->n_trees && rc == 0; t++)
		rc = grow_tree(f, plan, style, t, growth);
	if (rc == 0)
		judge_growth(samples, growth);
	else
		growth_free(growth);
	return rc;
}

/* Grow another way, and if it is cheaper keep it, and note the way. */
static int grow_other(const struct forest *f, const struct samples *samples, struct way other_way,
		      struct growth *best, struct way *way)
{
	struct growth other;
	const int rc = grow(f, samples, other_way.plan, other_way.style, &other);

	if (rc != 0)
		return rc;
	if (other.cost < best->cost) {
		RTE_SWAP(*best, other);
		*way = other_way;
	}
	growth_free(&other);
	return 0;
}

/* The cheapest: first of the plans, then of the styles of that plan. */
static int grow_best(const struct forest *f, const struct samples *samples, struct growth *best,
		     struct way *way)
{
	int rc;

	*way = (struct way){&plans[0], &styles[0]};
	rc = grow(f, samples, way->plan, way->style, best);
	for (size_t p = 1; p < RTE_DIM(plans) && rc == 0; p++)
		rc = grow_other(f, samples, (struct way){&plans[p], &styles[0]}, best, way);
	for (size_t s = 1; s < RTE_DIM(styles) && rc == 0; s++)
		rc = grow_other(f, samples, (struct way){way->plan, &styles[s]}, best, way);
	return rc;
}

/* What a trial with some of the entries costs, and which way was best. */
static int try_ways(const struct forest *f, const struct samples *samples, struct way *way,
		    uint64_t *cost)
{
	const uint32_t count = RTE_MIN(f->count, TRIAL_ENTRIES);
	uint32_t *ids = malloc(count * sizeof(*ids));
	struct forest trial = {0};
	struct growth growth = {0};
	int rc = ids != NULL ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < count && rc == 0; i++)
		ids[i] = f->ids[(uint64_t)i * f->count / count];
	if (rc == 0)
		rc = forest_open(&trial, f->matches, ids, count, f->lanes, f->copies_max);
	if (rc == 0)
		rc = grow_best(&trial, samples, &growth, way);
	*cost = growth.cost;
	growth_free(&growth);
	forest_close(&trial);
	free(ids);
	return rc;
}

static int compare_trees(const void *a, const void *b)
{
	const struct tree *left = a, *right = b;

	return (left->best > right->best) - (left->best < right->best);
}

int forest_cost(const struct fg_match *matches, const uint32_t *ids, uint32_t count,
		unsigned int lanes, const struct samples *samples, uint64_t budget_bytes,
		uint64_t *cost, struct fg_error *error)
{
	const struct forest forest = {
		.matches = matches,
		.ids = ids,
		.count = count,
		.lanes = lanes,
		.copies_max = budget_bytes / COPY_BYTES,
	};
	struct way way;
	int rc;

	*cost = 0;
	if (count == 0)
		return 0;
	rc = try_ways(&forest, samples, &way, cost);
	return rc == 0 ? 0 : fg_error_set(error, -rc, "no memory to cut %u rule entries", count);
}

/* All entries, the way that is best for some of them. */
static int forest_grow(struct forest *forest, const struct samples *samples, struct growth *growth)
{
	struct way way;
	uint64_t cost;
	int rc;

	if (forest->count <= TRIAL_ENTRIES)
		return grow_best(forest, samples, growth, &way);
	rc = try_ways(forest, samples, &way, &cost);
	return rc != 0 ? rc : grow(forest, samples, way.plan, way.style, growth);
}

int forest_build(struct tiered *tiered, const struct fg_match *matches, const uint32_t *ids,
		 uint32_t count, const struct samples *samples, struct budget *budget,
		 struct fg_error *error)
{
	struct growth growth = {0};
	struct forest forest;
	int rc;

	if (count == 0)
		return 0;
	rc = forest_open(&forest, matches, ids, count, tiered->variant->lanes,
			 budget->bytes / COPY_BYTES);
	if (rc == 0)
		rc = forest_grow(&forest, samples, &growth);
	if (rc != 0)
		(void)fg_error_set(error, -rc, "no memory to cut %u rule entries", count);
	for (uint32_t t = 0; t < growth.n && rc == 0; t++) {
		tiered->worst_compares += growth.cuttings[t].longest;
		rc = tree_settle(&tiered->trees[tiered->n_trees++], &forest, &growth.cuttings[t],
				 growth.roots[t], budget, error);
	}
	growth_free(&growth);
	forest_close(&forest);
	if (rc == 0)
		qsort(tiered->trees, tiered->n_trees, sizeof(tiered->trees[0]), compare_trees);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Wildcard tier: divides entries among trees.
 *
 * A tree that cuts an address copies every entry that leaves this address open
 * into many leaves. So entries are classified by the addresses that they narrow
 * down, and a few plans assign these classes to trees. The cheapest plan is
 * taken: the cost is that of looking up the samples, keys drawn from the entries.
 */
#include "forest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "box.h"
#include "cut.h"
#include "tree_pack.h"

/* Entries that leaves may hold: so many copies of each entry, and at least so many. */
#define COPIES_PER_ENTRY 24u
#define COPIES_MIN       16384u

/* Bounds the time of cutting; a unit is about a nanosecond. */
#define WORK_MAX UINT64_C(1000000000)

/* Ways to cut are tried with at most so many entries, taken evenly from all. */
#define TRIAL_ENTRIES 8192u

/* Memory that a copy of an entry takes, with its share of half-empty blocks. */
#define COPY_BYTES 192u

/* Measured costs of the parts of a lookup, in tenths of a nanosecond. */
enum { COST_TREE = 12, COST_NODE = 14, COST_BLOCK = 20 };

/* Classes of entries: bit 0: the source is narrow, bit 1: the destination is. */
enum { CLASSES = 4 };

/* Which tree takes each class. */
struct plan {
	uint8_t tree_of[CLASSES];
	uint8_t n_trees;
};

/* How far a tree is cut. */
struct style {
	uint32_t gain_min;    /* see struct cutting */
	uint32_t leaf_blocks; /* blocks in a leaf that is not worth cutting */
};

static const struct style styles[] = {{24, 1}, {8, 1}, {24, 2}, {8, 2}};

static const struct plan plans[] = {
	{{0, 0, 0, 0}, 1}, {{0, 1, 0, 1}, 2}, {{0, 0, 1, 1}, 2},
	{{0, 0, 0, 1}, 2}, {{0, 1, 2, 2}, 3}, {{0, 1, 2, 3}, 4},
};

/* A way to cut. */
struct way {
	const struct plan *plan;
	const struct style *style;
};

/* The entries to be cut. */
struct forest {
	struct entry_set entries;
	unsigned int lanes;
	uint64_t copies_max; /* that fit the budget */
	struct box *boxes;   /* [entries.count] */
	uint32_t *order;     /* [entries.count], boxes by rank */
	uint8_t *classes;    /* [entries.count] */
};

/* Trees cut in one way, and their cost. */
struct candidate {
	struct cutting trees[TREES_MAX];
	uint32_t n;
	uint64_t cost;
};

/* An address is narrow from /8 (IPv4) or /32 (IPv6) on. */
static bool is_narrow(const uint8_t *mask, bool v6)
{
	return mask[v6 ? 3 : 0] == 0xff;
}

static uint8_t class_of(const struct fg_match *match)
{
	const bool v6 = match->value.family == FG_FAMILY_IPV6;

	return (uint8_t)(is_narrow(match->mask.src_ip, v6) | is_narrow(match->mask.dst_ip, v6)
								     << 1);
}

static int compare_keys(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static int order_by_rank(struct forest *f)
{
	const uint32_t count = f->entries.count;
	uint64_t *keys = malloc(count * sizeof(*keys));

	if (keys == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		keys[i] = (uint64_t)f->boxes[i].rank << 32 | i;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (uint32_t i = 0; i < count; i++)
		f->order[i] = (uint32_t)keys[i];
	free(keys);
	return 0;
}

static int forest_open(struct forest *f, const struct entry_set *entries, unsigned int lanes,
		       uint64_t copies_max)
{
	const uint32_t count = entries->count;

	*f = (struct forest){.entries = *entries, .lanes = lanes, .copies_max = copies_max};
	f->boxes = malloc(count * sizeof(*f->boxes));
	f->order = malloc(count * sizeof(*f->order));
	f->classes = malloc(count);
	if (f->boxes == NULL || f->order == NULL || f->classes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		box_make(&f->boxes[i], entry_set_get(entries, i));
		f->classes[i] = class_of(entry_set_get(entries, i));
	}
	return order_by_rank(f);
}

static void forest_close(struct forest *f)
{
	free(f->boxes);
	free(f->order);
	free(f->classes);
}

static void candidate_free(struct candidate *candidate)
{
	for (uint32_t t = 0; t < candidate->n; t++)
		cutting_free(&candidate->trees[t]);
	memset(candidate, 0, sizeof(*candidate));
}

/* Cut one tree of a plan, if it has entries. */
static int add_tree(const struct forest *f, struct way way, uint8_t tree,
		    struct candidate *candidate)
{
	const uint32_t count = f->entries.count;
	uint32_t *ids = malloc(count * sizeof(*ids));
	struct cutting *cutting = &candidate->trees[candidate->n];
	uint32_t n = 0;

	if (ids == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		if (way.plan->tree_of[f->classes[f->order[i]]] == tree)
			ids[n++] = f->order[i];
	if (n > 0) {
		*cutting = (struct cutting){
			.boxes = f->boxes,
			.lanes = f->lanes,
			.leaf_max = f->lanes * way.style->leaf_blocks,
			.gain_min = way.style->gain_min,
			.copies_remaining = RTE_MIN(
				RTE_MAX(n * (uint64_t)COPIES_PER_ENTRY, (uint64_t)COPIES_MIN),
				f->copies_max * n / count),
			.work_remaining = WORK_MAX / way.plan->n_trees,
		};
		candidate->n++;
		cut_tree(cutting, ids, n);
	}
	free(ids);
	return n > 0 && cutting->no_memory ? -ENOMEM : 0;
}

/* The cost of looking one key up in one tree. */
static uint64_t tree_cost(const struct cutting *c, const uint64_t *words)
{
	uint64_t sum = COST_TREE;
	uint32_t ref = c->root;
	const uint32_t *list;

	while ((ref & REF_LEAF) == 0) {
		const struct node *node = &c->nodes.at[ref];

		ref = c->children.at[node->first_child +
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
		if (box_contains(&c->boxes[list[1 + i]], words))
			break;
	}
	return sum;
}

static uint64_t candidate_cost(const struct candidate *candidate, const struct samples *samples)
{
	uint64_t sum = 0;

	for (uint32_t s = 0; s < samples->count; s++)
		for (uint32_t t = 0; t < candidate->n; t++)
			sum += tree_cost(&candidate->trees[t], samples->words[s]);
	return sum;
}

static int candidate_cut(const struct forest *f, const struct samples *samples, struct way way,
			 struct candidate *candidate)
{
	int rc = 0;

	memset(candidate, 0, sizeof(*candidate));
	for (uint8_t t = 0; t < way.plan->n_trees && rc == 0; t++)
		rc = add_tree(f, way, t, candidate);
	if (rc == 0)
		candidate->cost = candidate_cost(candidate, samples);
	else
		candidate_free(candidate);
	return rc;
}

/* Cut in another way, and replace the best candidate and its way if that is cheaper. */
static int try_way(const struct forest *f, const struct samples *samples, struct way other_way,
		   struct candidate *best, struct way *way)
{
	struct candidate other;
	const int rc = candidate_cut(f, samples, other_way, &other);

	if (rc != 0)
		return rc;
	if (other.cost < best->cost) {
		RTE_SWAP(*best, other);
		*way = other_way;
	}
	candidate_free(&other);
	return 0;
}

/* The cheapest: first of the plans, then of the styles of that plan. */
static int cut_best(const struct forest *f, const struct samples *samples, struct candidate *best,
		    struct way *way)
{
	int rc;

	*way = (struct way){&plans[0], &styles[0]};
	rc = candidate_cut(f, samples, *way, best);
	for (size_t p = 1; p < RTE_DIM(plans) && rc == 0; p++)
		rc = try_way(f, samples, (struct way){&plans[p], &styles[0]}, best, way);
	for (size_t s = 1; s < RTE_DIM(styles) && rc == 0; s++)
		rc = try_way(f, samples, (struct way){way->plan, &styles[s]}, best, way);
	return rc;
}

/* The best way for some of the entries, and its cost. Of @p f, boxes are not needed. */
static int choose_way(const struct forest *f, const struct samples *samples, struct way *way,
		      uint64_t *cost)
{
	struct entry_set some = {
		.matches = f->entries.matches,
		.count = RTE_MIN(f->entries.count, TRIAL_ENTRIES),
	};
	struct forest trial = {0};
	struct candidate best = {0};
	int rc;

	some.ids = malloc(some.count * sizeof(*some.ids));
	rc = some.ids != NULL ? 0 : -ENOMEM;
	for (uint32_t i = 0; i < some.count && rc == 0; i++)
		some.ids[i] = f->entries.ids[(uint64_t)i * f->entries.count / some.count];
	if (rc == 0)
		rc = forest_open(&trial, &some, f->lanes, f->copies_max);
	if (rc == 0)
		rc = cut_best(&trial, samples, &best, way);
	*cost = best.cost;
	candidate_free(&best);
	forest_close(&trial);
	free(some.ids);
	return rc;
}

static int compare_trees(const void *a, const void *b)
{
	const struct tree *left = a, *right = b;

	return (left->best > right->best) - (left->best < right->best);
}

static int no_memory(const struct entry_set *entries, int rc, struct fg_error *error)
{
	return fg_error_set(error, -rc, "no memory to cut %u rule entries", entries->count);
}

int forest_cost(const struct entry_set *entries, unsigned int lanes, const struct samples *samples,
		uint64_t budget_bytes, uint64_t *cost, struct fg_error *error)
{
	const struct forest forest = {
		.entries = *entries,
		.lanes = lanes,
		.copies_max = budget_bytes / COPY_BYTES,
	};
	struct way way;
	int rc;

	*cost = 0;
	if (entries->count == 0)
		return 0;
	rc = choose_way(&forest, samples, &way, cost);
	return rc == 0 ? 0 : no_memory(entries, rc, error);
}

/* Cut all entries in the way that is best for all of them or, if they are many, for some. */
static int forest_cut(struct forest *forest, const struct samples *samples,
		      struct candidate *candidate)
{
	struct way way;
	uint64_t cost;
	int rc;

	if (forest->entries.count <= TRIAL_ENTRIES)
		return cut_best(forest, samples, candidate, &way);
	rc = choose_way(forest, samples, &way, &cost);
	return rc != 0 ? rc : candidate_cut(forest, samples, way, candidate);
}

int forest_build(struct tiered *tiered, const struct entry_set *entries,
		 const struct samples *samples, struct budget *budget, struct fg_error *error)
{
	struct candidate candidate = {0};
	struct forest forest;
	int rc;

	if (entries->count == 0)
		return 0;
	rc = forest_open(&forest, entries, tiered->variant->lanes, budget->bytes / COPY_BYTES);
	if (rc == 0)
		rc = forest_cut(&forest, samples, &candidate);
	if (rc != 0)
		(void)no_memory(entries, rc, error);
	for (uint32_t t = 0; t < candidate.n && rc == 0; t++) {
		tiered->worst_compares += candidate.trees[t].longest;
		rc = tree_pack(&tiered->trees[tiered->n_trees++], entries, &candidate.trees[t],
			       budget, error);
	}
	candidate_free(&candidate);
	forest_close(&forest);
	if (rc == 0)
		qsort(tiered->trees, tiered->n_trees, sizeof(tiered->trees[0]), compare_trees);
	return rc;
}

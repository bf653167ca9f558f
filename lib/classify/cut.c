/* SPDX-License-Identifier: MIT */
/*
 * Wildcard tier: boxes are cut into a tree by the bits of the key.
 *
 * A node tests a few bits, from anywhere in the key, that separate its boxes
 * best: bit-level cutting, Liu et al., BitCuts, 2017. A box that leaves a bit
 * open goes to both sides. Lookups compare the boxes of a leaf a block of lanes
 * at a time, so a leaf may hold a block full of them.
 *
 * The cost is bounded: each copy of a box is taken from copies_remaining, each
 * read of one from work_remaining. When either is used up, leaves stay as long
 * as they are. So every set of entries gets a tree.
 */
#include "cut.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

enum {
	NODE_BITS_MAX = 12,
	SAMPLE_MAX = 4096, /* boxes by which the bits of a node are chosen */
	DEPTH_MAX = 48,
};

static bool numbers_room(struct cutting *c, struct numbers *n, uint32_t more)
{
	uint64_t room = n->room;
	uint32_t *at;

	if ((uint64_t)n->count + more <= room)
		return true;
	while (room < (uint64_t)n->count + more)
		room = RTE_MAX(room * 2, UINT64_C(1024));
	at = room < REF_MAX ? realloc(n->at, room * sizeof(*at)) : NULL;
	if (at == NULL) {
		c->no_memory = true;
		return false;
	}
	n->at = at;
	n->room = (uint32_t)room;
	return true;
}

static struct node *add_node(struct cutting *c, uint32_t *ref)
{
	if (c->nodes.count == c->nodes.room) {
		const uint32_t room = RTE_MAX(c->nodes.room * 2, 64u);
		struct node *at = realloc(c->nodes.at, room * sizeof(*at));

		if (at == NULL) {
			c->no_memory = true;
			return NULL;
		}
		c->nodes.at = at;
		c->nodes.room = room;
	}
	*ref = c->nodes.count++;
	return &c->nodes.at[*ref];
}

/* Does the box match all keys that reach this place? */
static bool covers_all(const struct cutting *c, const struct box *box)
{
	uint64_t open = 0;

	for (unsigned int w = 0; w < KEY_WORDS; w++)
		open |= box->masks[w] & ~c->fixed[w];
	return open == 0 && !box->ranged;
}

/* Boxes after one that matches all keys never win. @return the number of those that may. */
static uint32_t reachable(const struct cutting *c, const uint32_t *ids, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (covers_all(c, &c->boxes[ids[i]]))
			return i + 1;
	return count;
}

static uint32_t make_leaf(struct cutting *c, const uint32_t *ids, uint32_t count)
{
	const uint32_t at = c->lists.count;

	if (count == 0 || !numbers_room(c, &c->lists, count + 1))
		return REF_NONE;
	c->lists.at[at] = count;
	memcpy(c->lists.at + at + 1, ids, count * sizeof(*ids));
	c->lists.count += count + 1;
	c->longest = RTE_MAX(c->longest, count);
	c->blocks += (count + c->lanes - 1) / c->lanes;
	return REF_LEAF | at;
}

/*
 * The choice of a node's bits. The bits chosen so far divide a sample of the
 * boxes into cells. The next bit is the one that lowers the sum of their cost() most.
 */
struct choice {
	uint64_t masks[2];
	uint8_t words[2];
	uint8_t n_words, n_bits;
	/* Cells: their boxes one after another, and the end of each cell. */
	uint32_t *ids, *next_ids;
	uint32_t *ends, *next_ends;
	uint32_t n_cells;
	uint32_t room; /* of ids */
};

/* Each copy costs the blocks of its leaf, counted in lanes. */
static uint64_t cost(uint64_t copies, uint32_t leaf_max)
{
	return copies * RTE_MAX(copies, (uint64_t)leaf_max);
}

/*
 * The bits that boxes of the node fix. For each: the boxes of a cell that fix it
 * to 0 and to 1, and the sum of costs if all cells were split there.
 */
struct bits {
	uint32_t n;
	uint8_t words[KEY_WORDS * 64], bits[KEY_WORDS * 64];
	uint16_t index[KEY_WORDS][64];
	uint32_t zeros[KEY_WORDS * 64], ones[KEY_WORDS * 64];
	uint64_t sums[KEY_WORDS * 64];
};

static void list_bits(struct bits *bits, const struct cutting *c, const uint32_t *ids,
		      uint32_t count)
{
	uint64_t masks[KEY_WORDS] = {0};

	for (uint32_t i = 0; i < count; i++)
		for (unsigned int w = 0; w < KEY_WORDS; w++)
			masks[w] |= c->boxes[ids[i]].masks[w];
	bits->n = 0;
	for (uint8_t w = 0; w < KEY_WORDS; w++)
		for (uint64_t open = masks[w] & ~c->fixed[w]; open != 0; open &= open - 1) {
			const uint8_t b = (uint8_t)__builtin_ctzll(open);

			bits->words[bits->n] = w;
			bits->bits[bits->n] = b;
			bits->index[w][b] = (uint16_t)bits->n++;
		}
}

static void count_bits(struct bits *bits, const struct cutting *c, const uint32_t *ids,
		       uint32_t count)
{
	memset(bits->zeros, 0, bits->n * sizeof(bits->zeros[0]));
	memset(bits->ones, 0, bits->n * sizeof(bits->ones[0]));
	for (uint32_t i = 0; i < count; i++) {
		const struct box *box = &c->boxes[ids[i]];

		for (unsigned int w = 0; w < KEY_WORDS; w++)
			for (uint64_t open = box->masks[w] & ~c->fixed[w]; open != 0;
			     open &= open - 1) {
				const int b = __builtin_ctzll(open);
				const uint32_t one = box->values[w] >> b & 1;

				bits->ones[bits->index[w][b]] += one;
				bits->zeros[bits->index[w][b]] += 1 - one;
			}
	}
}

/* Sum the costs over all cells. @return the sum without another split. */
static uint64_t weigh_bits(struct bits *bits, const struct cutting *c, const struct choice *choice)
{
	uint64_t now = 0;
	uint32_t from = 0;

	memset(bits->sums, 0, bits->n * sizeof(bits->sums[0]));
	for (uint32_t cell = 0; cell < choice->n_cells; cell++) {
		const uint32_t count = choice->ends[cell] - from;

		if (count > 0)
			count_bits(bits, c, choice->ids + from, count);
		for (uint32_t b = 0; b < bits->n && count > 0; b++)
			bits->sums[b] += cost(count - bits->ones[b], c->leaf_max) +
					 cost(count - bits->zeros[b], c->leaf_max);
		now += cost(count, c->leaf_max);
		from = choice->ends[cell];
	}
	return now;
}

static bool may_use(const struct choice *choice, unsigned int word)
{
	return choice->n_words < 2 || choice->words[0] == word || choice->words[1] == word;
}

/* The bit with the lowest sum, or bits->n if none gains enough. */
static uint32_t best_bit(const struct bits *bits, const struct cutting *c,
			 const struct choice *choice, uint64_t now)
{
	uint64_t lowest = now - now * c->gain_min / 256;
	uint32_t best = bits->n;

	for (uint32_t b = 0; b < bits->n; b++)
		if (bits->sums[b] < lowest && may_use(choice, bits->words[b]) &&
		    (c->fixed[bits->words[b]] >> bits->bits[b] & 1) == 0) {
			lowest = bits->sums[b];
			best = b;
		}
	return best;
}

/* Split each cell by a bit. false: too many copies. */
static bool split_cells(const struct cutting *c, struct choice *choice, unsigned int word,
			unsigned int bit)
{
	uint32_t from = 0, to = 0;

	for (uint32_t cell = 0; cell < choice->n_cells; cell++) {
		for (unsigned int side = 0; side < 2; side++) {
			for (uint32_t i = from; i < choice->ends[cell]; i++) {
				const struct box *box = &c->boxes[choice->ids[i]];

				if ((box->masks[word] >> bit & 1) != 0 &&
				    (box->values[word] >> bit & 1) != side)
					continue;
				if (to == choice->room)
					return false;
				choice->next_ids[to++] = choice->ids[i];
			}
			choice->next_ends[2 * cell + side] = to;
		}
		from = choice->ends[cell];
	}
	RTE_SWAP(choice->ids, choice->next_ids);
	RTE_SWAP(choice->ends, choice->next_ends);
	choice->n_cells *= 2;
	return true;
}

static void add_bit(struct cutting *c, struct choice *choice, unsigned int word, unsigned int bit)
{
	unsigned int at = 0;

	while (at < choice->n_words && choice->words[at] != word)
		at++;
	if (at == choice->n_words)
		choice->words[choice->n_words++] = (uint8_t)word;
	choice->masks[at] |= UINT64_C(1) << bit;
	choice->n_bits++;
	c->fixed[word] |= UINT64_C(1) << bit;
}

static bool spend(struct cutting *c, uint64_t work)
{
	if (c->work_remaining < work) {
		c->work_remaining = 0;
		return false;
	}
	c->work_remaining -= work;
	return true;
}

/* Choose bits as long as they gain enough, and add them to fixed[]. */
static void choose_bits(struct cutting *c, struct choice *choice, uint32_t count)
{
	struct bits bits;
	unsigned int bits_max = 2;

	list_bits(&bits, c, choice->ids, choice->ends[0]);
	while (bits_max < NODE_BITS_MAX && (UINT64_C(1) << bits_max) < 4 * (uint64_t)count)
		bits_max++;
	while (choice->n_bits < bits_max) {
		const uint64_t copies = choice->ends[choice->n_cells - 1];
		uint32_t best;

		if (!spend(c, copies * 16 + choice->n_cells * (uint64_t)bits.n))
			return;
		best = best_bit(&bits, c, choice, weigh_bits(&bits, c, choice));
		if (best == bits.n || !split_cells(c, choice, bits.words[best], bits.bits[best]))
			return;
		add_bit(c, choice, bits.words[best], bits.bits[best]);
	}
}

static bool choice_open(struct choice *choice, const uint32_t *ids, uint32_t count)
{
	const uint32_t sample = RTE_MIN(count, (uint32_t)SAMPLE_MAX);

	memset(choice, 0, sizeof(*choice));
	/* Eight copies of a box on average: a bit that takes more gains nothing. */
	choice->room = sample * 8 + 64;
	choice->ids = malloc(choice->room * sizeof(uint32_t));
	choice->next_ids = malloc(choice->room * sizeof(uint32_t));
	choice->ends = malloc(sizeof(uint32_t) << NODE_BITS_MAX);
	choice->next_ends = malloc(sizeof(uint32_t) << NODE_BITS_MAX);
	if (choice->ids == NULL || choice->next_ids == NULL || choice->ends == NULL ||
	    choice->next_ends == NULL)
		return false;
	for (uint32_t i = 0; i < sample; i++)
		choice->ids[i] = ids[(uint64_t)i * count / sample];
	choice->ends[0] = sample;
	choice->n_cells = 1;
	return true;
}

static void choice_close(struct choice *choice)
{
	free(choice->ids);
	free(choice->next_ids);
	free(choice->ends);
	free(choice->next_ends);
}

/* The children that a box goes to: those that agree with base where open is 0. */
struct places {
	uint32_t base, open;
};

static struct places places_of(const struct box *box, const struct choice *choice)
{
	struct places places = {0, 0};
	unsigned int shift = 0;

	for (unsigned int w = 0; w < choice->n_words; w++) {
		const uint64_t mask = choice->masks[w];
		const unsigned int word = choice->words[w];

		places.base |= (uint32_t)bits_gather(box->values[word], mask) << shift;
		places.open |= (uint32_t)bits_gather(~box->masks[word], mask) << shift;
		shift += (unsigned int)__builtin_popcountll(mask);
	}
	return places;
}

/* Children's lists, one after another. */
struct children {
	uint32_t *ends; /* [n + 1], ends[0] = 0 */
	uint32_t *ids;
	uint32_t n;
};

/* @return all copies; 0: more than remain. @p sizes: the copies in each child. */
static uint64_t count_copies(const struct cutting *c, const struct choice *choice,
			     const uint32_t *ids, uint32_t count, uint32_t *sizes)
{
	uint64_t copies = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct places p = places_of(&c->boxes[ids[i]], choice);
		uint32_t open = p.open;

		copies += UINT64_C(1) << __builtin_popcount(p.open);
		if (copies > c->copies_remaining)
			return 0;
		for (;; open = (open - 1) & p.open) {
			sizes[p.base | open]++;
			if (open == 0)
				break;
		}
	}
	return copies;
}

/* Make the lists of all children. false: no memory, or too many copies. */
static bool distribute(struct cutting *c, const struct choice *choice, const uint32_t *ids,
		       uint32_t count, struct children *children)
{
	uint64_t bytes;

	children->n = UINT32_C(1) << choice->n_bits;
	children->ids = NULL;
	children->ends = calloc(children->n + 1u, sizeof(uint32_t));
	if (children->ends == NULL)
		return false;
	bytes = count_copies(c, choice, ids, count, children->ends + 1) * sizeof(uint32_t);
	if (bytes == 0 || !spend(c, bytes))
		return false;
	children->ids = malloc(bytes);
	if (children->ids == NULL)
		return false;
	/* ends[k + 1] is the start of list k at first; filling the list moves it to the end. */
	for (uint32_t k = 0, sum = 0; k < children->n; k++) {
		const uint32_t size = children->ends[k + 1];

		children->ends[k + 1] = sum;
		sum += size;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct places p = places_of(&c->boxes[ids[i]], choice);
		uint32_t open = p.open;

		for (;; open = (open - 1) & p.open) {
			children->ids[children->ends[(p.base | open) + 1]++] = ids[i];
			if (open == 0)
				break;
		}
	}
	return true;
}

static uint32_t cut(struct cutting *c, const uint32_t *ids, uint32_t count, unsigned int depth);

/* Siblings with equal lists share a child: a hash table of the lists. */
struct list_table {
	uint32_t *child; /* [size], number of a child + 1; 0: empty */
	uint32_t size;   /* a power of two */
};

static uint32_t list_hash(const uint32_t *ids, uint32_t count)
{
	uint64_t hash = count;

	for (uint32_t i = 0; i < count; i++)
		hash = (hash ^ ids[i]) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
	return (uint32_t)(hash >> 32);
}

/* The first sibling with the list of child @p k, which may be @p k itself. */
static uint32_t find_equal(struct list_table *table, const struct children *children, uint32_t k)
{
	const uint32_t *ids = children->ids + children->ends[k];
	const uint32_t count = children->ends[k + 1] - children->ends[k];

	for (uint32_t at = list_hash(ids, count);; at++) {
		uint32_t *slot = &table->child[at & (table->size - 1)];
		const uint32_t other = *slot - 1;

		if (*slot == 0) {
			*slot = k + 1;
			return k;
		}
		if (children->ends[other + 1] - children->ends[other] == count &&
		    memcmp(children->ids + children->ends[other], ids, count * sizeof(*ids)) == 0)
			return other;
	}
}

static void cut_children(struct cutting *c, const struct children *children, uint32_t first,
			 unsigned int depth)
{
	struct list_table table = {.size = children->n * 2};

	if (table.size > 0)
		table.child = calloc(table.size, sizeof(uint32_t));
	if (table.child == NULL) {
		c->no_memory = true;
		return;
	}
	for (uint32_t k = 0; k < children->n; k++) {
		const uint32_t equal = find_equal(&table, children, k);
		const uint32_t ref =
			equal < k ? c->children.at[first + equal]
				  : cut(c, children->ids + children->ends[k],
					children->ends[k + 1] - children->ends[k], depth + 1);

		c->children.at[first + k] = ref;
	}
	free(table.child);
}

static uint32_t make_node(struct cutting *c, const struct choice *choice,
			  const struct children *children, unsigned int depth)
{
	const uint32_t first = c->children.count;
	struct node *node;
	uint32_t ref;

	if (!numbers_room(c, &c->children, children->n))
		return REF_NONE;
	c->children.count += children->n;
	node = add_node(c, &ref);
	if (node == NULL)
		return REF_NONE;
	*node = (struct node){
		.masks = {choice->masks[0], choice->masks[1]},
		.words = {choice->words[0], choice->words[1]},
		.shift = (uint8_t)__builtin_popcountll(choice->masks[0]),
		.first_child = first,
	};
	cut_children(c, children, first, depth);
	return ref;
}

static uint32_t cut(struct cutting *c, const uint32_t *ids, uint32_t count, unsigned int depth)
{
	uint64_t fixed[KEY_WORDS];
	struct choice choice;
	struct children children = {0};
	uint32_t ref = REF_NONE;
	bool distributed = false;

	count = reachable(c, ids, count);
	if (count <= c->leaf_max || depth == DEPTH_MAX)
		return make_leaf(c, ids, count);
	memcpy(fixed, c->fixed, sizeof(fixed));
	if (choice_open(&choice, ids, count))
		choose_bits(c, &choice, count);
	if (choice.n_bits > 0)
		distributed = distribute(c, &choice, ids, count, &children);
	choice_close(&choice);
	if (distributed) {
		const uint64_t more = children.ends[children.n] - count;

		c->copies_remaining -= RTE_MIN(c->copies_remaining, more);
		ref = make_node(c, &choice, &children, depth);
	}
	free(children.ids);
	free(children.ends);
	memcpy(c->fixed, fixed, sizeof(fixed));
	return distributed ? ref : make_leaf(c, ids, count);
}

void cut_tree(struct cutting *c, const uint32_t *ids, uint32_t count)
{
	c->root = cut(c, ids, count, 0);
}

void cutting_free(struct cutting *c)
{
	free(c->nodes.at);
	free(c->children.at);
	free(c->lists.at);
}

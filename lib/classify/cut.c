/* SPDX-License-Identifier: MIT */
/*
 * Wildcard tier: cutting entries into a tree, by bits.
 *
 * A node takes a few bits of the key, wherever they stand, that tell the
 * entries apart best (the idea of bit-level cutting: Liu et al., BitCuts,
 * 2017); an entry that leaves a bit open goes both ways. What is left in a
 * leaf is compared all at once, a block of lanes at a time, so a leaf may well
 * hold a block full.
 *
 * What it may cost is bounded: every copy of an entry and every look at one is
 * taken from copies_left and work_left. When they are used up, leaves stay as
 * long as they are. So any set of entries gets a tree.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "build.h"

enum {
	NODE_BITS_MAX = 12,
	SAMPLE_MAX = 4096, /* entries that choose the bits of a node */
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

/* Does the entry match whatever comes along this way? */
static bool covers_all(const struct cutting *c, const struct cube *cube)
{
	uint64_t open = 0;

	for (unsigned int w = 0; w < KEY_WORDS; w++)
		open |= cube->masks[w] & ~c->fixed[w];
	return open == 0 && !cube->ranged;
}

/* Entries behind one that matches all can never win. @return how many count. */
static uint32_t reachable(const struct cutting *c, const uint32_t *ids, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (covers_all(c, &c->cubes[ids[i]]))
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
 * Choosing bits. The sample lies in cells, one for each value of the bits
 * chosen so far; cost() of them, summed up, is what another bit is to lower.
 */
struct choice {
	uint64_t masks[2];
	uint8_t words[2];
	uint8_t n_words, n_bits;
	/* Cells: ids one after another, and where each cell ends. */
	uint32_t *ids, *next_ids;
	uint32_t *ends, *next_ends;
	uint32_t n_cells;
	uint32_t room; /* of ids */
};

/* A copy costs its leaf's blocks, in lanes. */
static uint64_t cost(uint64_t copies, uint32_t leaf_max)
{
	return copies * RTE_MAX(copies, (uint64_t)leaf_max);
}

/*
 * Bits that entries of the node fix, and for each: how many entries of a cell
 * have it 0, how many 1, and the sum of costs that cutting there would leave.
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
			masks[w] |= c->cubes[ids[i]].masks[w];
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
		const struct cube *cube = &c->cubes[ids[i]];

		for (unsigned int w = 0; w < KEY_WORDS; w++)
			for (uint64_t open = cube->masks[w] & ~c->fixed[w]; open != 0;
			     open &= open - 1) {
				const int b = __builtin_ctzll(open);
				const uint32_t one = cube->values[w] >> b & 1;

				bits->ones[bits->index[w][b]] += one;
				bits->zeros[bits->index[w][b]] += 1 - one;
			}
	}
}

/* The sums over all cells. @return that of not cutting any more. */
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

/* The bit with the lowest sum, or bits->n if none is worth it. */
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

/* Split each cell by a bit. false: there would be too many copies. */
static bool split_cells(const struct cutting *c, struct choice *choice, unsigned int word,
			unsigned int bit)
{
	uint32_t from = 0, to = 0;

	for (uint32_t cell = 0; cell < choice->n_cells; cell++) {
		for (unsigned int side = 0; side < 2; side++) {
			for (uint32_t i = from; i < choice->ends[cell]; i++) {
				const struct cube *cube = &c->cubes[choice->ids[i]];

				if ((cube->masks[word] >> bit & 1) != 0 &&
				    (cube->values[word] >> bit & 1) != side)
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
	if (c->work_left < work) {
		c->work_left = 0;
		return false;
	}
	c->work_left -= work;
	return true;
}

/* Take bits as long as they are worth it. They are in fixed[], then. */
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
	/* Eight copies of each on average: where more are needed, cutting further is of no use. */
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

/* The children that an entry goes to: those that agree with base where open is 0. */
struct places {
	uint32_t base, open;
};

static struct places places_of(const struct cube *cube, const struct choice *choice)
{
	struct places places = {0, 0};
	unsigned int shift = 0;

	for (unsigned int w = 0; w < choice->n_words; w++) {
		const uint64_t mask = choice->masks[w];
		const unsigned int word = choice->words[w];

		places.base |= (uint32_t)bits_gather(cube->values[word], mask) << shift;
		places.open |= (uint32_t)bits_gather(~cube->masks[word], mask) << shift;
		shift += (unsigned int)__builtin_popcountll(mask);
	}
	return places;
}

/* Children's lists, one after another. */
struct kids {
	uint32_t *ends; /* [n + 1], ends[0] = 0 */
	uint32_t *ids;
	uint32_t n;
};

/* 0 copies: no memory, or more than are left. */
static uint64_t count_copies(const struct cutting *c, const struct choice *choice,
			     const uint32_t *ids, uint32_t count, uint32_t *sizes)
{
	uint64_t copies = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct places p = places_of(&c->cubes[ids[i]], choice);
		uint32_t open = p.open;

		copies += UINT64_C(1) << __builtin_popcount(p.open);
		if (copies > c->copies_left)
			return 0;
		for (;; open = (open - 1) & p.open) {
			sizes[p.base | open]++;
			if (open == 0)
				break;
		}
	}
	return copies;
}

static bool deal(struct cutting *c, const struct choice *choice, const uint32_t *ids,
		 uint32_t count, struct kids *kids)
{
	uint64_t bytes;

	kids->n = UINT32_C(1) << choice->n_bits;
	kids->ids = NULL;
	kids->ends = calloc(kids->n + 1u, sizeof(uint32_t));
	if (kids->ends == NULL)
		return false;
	bytes = count_copies(c, choice, ids, count, kids->ends + 1) * sizeof(uint32_t);
	if (bytes == 0 || !spend(c, bytes))
		return false;
	kids->ids = malloc(bytes);
	if (kids->ids == NULL)
		return false;
	/* ends[k + 1] is first where list k begins, and moves up to where it ends. */
	for (uint32_t k = 0, sum = 0; k < kids->n; k++) {
		const uint32_t size = kids->ends[k + 1];

		kids->ends[k + 1] = sum;
		sum += size;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct places p = places_of(&c->cubes[ids[i]], choice);
		uint32_t open = p.open;

		for (;; open = (open - 1) & p.open) {
			kids->ids[kids->ends[(p.base | open) + 1]++] = ids[i];
			if (open == 0)
				break;
		}
	}
	return true;
}

static uint32_t cut(struct cutting *c, const uint32_t *ids, uint32_t count, unsigned int depth);

/* Has an earlier sibling the same list? Then it shares its child, too. */
struct twins {
	uint32_t *kid; /* [size], 0: none, else number of a child + 1 */
	uint32_t size; /* a power of two */
};

static uint32_t list_hash(const uint32_t *ids, uint32_t count)
{
	uint64_t hash = count;

	for (uint32_t i = 0; i < count; i++)
		hash = (hash ^ ids[i]) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
	return (uint32_t)(hash >> 32);
}

static uint32_t find_twin(struct twins *twins, const struct kids *kids, uint32_t k)
{
	const uint32_t *ids = kids->ids + kids->ends[k];
	const uint32_t count = kids->ends[k + 1] - kids->ends[k];

	for (uint32_t at = list_hash(ids, count);; at++) {
		uint32_t *slot = &twins->kid[at & (twins->size - 1)];
		const uint32_t other = *slot - 1;

		if (*slot == 0) {
			*slot = k + 1;
			return k;
		}
		if (kids->ends[other + 1] - kids->ends[other] == count &&
		    memcmp(kids->ids + kids->ends[other], ids, count * sizeof(*ids)) == 0)
			return other;
	}
}

static void cut_kids(struct cutting *c, const struct kids *kids, uint32_t first, unsigned int depth)
{
	struct twins twins = {.size = kids->n * 2};

	if (twins.size > 0)
		twins.kid = calloc(twins.size, sizeof(uint32_t));
	if (twins.kid == NULL) {
		c->no_memory = true;
		return;
	}
	for (uint32_t k = 0; k < kids->n; k++) {
		const uint32_t twin = find_twin(&twins, kids, k);
		const uint32_t ref = twin < k ? c->kids.at[first + twin]
					      : cut(c, kids->ids + kids->ends[k],
						    kids->ends[k + 1] - kids->ends[k], depth + 1);

		c->kids.at[first + k] = ref;
	}
	free(twins.kid);
}

static uint32_t make_node(struct cutting *c, const struct choice *choice, const struct kids *kids,
			  unsigned int depth)
{
	const uint32_t first = c->kids.count;
	struct node *node;
	uint32_t ref;

	if (!numbers_room(c, &c->kids, kids->n))
		return REF_NONE;
	c->kids.count += kids->n;
	node = add_node(c, &ref);
	if (node == NULL)
		return REF_NONE;
	*node = (struct node){
		.masks = {choice->masks[0], choice->masks[1]},
		.words = {choice->words[0], choice->words[1]},
		.shift = (uint8_t)__builtin_popcountll(choice->masks[0]),
		.first_kid = first,
	};
	cut_kids(c, kids, first, depth);
	return ref;
}

static uint32_t cut(struct cutting *c, const uint32_t *ids, uint32_t count, unsigned int depth)
{
	uint64_t fixed[KEY_WORDS];
	struct choice choice;
	struct kids kids = {0};
	uint32_t ref = REF_NONE;
	bool dealt = false;

	count = reachable(c, ids, count);
	if (count <= c->leaf_max || depth == DEPTH_MAX)
		return make_leaf(c, ids, count);
	memcpy(fixed, c->fixed, sizeof(fixed));
	if (choice_open(&choice, ids, count))
		choose_bits(c, &choice, count);
	if (choice.n_bits > 0)
		dealt = deal(c, &choice, ids, count, &kids);
	choice_close(&choice);
	if (dealt) {
		const uint64_t more = kids.ends[kids.n] - count;

		c->copies_left -= RTE_MIN(c->copies_left, more);
		ref = make_node(c, &choice, &kids, depth);
	}
	free(kids.ids);
	free(kids.ends);
	memcpy(c->fixed, fixed, sizeof(fixed));
	return dealt ? ref : make_leaf(c, ids, count);
}

uint32_t cut_tree(struct cutting *c, const uint32_t *ids, uint32_t count)
{
	return cut(c, ids, count, 0);
}

void cutting_free(struct cutting *c)
{
	free(c->nodes.at);
	free(c->kids.at);
	free(c->lists.at);
}

/* SPDX-License-Identifier: MIT */
#include "boxes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Express a range of one port as value and mask. */
static void fold_ports(const struct fg_match *match, struct fg_key *value, struct fg_key *mask)
{
	if (match->src_port_min == match->src_port_max) {
		value->src_port_be = htons(match->src_port_min);
		mask->src_port_be = UINT16_MAX;
	}
	if (match->dst_port_min == match->dst_port_max) {
		value->dst_port_be = htons(match->dst_port_min);
		mask->dst_port_be = UINT16_MAX;
	}
}

static void fold(const struct fg_match *match, struct key_bits *value_bits,
		 struct key_bits *mask_bits)
{
	struct fg_key value = match->value, mask = match->mask;

	fold_ports(match, &value, &mask);
	memcpy(value_bits, &value, sizeof(*value_bits));
	memcpy(mask_bits, &mask, sizeof(*mask_bits));
}

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t hash_end(uint64_t hash)
{
	return hash * UINT64_C(0xd6e8feb86659fd93);
}

static uint64_t hash_bits(const struct key_bits *bits)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < KEY_WORDS; i++)
		hash = hash_word(hash, bits->word[i]);
	return hash_end(hash);
}

static unsigned int bits_for(uint32_t count)
{
	unsigned int bits = 4;

	while ((UINT64_C(1) << bits) < (uint64_t)count * 2)
		bits++;
	return bits;
}

/* Write the group of each entry to @p group_of, and the count of each group. */
static int find_groups(struct boxes *boxes, uint32_t *group_of)
{
	const unsigned int bits = bits_for(boxes->count);
	const uint32_t last = (uint32_t)(UINT64_C(1) << bits) - 1;
	uint32_t *slots = calloc((size_t)last + 1, sizeof(*slots));
	uint32_t room = 0;

	if (slots == NULL)
		return -ENOMEM;
	for (uint32_t e = 0; e < boxes->count; e++) {
		struct key_bits mask;
		uint32_t slot;

		fold(&boxes->matches[e], &boxes->values[e], &mask);
		slot = (uint32_t)(hash_bits(&mask) >> (64 - bits));
		while (slots[slot] != 0 &&
		       memcmp(&boxes->groups[slots[slot] - 1].mask, &mask, sizeof(mask)) != 0)
			slot = (slot + 1) & last;
		if (slots[slot] == 0) {
			if (boxes->n_groups == room) {
				struct group *more;

				room = room > 0 ? 2 * room : 64;
				more = realloc(boxes->groups, room * sizeof(*more));
				if (more == NULL) {
					free(slots);
					return -ENOMEM;
				}
				boxes->groups = more;
			}
			boxes->groups[boxes->n_groups] = (struct group){.mask = mask};
			slots[slot] = ++boxes->n_groups;
		}
		group_of[e] = slots[slot] - 1;
		boxes->groups[group_of[e]].count++;
	}
	free(slots);
	return 0;
}

static void sort_entries(struct boxes *boxes, const uint32_t *group_of)
{
	uint32_t first = 0;

	for (struct group *g = boxes->groups; g < boxes->groups + boxes->n_groups; g++) {
		g->first = first;
		first += g->count;
		g->count = 0;
	}
	for (uint32_t e = 0; e < boxes->count; e++) {
		struct group *g = &boxes->groups[group_of[e]];

		boxes->order[g->first + g->count++] = e;
	}
}

/* An entry that tests l4 implies the protocol: let it test that, too. */
static void copy_matches(struct boxes *boxes, const struct fg_match *matches)
{
	for (uint32_t e = 0; e < boxes->count; e++) {
		struct fg_match *match = &boxes->matches[e];

		*match = matches[e];
		if (match->value.l4 != 0 && match->mask.protocol == 0) {
			match->mask.protocol = match->mask.l4;
			match->value.protocol = match->value.l4;
		}
	}
}

int boxes_make(struct boxes *boxes, const struct fg_match *matches, uint32_t count)
{
	uint32_t *group_of = malloc(((size_t)count + 1) * sizeof(*group_of));
	int rc = -ENOMEM;

	*boxes = (struct boxes){.count = count};
	boxes->order = malloc(((size_t)count + 1) * sizeof(*boxes->order));
	boxes->matches = malloc(((size_t)count + 1) * sizeof(*boxes->matches));
	boxes->values = malloc(((size_t)count + 1) * sizeof(*boxes->values));
	if (group_of != NULL && boxes->order != NULL && boxes->matches != NULL &&
	    boxes->values != NULL) {
		copy_matches(boxes, matches);
		rc = find_groups(boxes, group_of);
	}
	if (rc == 0)
		sort_entries(boxes, group_of);
	else
		boxes_free(boxes);
	free(group_of);
	return rc;
}

void boxes_free(struct boxes *boxes)
{
	free(boxes->matches);
	free(boxes->values);
	free(boxes->groups);
	free(boxes->order);
	*boxes = (struct boxes){0};
}

bool bits_within(const struct key_bits *a, const struct key_bits *b)
{
	for (size_t i = 0; i < KEY_WORDS; i++)
		if ((a->word[i] & ~b->word[i]) != 0)
			return false;
	return true;
}

int box_index_open(struct box_index *index, const struct boxes *boxes)
{
	uint32_t max = 0;

	for (uint32_t g = 0; g < boxes->n_groups; g++)
		if (boxes->groups[g].count > max)
			max = boxes->groups[g].count;
	*index = (struct box_index){.boxes = boxes};
	index->heads = malloc(sizeof(*index->heads) << bits_for(max));
	index->next = malloc(((size_t)max + 1) * sizeof(*index->next));
	if (index->heads != NULL && index->next != NULL)
		return 0;
	box_index_close(index);
	return -ENOMEM;
}

void box_index_close(struct box_index *index)
{
	free(index->heads);
	free(index->next);
	*index = (struct box_index){0};
}

static uint32_t *head_of(const struct box_index *index, uint32_t entry)
{
	const struct key_bits *value = &index->boxes->values[entry];
	uint64_t hash = 0;

	for (unsigned int i = 0; i < index->n_words; i++) {
		const uint8_t word = index->words[i];

		hash = hash_word(hash, value->word[word] & index->mask.word[word]);
	}
	return &index->heads[hash_end(hash) >> (64 - index->head_bits)];
}

void box_index_fill(struct box_index *index, const struct group *group, const struct key_bits *mask)
{
	index->group = group;
	index->mask = *mask;
	index->n_words = 0;
	for (uint8_t i = 0; i < KEY_WORDS; i++)
		if (mask->word[i] != 0)
			index->words[index->n_words++] = i;
	index->head_bits = bits_for(group->count);
	memset(index->heads, 0, sizeof(*index->heads) << index->head_bits);
	/* Backwards, so that lists ascend. */
	for (uint32_t i = group->count; i-- > 0;) {
		uint32_t *head = head_of(index, index->boxes->order[group->first + i]);

		index->next[i] = *head;
		*head = i + 1;
	}
}

static uint32_t entry_at(const struct box_index *index, uint32_t at)
{
	return at != 0 ? index->boxes->order[index->group->first + at - 1] : UINT32_MAX;
}

uint32_t box_index_first(const struct box_index *index, uint32_t entry, uint32_t *at)
{
	*at = *head_of(index, entry);
	return entry_at(index, *at);
}

uint32_t box_index_next(const struct box_index *index, uint32_t *at)
{
	*at = index->next[*at - 1];
	return entry_at(index, *at);
}

bool ports_cover(uint16_t a_min, uint16_t a_max, uint16_t b_min, uint16_t b_max)
{
	return a_min <= b_min && a_max >= b_max;
}

/* Does @p a accept all packets that @p b accepts? NULL accepts all. */
static bool expr_covers(const struct fg_expr *a, const struct fg_expr *b)
{
	return a == NULL || a == b || (b != NULL && strcmp(fg_expr_text(a), fg_expr_text(b)) == 0);
}

bool box_covers_but(const struct fg_match *a, const struct fg_match *b, size_t offset, size_t bytes)
{
	struct key_bits a_value, a_mask, b_value, b_mask;
	struct fg_key rest = a->mask;

	memset((uint8_t *)&rest + offset, 0, bytes);
	memcpy(&a_mask, &rest, sizeof(a_mask));
	memcpy(&a_value, &a->value, sizeof(a_value));
	memcpy(&b_value, &b->value, sizeof(b_value));
	memcpy(&b_mask, &b->mask, sizeof(b_mask));
	for (size_t i = 0; i < KEY_WORDS; i++)
		if ((a_mask.word[i] & ~b_mask.word[i]) != 0 ||
		    ((a_value.word[i] ^ b_value.word[i]) & a_mask.word[i]) != 0)
			return false;
	return expr_covers(a->expr, b->expr);
}

bool box_covers(const struct fg_match *a, const struct fg_match *b)
{
	return ports_cover(a->src_port_min, a->src_port_max, b->src_port_min, b->src_port_max) &&
	       ports_cover(a->dst_port_min, a->dst_port_max, b->dst_port_min, b->dst_port_max) &&
	       box_covers_but(a, b, 0, 0);
}

bool box_overlaps(const struct fg_match *a, const struct fg_match *b)
{
	const uint8_t *a_value = (const uint8_t *)&a->value, *a_mask = (const uint8_t *)&a->mask;
	const uint8_t *b_value = (const uint8_t *)&b->value, *b_mask = (const uint8_t *)&b->mask;

	for (size_t i = 0; i < sizeof(a->value); i++)
		if (((a_value[i] ^ b_value[i]) & a_mask[i] & b_mask[i]) != 0)
			return false;
	return a->src_port_min <= b->src_port_max && b->src_port_min <= a->src_port_max &&
	       a->dst_port_min <= b->dst_port_max && b->dst_port_min <= a->dst_port_max;
}

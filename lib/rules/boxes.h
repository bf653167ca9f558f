/* SPDX-License-Identifier: MIT */
/*
 * The entries of a rule set as boxes in the space of keys, grouped by the bits that
 * they test, and an index of the boxes of a group by the values of some bits.
 */
#ifndef RULES_BOXES_H
#define RULES_BOXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fg_classify.h>

#define KEY_WORDS (sizeof(struct fg_key) / sizeof(uint64_t))

/* Bits of a key. A port range of one port is bits, too. */
struct key_bits {
	uint64_t word[KEY_WORDS];
};

/* Entries that test the same bits. */
struct group {
	struct key_bits mask;
	uint32_t first, count; /* in boxes.order */
};

struct boxes {
	struct fg_match *matches; /* [count], copies that also test what they imply */
	struct key_bits *values;  /* [count] */
	uint32_t count;
	struct group *groups; /* [n_groups], by their first entry */
	uint32_t n_groups;
	uint32_t *order; /* [count], entries by group, ascending within a group */
};

/* The entries of one group by their bits under a mask: a hash table. */
struct box_index {
	const struct boxes *boxes;
	const struct group *group;
	struct key_bits mask;
	uint8_t words[KEY_WORDS]; /* [n_words], the words in which mask has bits */
	unsigned int n_words;
	uint32_t *heads, *next; /* positions in the group plus one; 0: none */
	unsigned int head_bits;
};

/* 0 or -ENOMEM. */
int boxes_make(struct boxes *boxes, const struct fg_match *matches, uint32_t count);
void boxes_free(struct boxes *boxes);

/* Are all bits of @p a in @p b? */
bool bits_within(const struct key_bits *a, const struct key_bits *b);

/* Allocate an index large enough for any group. 0 or -ENOMEM. */
int box_index_open(struct box_index *index, const struct boxes *boxes);
void box_index_close(struct box_index *index);

/* Index the entries of @p group by their bits under @p mask. */
void box_index_fill(struct box_index *index, const struct group *group,
		    const struct key_bits *mask);

/*
 * The entries whose bits under the mask have the same hash as those of @p entry,
 * ascending; UINT32_MAX after the last. @p at is the position of the iteration.
 */
uint32_t box_index_first(const struct box_index *index, uint32_t entry, uint32_t *at);
uint32_t box_index_next(const struct box_index *index, uint32_t *at);

/* Does @p a match all packets that @p b matches, with their expressions? */
bool box_covers(const struct fg_match *a, const struct fg_match *b);

/* The same, but ignores @p bytes of the key from @p offset on, and the port ranges. */
bool box_covers_but(const struct fg_match *a, const struct fg_match *b, size_t offset,
		    size_t bytes);

bool ports_cover(uint16_t a_min, uint16_t a_max, uint16_t b_min, uint16_t b_max);

/* Can a packet match both, if expressions are ignored? */
bool box_overlaps(const struct fg_match *a, const struct fg_match *b);

#endif /* RULES_BOXES_H */

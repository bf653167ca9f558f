/* SPDX-License-Identifier: MIT */
/*
 * The entries of a rule set as boxes, grouped by which bits they look at, and
 * an index to find in a group those that agree with an entry in some bits.
 */
#ifndef RULES_BOXES_H
#define RULES_BOXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fg_classify.h>

#define KEY_WORDS (sizeof(struct fg_key) / sizeof(uint64_t))

/* Bits of a key; a port range of one port counts as bits, too. */
struct key_bits {
	uint64_t word[KEY_WORDS];
};

/* Entries that look at the same bits. */
struct group {
	struct key_bits mask;
	uint32_t first, count; /* in boxes.order */
};

struct boxes {
	struct fg_match *matches; /* a copy that says what it implies */
	struct key_bits *values;  /* of each */
	uint32_t count;
	struct group *groups; /* by first entry */
	uint32_t n_groups;
	uint32_t *order; /* entries by group, ascending within one */
};

/* Entries of one group by their bits under a mask. */
struct box_index {
	const struct boxes *boxes;
	const struct group *group;
	struct key_bits mask;
	uint8_t words[KEY_WORDS]; /* those in which mask has bits */
	unsigned int n_words;
	uint32_t *heads, *next; /* positions in the group plus one; 0: none */
	unsigned int head_bits;
};

/* 0 or -ENOMEM. */
int boxes_make(struct boxes *boxes, const struct fg_match *matches, uint32_t count);
void boxes_free(struct boxes *boxes);

/* All bits of @p a are in @p b. */
bool bits_within(const struct key_bits *a, const struct key_bits *b);

/* Room for the index of any group; 0 or -ENOMEM. */
int box_index_open(struct box_index *index, const struct boxes *boxes);
void box_index_close(struct box_index *index);

/* Index the entries of @p group by their bits under @p mask. */
void box_index_fill(struct box_index *index, const struct group *group,
		    const struct key_bits *mask);

/*
 * Walk the entries that may agree with @p entry under the mask, ascending; some
 * that do not are among them. UINT32_MAX at the end; @p at is the walk's own.
 */
uint32_t box_index_first(const struct box_index *index, uint32_t entry, uint32_t *at);
uint32_t box_index_next(const struct box_index *index, uint32_t *at);

/* Does @p a match whatever @p b matches, their expressions included? */
bool box_covers(const struct fg_match *a, const struct fg_match *b);

/* The same without asking one field, from @p offset on, and the port ranges at all. */
bool box_covers_but(const struct fg_match *a, const struct fg_match *b, size_t offset,
		    size_t bytes);

bool ports_cover(uint16_t a_min, uint16_t a_max, uint16_t b_min, uint16_t b_max);

/* Can a packet match both? Expressions are not asked. */
bool box_overlaps(const struct fg_match *a, const struct fg_match *b);

#endif /* RULES_BOXES_H */

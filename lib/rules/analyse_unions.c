/* SPDX-License-Identifier: MIT */
/*
 * Entries that several earlier entries cover together: each of these covers the
 * entry in all fields but one, a port or an address, and their values of that
 * field leave no gap.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fg_error.h>

#include "analyse.h"

typedef unsigned __int128 number;

/* The field that is divided. */
struct dimension {
	size_t offset, bytes;
};

#define DIMENSION(field)                                                                           \
	{                                                                                          \
		offsetof(struct fg_key, field), sizeof(((struct fg_key *)0)->field)                \
	}
static const struct dimension dimensions[] = {
	DIMENSION(src_port_be),
	DIMENSION(dst_port_be),
	DIMENSION(src_ip),
	DIMENSION(dst_ip),
};
#undef DIMENSION

/* The part of @p entry that an earlier entry covers, in the dimension. */
struct piece {
	number low, high;
	uint32_t entry;
};

struct pieces {
	struct piece *at;
	size_t count, room;
};

static int add_piece(struct pieces *pieces, const struct piece *piece)
{
	if (pieces->count == pieces->room) {
		const size_t room = pieces->room > 0 ? 2 * pieces->room : 256;
		struct piece *at = realloc(pieces->at, room * sizeof(*at));

		if (at == NULL)
			return -ENOMEM;
		pieces->at = at;
		pieces->room = room;
	}
	pieces->at[pieces->count++] = *piece;
	return 0;
}

static number address(const uint8_t *bytes)
{
	uint64_t half[2];

	memcpy(half, bytes, sizeof(half));
	return (number)be64toh(half[0]) << 64 | be64toh(half[1]);
}

static struct piece extent(const struct fg_match *match, const struct dimension *d)
{
	const uint8_t *value = (const uint8_t *)&match->value + d->offset;
	const uint8_t *mask = (const uint8_t *)&match->mask + d->offset;

	if (d->offset == offsetof(struct fg_key, src_port_be))
		return (struct piece){match->src_port_min, match->src_port_max, 0};
	if (d->offset == offsetof(struct fg_key, dst_port_be))
		return (struct piece){match->dst_port_min, match->dst_port_max, 0};
	return (struct piece){address(value), address(value) | ~address(mask), 0};
}

/* Does @p a cover @p b in all fields but the dimension? */
static bool covers_rest(const struct fg_match *a, const struct fg_match *b,
			const struct dimension *d)
{
	if (d->offset != offsetof(struct fg_key, src_port_be) &&
	    !ports_cover(a->src_port_min, a->src_port_max, b->src_port_min, b->src_port_max))
		return false;
	if (d->offset != offsetof(struct fg_key, dst_port_be) &&
	    !ports_cover(a->dst_port_min, a->dst_port_max, b->dst_port_min, b->dst_port_max))
		return false;
	return box_covers_but(a, b, d->offset, d->bytes);
}

static struct key_bits without(const struct key_bits *bits, const struct dimension *d)
{
	struct key_bits rest = *bits;

	memset((uint8_t *)&rest + d->offset, 0, d->bytes);
	return rest;
}

/* Add the pieces of @p entry that entries of the index cover. */
static int gather(struct analysis *a, const struct dimension *d, uint32_t entry,
		  struct pieces *pieces)
{
	const struct fg_match *matches = a->boxes.matches, *b = &matches[entry];
	const struct piece whole = extent(b, d);
	uint32_t at;

	for (uint32_t i = box_index_first(&a->index, entry, &at);
	     i != UINT32_MAX && matches[i].rule < b->rule; i = box_index_next(&a->index, &at)) {
		struct piece piece = extent(&matches[i], d);

		if (!spend(a, 2))
			return 0;
		if (piece.high < whole.low || piece.low > whole.high ||
		    !covers_rest(&matches[i], b, d))
			continue;
		piece.entry = entry;
		if (add_piece(pieces, &piece) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int compare_pieces(const void *left, const void *right)
{
	const struct piece *a = left, *b = right;

	if (a->entry != b->entry)
		return a->entry < b->entry ? -1 : 1;
	return (a->low > b->low) - (a->low < b->low);
}

/* Do the pieces of one entry, sorted by their low end, cover it without a gap? */
static bool no_gap(const struct piece *first, const struct piece *end, const struct piece *whole)
{
	number next = whole->low; /* the first value not covered yet */

	for (const struct piece *p = first; p < end && p->low <= next; p++) {
		if (p->high >= whole->high)
			return true;
		if (p->high >= next)
			next = p->high + 1;
	}
	return false;
}

/* Mark the entries that their pieces cover whole, and forget the pieces. */
static void join(struct analysis *a, const struct dimension *d, struct pieces *pieces)
{
	const struct piece *end;

	if (pieces->count == 0)
		return;
	qsort(pieces->at, pieces->count, sizeof(*pieces->at), compare_pieces);
	for (const struct piece *p = pieces->at; p < pieces->at + pieces->count; p = end) {
		const struct piece whole = extent(&a->boxes.matches[p->entry], d);

		end = p;
		while (end < pieces->at + pieces->count && end->entry == p->entry)
			end++;
		if (no_gap(p, end, &whole))
			a->cover[p->entry] = FG_FINDING_BY_SEVERAL;
	}
	pieces->count = 0;
}

/* Does the group leave the dimension open, and has it entries that are not covered yet? */
static bool is_open(struct analysis *a, const struct group *group, const struct dimension *d)
{
	const uint8_t *mask = (const uint8_t *)&group->mask + d->offset;
	bool wide = false;

	for (size_t i = 0; i < d->bytes; i++)
		wide |= mask[i] != 0xff;
	for (uint32_t i = 0; wide && i < group->count; i++)
		if (a->cover[entry_of(a, group, i)] == COVER_NONE)
			return spend(a, i + 1);
	return false;
}

/* Cover the entries of @p group by those of all groups that test no other bits. */
static int cover_group(struct analysis *a, const struct group *group, const struct dimension *d,
		       struct pieces *pieces)
{
	int rc = 0;

	for (uint32_t g = 0; g < a->boxes.n_groups && rc == 0 && spend(a, 1); g++) {
		const struct group *from = &a->boxes.groups[g];
		const struct key_bits rest = without(&from->mask, d);

		if (!bits_within(&rest, &group->mask) ||
		    !spend(a, (uint64_t)from->count + group->count))
			continue;
		box_index_fill(&a->index, from, &rest);
		for (uint32_t i = 0; i < group->count && rc == 0; i++) {
			const uint32_t entry = entry_of(a, group, i);

			if (a->cover[entry] == COVER_NONE)
				rc = gather(a, d, entry, pieces);
		}
	}
	if (rc == 0)
		join(a, d, pieces);
	return rc;
}

int analyse_unions(struct analysis *a)
{
	struct pieces pieces = {0};
	int rc = 0;

	for (size_t d = 0; d < sizeof(dimensions) / sizeof(dimensions[0]); d++)
		for (uint32_t g = 0; g < a->boxes.n_groups && rc == 0; g++)
			if (is_open(a, &a->boxes.groups[g], &dimensions[d]))
				rc = cover_group(a, &a->boxes.groups[g], &dimensions[d], &pieces);
	free(pieces.at);
	return rc;
}

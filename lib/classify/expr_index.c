/* SPDX-License-Identifier: MIT */
/*
 * Each program gets a list of needs such that it accepts no frame that has none of
 * them: the rarest ones that do. A frame's candidates are the programs on the lists
 * of the values that it has, and those without a list.
 */
#include "expr_index.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fg_expr.h>

#include "needs.h"

#define SET_WORDS (FG_EXPRS_MAX / 64)
#define NEEDS_MAX 1000000u /* of all programs together */
#define LIST_MAX  32u      /* a longer list is a set, too: that is faster */

/* One value of a field, and the programs that need it. */
struct slot {
	uint32_t value;
	uint32_t first, count; /* in postings; count 0: a free slot */
	uint32_t set;          /* over LIST_MAX: in sets */
};

struct table {
	struct field field;
	uint32_t first, shift; /* its slots, 2^(32 - shift) of them */
};

struct expr_index {
	uint32_t count, n_tables;
	uint64_t always[SET_WORDS]; /* programs without a list */
	struct table tables[EXPR_INDEX_FIELDS_MAX];
	struct slot *slots;
	uint16_t *postings; /* programs */
	uint64_t (*sets)[SET_WORDS];
};

struct posting {
	struct need need;
	uint32_t program;
};

struct building {
	const struct bpf_program *const *programs;
	uint32_t count, longest; /* instructions of the longest program */
	struct need *needs;      /* [longest] of one program */
	uint32_t *frequencies;   /* [longest] of needs */
	bool *closed, *reached;  /* [longest] */
	struct need *all;        /* [n_all] of all programs, sorted */
	uint32_t *counts;        /* [n_all], at the first of equal ones: their number */
	uint32_t n_all;
	struct posting *postings; /* [n_postings], at most n_all */
	uint32_t n_postings;
	struct field selected[EXPR_INDEX_FIELDS_MAX]; /* the others are not indexed */
	uint32_t n_selected;                          /* 0: all are */
	struct expr_index *index;
};

static void set_program(uint64_t *set, uint32_t program)
{
	set[program / 64] |= UINT64_C(1) << program % 64;
}

static int compare_needs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct need));
}

static int compare_postings(const void *a, const void *b)
{
	const struct posting *left = a, *right = b;
	const int order = compare_needs(&left->need, &right->need);

	if (order != 0)
		return order;
	return (left->program > right->program) - (left->program < right->program);
}

static int find_all(struct building *b)
{
	uint32_t room = 0;

	for (uint32_t p = 0; p < b->count; p++) {
		if (needs_find(b->programs[p], b->needs) != 0)
			return -ENOMEM;
		for (uint32_t i = 0; i < b->programs[p]->bf_len; i++) {
			if (b->needs[i].field.bytes == 0)
				continue;
			if (b->n_all == NEEDS_MAX)
				return -E2BIG;
			if (b->n_all == room) {
				struct need *more;

				room = room > 0 ? 2 * room : 1024;
				more = realloc(b->all, room * sizeof(*more));
				if (more == NULL)
					return -ENOMEM;
				b->all = more;
			}
			b->all[b->n_all++] = b->needs[i];
		}
	}
	return 0;
}

static void count_all(struct building *b)
{
	uint32_t first = 0;

	if (b->n_all > 0)
		qsort(b->all, b->n_all, sizeof(*b->all), compare_needs);
	for (uint32_t i = 0; i < b->n_all; i++) {
		if (compare_needs(&b->all[first], &b->all[i]) != 0)
			first = i;
		b->counts[first]++;
	}
}

/* How often programs have @p need. */
static uint32_t frequency(const struct building *b, const struct need *need)
{
	uint32_t low = 0, high = b->n_all;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (compare_needs(&b->all[middle], need) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return b->counts[low];
}

static bool is_selected(const struct building *b, const struct field *field)
{
	for (uint32_t i = 0; i < b->n_selected; i++)
		if (memcmp(&b->selected[i], field, sizeof(*field)) == 0)
			return true;
	return b->n_selected == 0;
}

/* The rarest needs without which program @p p accepts nothing. false: there are none. */
static bool choose(struct building *b, uint32_t p)
{
	const struct bpf_program *program = b->programs[p];

	if (needs_find(program, b->needs) != 0)
		return false;
	for (uint32_t i = 0; i < program->bf_len; i++)
		if (b->needs[i].field.bytes == 0 || !is_selected(b, &b->needs[i].field))
			b->frequencies[i] = UINT32_MAX;
		else
			b->frequencies[i] = frequency(b, &b->needs[i]);
	for (uint32_t limit = 1; limit < 2 * NEEDS_MAX; limit *= 2) {
		for (uint32_t i = 0; i < program->bf_len; i++)
			b->closed[i] = b->frequencies[i] <= limit;
		if (!needs_cut(program, b->closed, b->reached))
			continue;
		for (uint32_t i = 0; i < program->bf_len; i++)
			if (b->closed[i] && b->reached[i])
				b->postings[b->n_postings++] =
					(struct posting){.need = b->needs[i], .program = p};
		return true;
	}
	return false;
}

static void choose_all(struct building *b)
{
	uint32_t n = 0;

	memset(b->index->always, 0, sizeof(b->index->always));
	b->n_postings = 0;
	for (uint32_t p = 0; p < b->count; p++)
		if (!choose(b, p))
			set_program(b->index->always, p);
	if (b->n_postings > 0)
		qsort(b->postings, b->n_postings, sizeof(*b->postings), compare_postings);
	for (uint32_t i = 0; i < b->n_postings; i++)
		if (n == 0 || compare_postings(&b->postings[n - 1], &b->postings[i]) != 0)
			b->postings[n++] = b->postings[i];
	b->n_postings = n;
}

/* The end of the postings from @p first on that have the same field. */
static uint32_t end_of_field(const struct building *b, uint32_t first)
{
	uint32_t end = first;

	while (end < b->n_postings &&
	       memcmp(&b->postings[end].need.field, &b->postings[first].need.field,
		      sizeof(struct field)) == 0)
		end++;
	return end;
}

struct popular {
	const struct field *field;
	uint32_t postings;
};

static int compare_popular(const void *a, const void *b)
{
	const struct popular *left = a, *right = b;

	return (left->postings < right->postings) - (left->postings > right->postings);
}

/* If the lists are of too many fields: choose again, of the fields with the longest ones. */
static int limit_fields(struct building *b)
{
	struct popular *fields = calloc((size_t)b->n_postings + 1, sizeof(*fields));
	uint32_t n = 0, end;

	if (fields == NULL)
		return -ENOMEM;
	for (uint32_t first = 0; first < b->n_postings; first = end) {
		end = end_of_field(b, first);
		fields[n++] = (struct popular){&b->postings[first].need.field, end - first};
	}
	qsort(fields, n, sizeof(*fields), compare_popular);
	for (uint32_t i = 0; n > EXPR_INDEX_FIELDS_MAX && i < EXPR_INDEX_FIELDS_MAX; i++)
		b->selected[b->n_selected++] = *fields[i].field;
	free(fields);
	if (b->n_selected > 0)
		choose_all(b);
	return 0;
}

static uint32_t hash(uint32_t value)
{
	return value * UINT32_C(0x9e3779b1);
}

/* 2^(32 - shift) is at least twice @p count. */
static uint32_t shift_for(uint32_t count)
{
	uint32_t shift = 30;

	while (shift > 0 && (UINT64_C(1) << (32 - shift)) < 2 * (uint64_t)count)
		shift--;
	return shift;
}

static struct slot *slot_of(const struct expr_index *index, const struct table *table,
			    uint32_t value)
{
	struct slot *slots = &index->slots[table->first];
	const uint32_t last = (uint32_t)(UINT64_C(1) << (32 - table->shift)) - 1;
	uint32_t at = hash(value) >> table->shift;

	while (slots[at].count != 0 && slots[at].value != value)
		at = (at + 1) & last;
	return &slots[at];
}

/* Make the tables, but not yet their slots. @return the number of slots. */
static uint32_t lay_out(struct building *b)
{
	struct expr_index *index = b->index;
	uint32_t n_slots = 0, end;

	for (uint32_t first = 0; first < b->n_postings; first = end) {
		struct table *table = &index->tables[index->n_tables];

		end = end_of_field(b, first);
		*table = (struct table){.field = b->postings[first].need.field,
					.first = n_slots,
					.shift = shift_for(end - first)};
		n_slots += (uint32_t)(UINT64_C(1) << (32 - table->shift));
		index->n_tables++;
	}
	return n_slots;
}

static void fill_slots(struct building *b)
{
	struct expr_index *index = b->index;
	uint32_t i = 0;

	for (uint32_t t = 0; t < index->n_tables; t++) {
		const uint32_t end = end_of_field(b, i);

		for (; i < end; i++) {
			struct slot *slot =
				slot_of(index, &index->tables[t], b->postings[i].need.value);

			if (slot->count == 0)
				*slot = (struct slot){.value = b->postings[i].need.value,
						      .first = i};
			slot->count++;
			index->postings[i] = (uint16_t)b->postings[i].program;
		}
	}
}

static int make_sets(struct expr_index *index, uint32_t n_slots, uint32_t n_postings)
{
	uint32_t n = 0;

	index->sets = calloc(n_postings / LIST_MAX + 1, sizeof(*index->sets));
	if (index->sets == NULL)
		return -ENOMEM;
	for (uint32_t s = 0; s < n_slots; s++) {
		struct slot *slot = &index->slots[s];

		if (slot->count <= LIST_MAX)
			continue;
		slot->set = n++;
		for (uint32_t i = 0; i < slot->count; i++)
			set_program(index->sets[slot->set], index->postings[slot->first + i]);
	}
	return 0;
}

static int build(struct building *b)
{
	uint32_t n_slots;
	int rc;

	b->longest = 1;
	for (uint32_t p = 0; p < b->count; p++)
		if (b->longest < b->programs[p]->bf_len)
			b->longest = b->programs[p]->bf_len;
	b->needs = calloc(b->longest, sizeof(*b->needs));
	b->frequencies = calloc(b->longest, sizeof(*b->frequencies));
	b->closed = calloc(b->longest, sizeof(*b->closed));
	b->reached = calloc(b->longest, sizeof(*b->reached));
	if (b->needs == NULL || b->frequencies == NULL || b->closed == NULL || b->reached == NULL)
		return -ENOMEM;
	rc = find_all(b);
	if (rc != 0)
		return rc;
	b->counts = calloc((size_t)b->n_all + 1, sizeof(*b->counts));
	b->postings = calloc((size_t)b->n_all + 1, sizeof(*b->postings));
	if (b->counts == NULL || b->postings == NULL)
		return -ENOMEM;
	count_all(b);
	choose_all(b);
	if (limit_fields(b) != 0)
		return -ENOMEM;
	n_slots = lay_out(b);
	b->index->slots = calloc((size_t)n_slots + 1, sizeof(struct slot));
	b->index->postings = calloc((size_t)b->n_postings + 1, sizeof(uint16_t));
	if (b->index->slots == NULL || b->index->postings == NULL)
		return -ENOMEM;
	fill_slots(b);
	return make_sets(b->index, n_slots, b->n_postings);
}

int expr_index_build(const struct bpf_program *const *programs, uint32_t count,
		     struct expr_index **out)
{
	struct building b = {
		.programs = programs,
		.count = count,
		.index = calloc(1, sizeof(struct expr_index)),
	};
	int rc = -ENOMEM;

	if (b.index != NULL) {
		b.index->count = count;
		rc = build(&b);
	}
	free(b.needs);
	free(b.frequencies);
	free(b.closed);
	free(b.reached);
	free(b.all);
	free(b.counts);
	free(b.postings);
	if (rc == 0)
		*out = b.index;
	else
		expr_index_free(b.index);
	return rc;
}

void expr_index_free(struct expr_index *index)
{
	if (index == NULL)
		return;
	free(index->slots);
	free(index->postings);
	free(index->sets);
	free(index);
}

/* false: it is not within the frame. */
static inline bool read_field(const struct field *field, const uint8_t *data, uint32_t length,
			      uint32_t *value)
{
	uint32_t at = field->offset;

	if (field->header != FIELD_FROM_START) {
		if (field->header >= length)
			return false;
		at += 4u * (data[field->header] & 0xfu);
	}
	if (length < field->bytes || at > length - field->bytes)
		return false;
	*value = data[at];
	if (field->bytes >= 2)
		*value = *value << 8 | data[at + 1];
	if (field->bytes == 4)
		*value = *value << 16 | (uint32_t)data[at + 2] << 8 | data[at + 3];
	*value &= field->mask;
	return true;
}

void expr_index_find(const struct expr_index *index, const uint8_t *data, uint32_t length,
		     uint64_t *set)
{
	const uint32_t n_words = (index->count + 63) / 64;

	memcpy(set, index->always, n_words * sizeof(*set));
	for (uint32_t t = 0; t < index->n_tables; t++) {
		const struct slot *slot;
		uint32_t value;

		if (!read_field(&index->tables[t].field, data, length, &value))
			continue;
		slot = slot_of(index, &index->tables[t], value);
		if (slot->count > LIST_MAX) {
			for (uint32_t i = 0; i < n_words; i++)
				set[i] |= index->sets[slot->set][i];
			continue;
		}
		for (uint32_t i = 0; i < slot->count; i++)
			set_program(set, index->postings[slot->first + i]);
	}
}

static void add_program(struct expr_bound *bound, uint32_t steps)
{
	bound->programs++;
	bound->instructions += steps;
}

/* The most expensive value of a table. */
static struct expr_bound bound_of_table(const struct expr_index *index, const struct table *table,
					const uint32_t *steps)
{
	struct expr_bound most = {0};

	for (uint64_t s = 0; s < UINT64_C(1) << (32 - table->shift); s++) {
		const struct slot *slot = &index->slots[table->first + s];
		struct expr_bound bound = {0};

		for (uint32_t i = 0; i < slot->count; i++)
			add_program(&bound, steps[index->postings[slot->first + i]]);
		if (most.programs < bound.programs)
			most.programs = bound.programs;
		if (most.instructions < bound.instructions)
			most.instructions = bound.instructions;
	}
	return most;
}

struct expr_bound expr_index_bound(const struct expr_index *index, const uint32_t *steps)
{
	struct expr_bound bound = {0}, all = {0};

	for (uint32_t p = 0; p < index->count; p++) {
		add_program(&all, steps[p]);
		if ((index->always[p / 64] >> p % 64 & 1) != 0)
			add_program(&bound, steps[p]);
	}
	for (uint32_t t = 0; t < index->n_tables; t++) {
		const struct expr_bound most = bound_of_table(index, &index->tables[t], steps);

		bound.programs += most.programs;
		bound.instructions += most.instructions;
	}
	if (bound.programs > all.programs)
		bound.programs = all.programs;
	if (bound.instructions > all.instructions)
		bound.instructions = all.instructions;
	return bound;
}

/* SPDX-License-Identifier: MIT */
#include "analyse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *fg_finding_name(enum fg_finding kind)
{
	return kind == FG_FINDING_SHADOWED ? "shadowed" : "redundant";
}

static bool same_action(const struct analysis *a, uint32_t rule, uint32_t other)
{
	const struct fg_rule *rules = a->rules->rules;

	/* Subscriptions are not compared: two of them count as different. */
	return rules[rule].sinks == rules[other].sinks && rules[rule].feed == rules[other].feed &&
	       rules[rule].feed_line == rules[other].feed_line &&
	       rules[rule].subscription == NULL && rules[other].subscription == NULL;
}

/* Find the first entry in the index that is of an earlier rule and covers @p entry. */
static void find_earlier(struct analysis *a, uint32_t entry)
{
	const struct fg_match *matches = a->boxes.matches;
	uint32_t at;

	for (uint32_t i = box_index_first(&a->index, entry, &at);
	     i != UINT32_MAX && matches[i].rule < matches[entry].rule && spend(a, 1);
	     i = box_index_next(&a->index, &at))
		if (box_covers(&matches[i], &matches[entry])) {
			if (a->cover[entry] == COVER_NONE || matches[i].rule < a->cover[entry])
				a->cover[entry] = matches[i].rule;
			return;
		}
}

/*
 * Find the first entry in the index that is of a later rule with the same action
 * and covers @p entry. It must not be covered itself: of two entries that cover each
 * other, one is needed.
 */
static void find_later(struct analysis *a, uint32_t entry)
{
	const struct fg_match *matches = a->boxes.matches;
	const uint32_t rule = matches[entry].rule;
	uint32_t at;

	for (uint32_t i = box_index_first(&a->index, entry, &at); i != UINT32_MAX && spend(a, 1);
	     i = box_index_next(&a->index, &at))
		if (matches[i].rule > rule && a->cover[i] == COVER_NONE &&
		    same_action(a, matches[i].rule, rule) &&
		    box_covers(&matches[i], &matches[entry])) {
			if (a->next[entry] == COVER_NONE || matches[i].rule < a->next[entry])
				a->next[entry] = matches[i].rule;
			return;
		}
}

/* Call @p find for each entry with each group that may cover it in the index. */
static void find_in_all_groups(struct analysis *a, void (*find)(struct analysis *, uint32_t))
{
	for (uint32_t f = 0; f < a->boxes.n_groups; f++) {
		const struct group *from = &a->boxes.groups[f];

		if (!spend(a, from->count))
			return;
		box_index_fill(&a->index, from, &from->mask);
		for (uint32_t g = 0; g < a->boxes.n_groups && spend(a, 1); g++) {
			const struct group *group = &a->boxes.groups[g];

			if (!bits_within(&from->mask, &group->mask) || !spend(a, group->count))
				continue;
			for (uint32_t i = 0; i < group->count; i++)
				find(a, entry_of(a, group, i));
		}
	}
}

/* The rule that covers all entries of @p rule; COVER_NONE if not all are covered. */
static uint32_t cover_of_rule(const struct analysis *a, const struct fg_rule *rule)
{
	const uint32_t *cover = &a->cover[rule->first_match];

	for (uint32_t i = 0; i < rule->n_matches; i++)
		if (cover[i] == COVER_NONE)
			return COVER_NONE;
	for (uint32_t i = 1; i < rule->n_matches; i++)
		if (cover[i] != cover[0])
			return FG_FINDING_BY_SEVERAL;
	return rule->n_matches > 0 ? cover[0] : COVER_NONE;
}

static int find_shadowed(struct analysis *a)
{
	int rc;

	a->work = ANALYSE_WORK;
	find_in_all_groups(a, find_earlier);
	a->work = ANALYSE_WORK;
	rc = analyse_unions(a);
	for (uint32_t r = 1; r <= a->rules->count; r++)
		a->shadowed[r] = cover_of_rule(a, &a->rules->rules[r]) != COVER_NONE;
	return rc;
}

/*
 * Mark rules as needed unless they may be redundant: for each of their entries that
 * is not covered, a later rule or the default has the same action.
 */
static void find_candidates(struct analysis *a)
{
	for (uint32_t r = 1; r <= a->rules->count; r++) {
		const struct fg_rule *rule = &a->rules->rules[r];
		const bool by_default = same_action(a, r, 0);

		a->needed[r] = a->shadowed[r] || rule->n_matches == 0;
		for (uint32_t i = rule->first_match; i < rule->first_match + rule->n_matches; i++)
			if (a->cover[i] == COVER_NONE && a->next[i] == COVER_NONE && !by_default)
				a->needed[r] = true;
	}
}

static bool is_candidate(const struct analysis *a, uint32_t entry)
{
	return !a->needed[a->boxes.matches[entry].rule] && a->cover[entry] == COVER_NONE;
}

/*
 * Mark the rule of @p entry as needed if a rule with another action, between it and
 * the one that would get its packets, overlaps it.
 */
static void check_between(struct analysis *a, uint32_t entry)
{
	const struct fg_match *matches = a->boxes.matches;
	const uint32_t rule = matches[entry].rule;
	const uint32_t end = a->next[entry] != COVER_NONE ? a->next[entry] : UINT32_MAX;
	uint32_t at;

	for (uint32_t i = box_index_first(&a->index, entry, &at);
	     i != UINT32_MAX && matches[i].rule < end; i = box_index_next(&a->index, &at)) {
		if (!spend(a, 1) ||
		    (matches[i].rule > rule && !same_action(a, matches[i].rule, rule) &&
		     box_overlaps(&matches[i], &matches[entry]))) {
			a->needed[rule] = true;
			return;
		}
	}
}

/* Check the candidates of @p group against all groups. */
static void check_group(struct analysis *a, const struct group *group)
{
	uint32_t candidates = 0;

	for (uint32_t i = 0; i < group->count; i++)
		candidates += is_candidate(a, entry_of(a, group, i));
	for (uint32_t f = 0; f < a->boxes.n_groups && candidates > 0; f++) {
		const struct group *from = &a->boxes.groups[f];
		struct key_bits both = from->mask;
		const bool enough = spend(a, (uint64_t)from->count + group->count);

		for (size_t w = 0; w < KEY_WORDS; w++)
			both.word[w] &= group->mask.word[w];
		if (enough)
			box_index_fill(&a->index, from, &both);
		for (uint32_t i = 0; i < group->count; i++) {
			const uint32_t entry = entry_of(a, group, i);

			if (!is_candidate(a, entry))
				continue;
			if (enough)
				check_between(a, entry);
			else
				a->needed[a->boxes.matches[entry].rule] = true;
		}
	}
}

static void find_redundant(struct analysis *a)
{
	a->work = ANALYSE_WORK;
	find_in_all_groups(a, find_later);
	find_candidates(a);
	a->work = ANALYSE_WORK;
	for (uint32_t g = 0; g < a->boxes.n_groups; g++)
		check_group(a, &a->boxes.groups[g]);
}

/* The later rule, or the default (0), that would get the packets of a redundant rule. */
static uint32_t next_of_rule(const struct analysis *a, const struct fg_rule *rule)
{
	const uint32_t end = rule->first_match + rule->n_matches;
	uint32_t by = 0;
	bool any = false;

	for (uint32_t i = rule->first_match; i < end; i++) {
		if (a->cover[i] != COVER_NONE)
			continue;
		if (any && by != a->next[i])
			return FG_FINDING_BY_SEVERAL;
		by = a->next[i];
		any = true;
	}
	return by;
}

static int report(const struct analysis *a, struct fg_rule_finding **findings, uint32_t *count)
{
	struct fg_rule_finding *list = NULL;
	uint32_t n = 0;

	for (uint32_t r = 1; r <= a->rules->count; r++)
		n += a->shadowed[r] || !a->needed[r];
	if (n > 0) {
		list = calloc(n, sizeof(*list));
		if (list == NULL)
			return -ENOMEM;
	}
	n = 0;
	for (uint32_t r = 1; r <= a->rules->count; r++) {
		const struct fg_rule *rule = &a->rules->rules[r];

		if (a->shadowed[r])
			list[n++] = (struct fg_rule_finding){r, FG_FINDING_SHADOWED,
							     cover_of_rule(a, rule)};
		else if (!a->needed[r])
			list[n++] = (struct fg_rule_finding){r, FG_FINDING_REDUNDANT,
							     next_of_rule(a, rule)};
	}
	*findings = list;
	*count = n;
	return 0;
}

static void close_analysis(struct analysis *a)
{
	boxes_free(&a->boxes);
	box_index_close(&a->index);
	free(a->cover);
	free(a->next);
	free(a->shadowed);
	free(a->needed);
}

static int open_analysis(struct analysis *a, const struct fg_rules *rules)
{
	const size_t entries = (size_t)rules->n_matches + 1, n_rules = (size_t)rules->count + 1;

	*a = (struct analysis){.rules = rules, .complete = true};
	a->cover = calloc(entries, sizeof(*a->cover));
	a->next = calloc(entries, sizeof(*a->next));
	a->shadowed = calloc(n_rules, sizeof(*a->shadowed));
	a->needed = calloc(n_rules, sizeof(*a->needed));
	if (a->cover == NULL || a->next == NULL || a->shadowed == NULL || a->needed == NULL ||
	    boxes_make(&a->boxes, rules->matches, rules->n_matches) != 0)
		return -ENOMEM;
	return box_index_open(&a->index, &a->boxes);
}

int fg_rules_analyse(const struct fg_rules *rules, struct fg_rule_finding **findings,
		     uint32_t *count, bool *complete, struct fg_error *error)
{
	struct analysis a;
	int rc = open_analysis(&a, rules);

	if (rc == 0)
		rc = find_shadowed(&a);
	if (rc == 0) {
		find_redundant(&a);
		rc = report(&a, findings, count);
	}
	if (rc == 0 && complete != NULL)
		*complete = a.complete;
	close_analysis(&a);
	return rc == 0 ? 0 : fg_error_set(error, -rc, "no memory to analyse the rules");
}

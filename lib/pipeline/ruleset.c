/* SPDX-License-Identifier: MIT */
/* Compile rules into the immutable set that rx lcores read. */
#include <errno.h>
#include <stdlib.h>

#include "pipeline.h"

static bool is_feed(const struct fg_pipeline *pipeline, const struct fg_rule *rule)
{
	return rule->feed != FG_FEED_NONE && rule->feed < pipeline->n_feeds &&
	       pipeline->feeds[rule->feed] != NULL;
}

/*
 * The lane of the lcore that processes a rule's packets: its feed's. Without workers, packets that
 * no feed must see stay where they were received; with workers, the rule's id decides, which stays
 * when rules move.
 */
static uint8_t pick_owner(const struct fg_pipeline *pipeline, const struct fg_rule *rule)
{
	if (is_feed(pipeline, rule) || (pipeline->n_workers > 0 && rule->feed < pipeline->n_feeds))
		return pipeline->owners[rule->feed];
	return (uint8_t)(pipeline->n_workers > 0 ? rule->id % pipeline->n_workers : OWNER_HERE);
}

/* Compile the rule's subscription. */
static int make_filter(const struct fg_pipeline *pipeline, const struct fg_rule *rule,
		       struct ruleset *set, struct action *action, struct fg_error *error)
{
	const struct fg_feed *feed = pipeline->feeds[rule->feed];
	struct fg_msg_filter_conf conf = fg_rules_msg_filter_conf(
		rule->subscription, fg_feed_conf(feed)->protocol, fg_feed_symbols(feed),
		fg_feed_orders(feed), lane_socket(pipeline, action->owner));
	struct fg_error reason = {0};
	int rc;

	conf.learns_needed_only = !fg_feed_conf(feed)->learn;
	rc = fg_msg_filter_create(&conf, &action->filter, &reason);
	if (rc != 0)
		return fg_error_set(error, -rc, "rule %s: %s", rule->name, reason.text);
	set->filters->filters[set->filters->count++] = action->filter;
	action->flags |= rule->subscription->slice ? FG_META_SLICE : 0;
	return 0;
}

static struct filters *filters_new(const struct fg_pipeline *pipeline, uint32_t n)
{
	struct filters *filters = calloc(1, sizeof(*filters) + n * sizeof(filters->filters[0]));

	if (filters == NULL)
		return NULL;
	filters->rules_version = pipeline->rules_version + 1;
	filters->marks =
		calloc((size_t)pipeline->n_rx * pipeline->n_lanes, sizeof(filters->marks[0]));
	if (filters->marks != NULL)
		return filters;
	free(filters);
	return NULL;
}

void filters_free(struct filters *filters)
{
	if (filters == NULL)
		return;
	for (uint32_t i = 0; i < filters->count; i++)
		fg_msg_filter_free(filters->filters[i]);
	free(filters->marks);
	free(filters);
}

static int make_filters(const struct fg_pipeline *pipeline, const struct fg_rules *rules,
			struct ruleset *set, struct fg_error *error)
{
	uint32_t n = 0;
	int rc = 0;

	for (uint32_t i = 1; i <= rules->count; i++)
		n += is_feed(pipeline, &rules->rules[i]) && rules->rules[i].subscription != NULL;
	if (n == 0)
		return 0;
	set->filters = filters_new(pipeline, n);
	if (set->filters == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u message filters", n);
	for (uint32_t i = 1; i <= rules->count && rc == 0; i++)
		if (is_feed(pipeline, &rules->rules[i]) && rules->rules[i].subscription != NULL)
			rc = make_filter(pipeline, &rules->rules[i], set, &set->actions[i], error);
	return rc;
}

/* All but the rules. */
static void free_set(struct ruleset *set)
{
	filters_free(set->filters);
	fg_table_free(set->table);
	free(set);
}

int ruleset_build(const struct fg_pipeline *pipeline, struct fg_rules *rules, struct ruleset **out,
		  struct fg_error *error)
{
	const struct fg_table_conf conf =
		fg_classify_table_conf(&pipeline->classify, SOCKET_ID_ANY);
	const size_t count = (size_t)rules->count + 1;
	struct ruleset *set = calloc(1, sizeof(*set) + count * sizeof(set->actions[0]));
	int rc;

	if (set == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u rules", rules->count);
	for (uint32_t i = 0; i < count; i++) {
		const struct fg_rule *rule = &rules->rules[i];

		set->actions[i] = (struct action){
			.sinks = rule->sinks,
			.rule_id = rule->id,
			.rules_version = pipeline->rules_version + 1,
			.feed = is_feed(pipeline, rule) ? rule->feed : FG_META_FEED_NONE,
			.line = rule->feed_line,
			.owner = pick_owner(pipeline, rule),
		};
	}
	rc = make_filters(pipeline, rules, set, error);
	if (rc == 0)
		rc = fg_table_build(&conf, rules->matches, rules->n_matches, &set->table, error);
	if (rc != 0) {
		free_set(set);
		return rc;
	}
	set->rules = rules;
	*out = set;
	return 0;
}

void ruleset_free(struct ruleset *set)
{
	if (set == NULL)
		return;
	fg_rules_free(set->rules);
	free_set(set);
}

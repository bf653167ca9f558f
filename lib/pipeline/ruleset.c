/* SPDX-License-Identifier: MIT */
/* Compile rules into the immutable set that rx lcores read. */
#include <errno.h>
#include <stdlib.h>

#include "pipeline.h"

/* The worker of a rule: its feed's, so that one lcore sees all lines; else by rule number. */
static uint8_t pick_worker(const struct fg_rule *rule, uint32_t number, uint16_t n_workers)
{
	if (n_workers == 0)
		return 0;
	return (uint8_t)((rule->feed != FG_FEED_NONE ? rule->feed : number) % n_workers);
}

static bool is_feed(const struct fg_pipeline *pipeline, const struct fg_rule *rule)
{
	return rule->feed != FG_FEED_NONE && rule->feed < pipeline->n_feeds &&
	       pipeline->feeds[rule->feed] != NULL;
}

/* Compile the rule's subscription. */
static int make_filter(const struct fg_pipeline *pipeline, const struct fg_rule *rule,
		       struct ruleset *set, struct action *action, struct fg_error *error)
{
	const struct fg_feed *feed = pipeline->feeds[rule->feed];
	const struct fg_msg_filter_conf conf = fg_rules_msg_filter_conf(
		rule->subscription, fg_feed_conf(feed)->protocol, fg_feed_symbols(feed),
		fg_feed_orders(feed), feeds_socket(pipeline, action->worker));
	struct fg_error reason = {0};
	const int rc = fg_msg_filter_create(&conf, &action->filter, &reason);

	if (rc != 0)
		return fg_error_set(error, -rc, "rule %s: %s", rule->name, reason.text);
	set->filters[set->n_filters++] = action->filter;
	action->flags |= rule->subscription->slice ? FG_META_SLICE : 0;
	return 0;
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
	set->filters = calloc(n, sizeof(set->filters[0]));
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
	for (uint32_t i = 0; i < set->n_filters; i++)
		fg_msg_filter_free(set->filters[i]);
	free(set->filters);
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
			.worker = pick_worker(rule, i, pipeline->n_workers),
			.feed = is_feed(pipeline, rule) ? rule->feed : FG_META_FEED_NONE,
			.line = rule->feed_line,
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

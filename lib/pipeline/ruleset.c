/* SPDX-License-Identifier: MIT */
/* From rules to the snapshot that rx lcores see. */
#include <errno.h>
#include <stdlib.h>

#include "pipeline.h"

/*
 * Which worker handles a rule: the feed's, so that all its lines meet there in
 * order; otherwise rules take turns.
 */
static uint8_t pick_worker(const struct fg_rule *rule, uint32_t number, uint16_t n_workers)
{
	if (n_workers == 0)
		return 0;
	return (uint8_t)((rule->feed != FG_FEED_NONE ? rule->feed : number) % n_workers);
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
		};
	}
	rc = fg_table_build(&conf, rules->matches, rules->n_matches, &set->table, error);
	if (rc != 0) {
		free(set);
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
	fg_table_free(set->table);
	fg_rules_free(set->rules);
	free(set);
}

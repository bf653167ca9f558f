/* SPDX-License-Identifier: MIT */
#include "findings.h"

#include <inttypes.h>
#include <stdlib.h>

#include "app.h"

#define WARNINGS_MAX 100u

static int analyse(const struct fg_rules *rules, struct findings *findings, struct fg_error *error)
{
	*findings = (struct findings){0};
	return fg_rules_analyse(rules, &findings->at, &findings->count, &findings->complete, error);
}

void findings_free(struct findings *findings)
{
	free(findings->at);
	*findings = (struct findings){0};
}

const struct findings *findings_of(struct app *app)
{
	const uint32_t rules_version = fg_pipeline_rules_version(app->pipeline);
	struct fg_error error = {0};

	if (app->findings.rules_version == rules_version)
		return &app->findings;
	findings_free(&app->findings);
	if (analyse(fg_pipeline_rules(app->pipeline), &app->findings, &error) == 0)
		app->findings.rules_version = rules_version;
	return &app->findings;
}

static int compare(const void *key, const void *element)
{
	const uint32_t rule = *(const uint32_t *)key;
	const struct fg_rule_finding *finding = element;

	return (rule > finding->rule) - (rule < finding->rule);
}

void findings_text(const struct findings *findings, const struct fg_rules *rules, uint32_t rule,
		   char *text, size_t size)
{
	const struct fg_rule_finding *f = NULL;

	text[0] = '\0';
	if (findings->count > 0)
		f = bsearch(&rule, findings->at, findings->count, sizeof(*f), compare);
	if (f == NULL)
		return;
	snprintf(text, size, "%s %s %s", fg_finding_name(f->kind),
		 f->kind == FG_FINDING_SHADOWED ? "by" : "with",
		 f->by == FG_FINDING_BY_SEVERAL ? "several rules"
		 : f->by == 0                   ? "the default"
						: rules->rules[f->by].name);
}

void findings_warn(const struct app *app, FILE *out)
{
	const struct fg_rules *rules = app->rules;
	struct fg_error error = {0};
	struct findings findings;
	char text[128];

	if (analyse(rules, &findings, &error) != 0) {
		fprintf(out, "feedgate: warning: %s\n", error.text);
		return;
	}
	for (uint32_t i = 0; i < findings.count && i < WARNINGS_MAX; i++) {
		const struct fg_rule *rule = &rules->rules[findings.at[i].rule];

		findings_text(&findings, rules, findings.at[i].rule, text, sizeof(text));
		fprintf(out, "%s:%u: warning: rule %s is %s\n", app->options.config_path,
			rule->line, rule->name, text);
	}
	if (findings.count > WARNINGS_MAX)
		fprintf(out, "feedgate: warning: and %u more shadowed or redundant rules\n",
			findings.count - WARNINGS_MAX);
	if (!findings.complete)
		fputs("feedgate: warning: there may be more: the search for shadowed rules was cut "
		      "short\n",
		      out);
	findings_free(&findings);
}

/* "udp", say, if an expression of @rule reads bytes after that word, and its other keys allow IPv6.
 */
static const char *ipv4_only(const struct fg_rules *rules, const struct fg_rule *rule)
{
	for (uint32_t i = 0; i < rule->n_matches; i++) {
		const struct fg_match *match = &rules->matches[rule->first_match + i];
		const char *word = match->expr != NULL ? fg_expr_ipv4_only(match->expr) : NULL;

		if (word != NULL &&
		    (match->mask.family == 0 || match->value.family != FG_FAMILY_IPV4))
			return word;
	}
	return NULL;
}

void findings_expressions(const struct app *app, const struct fg_table_info *info, FILE *out)
{
	const struct fg_rules *rules = app->rules;
	const char *path = app->options.config_path;
	uint32_t n = 0;

	for (uint32_t i = 1; i <= rules->count; i++) {
		const struct fg_rule *rule = &rules->rules[i];
		const char *word = ipv4_only(rules, rule);

		if (word != NULL && n++ < WARNINGS_MAX)
			fprintf(out,
				"%s:%u: note: rule %s: %s[...] of its expression never matches "
				"IPv6\n",
				path, rule->line, rule->name, word);
	}
	if (n > WARNINGS_MAX)
		fprintf(out, "%s: note: and %u more rules with expressions that never match IPv6\n",
			path, n - WARNINGS_MAX);
	if (info->n_programs > 0)
		fprintf(out,
			"%s: note: expressions: %u; a packet runs at most %u of them, %" PRIu64
			" instructions\n",
			path, info->n_programs, info->worst_programs, info->worst_instructions);
}

/* SPDX-License-Identifier: MIT */
#include "report_rule.h"

#include <string.h>

#include "app.h"
#include "feeds_subscription.h"
#include "findings.h"
#include "report_text.h"

/* How many of its entries each tier holds. */
static void print_tiers(const struct app *app, const struct fg_rule *rule, FILE *out)
{
	const struct fg_table *table = fg_pipeline_table(app->pipeline);
	uint32_t counts[FG_TIER_EXPRESSION + 1] = {0};
	const char *separator = " (";

	for (uint32_t i = 0; i < rule->n_matches; i++)
		counts[fg_table_tier(table, rule->first_match + i)]++;
	for (unsigned int tier = 0; tier <= FG_TIER_EXPRESSION; tier++)
		if (counts[tier] > 0) {
			fprintf(out, "%s%s: %u", separator, fg_tier_name((enum fg_tier)tier),
				counts[tier]);
			separator = ", ";
		}
	fputs(rule->n_matches > 0 ? ")\n" : "\n", out);
}

static void print_place(const struct app *app, uint32_t number, FILE *out)
{
	const struct fg_node *node;

	if (number == 0)
		return;
	node = &app->book.entries[number - 1].node;
	fprintf(out, ", line %u of %s", node->line, node->file);
}

static void print_feed(const struct app *app, const struct fg_rule *rule, uint32_t number,
		       FILE *out)
{
	struct fg_msg_filter_info info;

	fprintf(out, "  feed: %s", app->feeds[rule->feed]->conf.name);
	if (rule->feed_line != 0)
		fprintf(out, ", line %c", 'A' + rule->feed_line - 1);
	fputc('\n', out);
	if (!report_has_protocol(app, rule))
		return;
	fputs("  subscription: ", out);
	report_subscription(app, rule, out);
	fputc('\n', out);
	if (fg_pipeline_filter(app->pipeline, number, &info))
		fprintf(out, "  symbols without a number so far: %u; compiled: %s bytes\n",
			info.n_symbols_without_number, report_grouped(info.bytes));
}

static void print(struct app *app, const struct snapshot *s, uint32_t number, FILE *out)
{
	const struct fg_rules *rules = fg_pipeline_rules(app->pipeline);
	const struct fg_rule *rule = &rules->rules[number];
	const struct fg_rule_totals *totals = &s->rules[rule->id];
	char finding[128];

	fprintf(out, "rule %s, number %u of %u", rule->name, number, rules->count);
	print_place(app, number, out);
	fprintf(out, "\n  match: %s\n  entries: %u", rule->text, rule->n_matches);
	print_tiers(app, rule, out);
	if (rule->feed != FG_FEED_NONE)
		print_feed(app, rule, number, out);
	fputs("  to: ", out);
	report_action(app, rule, out);
	fprintf(out,
		"\n  packets: %lu, bytes: %lu, duplicates: %lu, unmatched: %lu, "
		"sink drops: %lu, last hit: %s\n",
		(unsigned long)totals->packets, (unsigned long)totals->bytes,
		(unsigned long)totals->duplicates, (unsigned long)totals->unmatched,
		(unsigned long)totals->dropped, report_age(totals->last_ticks));
	findings_text(findings_of(app), rules, number, finding, sizeof(finding));
	if (finding[0] != '\0')
		fprintf(out, "  %s\n", finding);
}

int report_rule(struct app *app, const struct snapshot *s, const char *name, FILE *out)
{
	const struct fg_rules *rules = fg_pipeline_rules(app->pipeline);

	for (uint32_t i = 0; i <= rules->count; i++)
		if (strcmp(rules->rules[i].name, name) == 0) {
			print(app, s, i, out);
			return 0;
		}
	return -1;
}

/* SPDX-License-Identifier: MIT */
/*
 * The compiled table gives the winner. The definition of a match (fg_match_test(), fg_expr_test())
 * gives the entry that matched and the other rules that match; a disagreement between the two is
 * printed. The running pipeline is not disturbed: tables are read-only, and only control replaces
 * them.
 */
#include "explain.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "app.h"
#include "explain_fields.h"
#include "explain_frame.h"
#include "explain_words.h"
#include "feeds_subscription.h"
#include "report_text.h"

#define ALSO_MAX        10u
#define HEX_BYTES_SHOWN 128u

struct packet {
	uint8_t *bytes;
	uint32_t length;
	struct fg_key key;
};

static void print_frame(const struct packet *packet, FILE *out)
{
	fprintf(out, "frame: %u bytes ", packet->length);
	for (uint32_t i = 0; i < packet->length && i < HEX_BYTES_SHOWN; i++)
		fprintf(out, "%02x", packet->bytes[i]);
	fputs(packet->length > HEX_BYTES_SHOWN ? "...\n" : "\n", out);
}

/* The rule that the table gives. The mbuf lies on the stack and belongs to no pool. */
static uint32_t look_up(const struct app *app, const struct packet *packet)
{
	struct rte_mbuf mbuf __attribute__((aligned(RTE_CACHE_LINE_MIN_SIZE)));
	struct rte_mbuf *pkts[] = {&mbuf};
	uint32_t rule;

	memset(&mbuf, 0, sizeof(mbuf));
	mbuf.buf_addr = packet->bytes;
	mbuf.buf_len = (uint16_t)packet->length;
	mbuf.data_len = (uint16_t)packet->length;
	mbuf.pkt_len = packet->length;
	mbuf.nb_segs = 1;
	mbuf.refcnt = 1;
	fg_table_lookup(fg_pipeline_table(app->pipeline), &packet->key, pkts, &rule, 1);
	return rule;
}

static bool entry_matches(const struct fg_match *match, const struct packet *packet)
{
	return fg_match_test(match, &packet->key) != 0 &&
	       (match->expr == NULL ||
		fg_expr_test(match->expr, packet->bytes, packet->length, packet->length));
}

/* The first entry of rule number @p number that matches, or UINT32_MAX. */
static uint32_t find_entry(const struct fg_rules *set, uint32_t number, const struct packet *packet)
{
	const struct fg_rule *rule = &set->rules[number];

	for (uint32_t i = 0; i < rule->n_matches; i++)
		if (entry_matches(&set->matches[rule->first_match + i], packet))
			return rule->first_match + i;
	return UINT32_MAX;
}

static void print_rule(const struct app *app, uint32_t number, FILE *out)
{
	const struct fg_rule *rule = &fg_pipeline_rules(app->pipeline)->rules[number];

	if (number == 0) {
		fputs("no rule: the default", out);
	} else {
		const struct fg_node *node = &app->book.entries[number - 1].node;

		fprintf(out, "rule %u, %s (line %u of %s)", number, rule->name, node->line,
			node->file);
	}
	fputs(rule->sinks != 0 ? ": to " : ": ", out);
	report_action(app, rule, out);
	fputc('\n', out);
}

/* The feed stage may still drop the packet, by its payload. */
static void print_subscription(const struct app *app, const struct fg_rule *rule, FILE *out)
{
	fprintf(out, "  subscription of feed %s: ", app->feeds[rule->feed]->conf.name);
	report_subscription(app, rule, out);
	fputc('\n', out);
}

static void print_winner(const struct app *app, const struct packet *packet, uint32_t number,
			 FILE *out)
{
	const struct fg_rules *set = fg_pipeline_rules(app->pipeline);
	const struct fg_table *table = fg_pipeline_table(app->pipeline);
	uint32_t entry;

	fputs("winner: ", out);
	print_rule(app, number, out);
	if (number == 0)
		return;
	entry = find_entry(set, number, packet);
	if (entry == UINT32_MAX)
		return;
	fprintf(out, "  tier: %s, entry %u of %u: ", fg_tier_name(fg_table_tier(table, entry)),
		entry - set->rules[number].first_match + 1, set->rules[number].n_matches);
	explain_print_entry(app, &set->matches[entry], out);
	fputc('\n', out);
	if (report_has_protocol(app, &set->rules[number]))
		print_subscription(app, &set->rules[number], out);
}

/* The rules after the winner that match too. @return the first rule of all that matches. */
static uint32_t print_others(const struct app *app, const struct packet *packet, uint32_t winner,
			     FILE *out)
{
	const struct fg_rules *set = fg_pipeline_rules(app->pipeline);
	uint32_t first = 0, n = 0;

	for (uint32_t number = 1; number <= set->count; number++) {
		if (find_entry(set, number, packet) == UINT32_MAX)
			continue;
		if (first == 0)
			first = number;
		if (number <= winner)
			continue;
		if (n++ < ALSO_MAX) {
			fputs("also matches: ", out);
			print_rule(app, number, out);
		}
	}
	if (n > ALSO_MAX)
		fprintf(out, "also matches: and %u more\n", n - ALSO_MAX);
	return first;
}

static void examine(const struct app *app, struct packet *packet,
		    const struct explain_fields *fields, FILE *out)
{
	const struct fg_parse parse = {
		.conf = app->parse,
		.source = (uint8_t)fields->source,
		.line = fields->line,
	};
	const enum fg_drop reason = fg_parse_packet(&parse, packet->bytes, packet->length,
						    packet->length, &packet->key);
	uint32_t winner, first;

	print_frame(packet, out);
	if (reason != FG_DROP_COUNT) {
		fprintf(out, "dropped before any rule: %s: %s\n", fg_drop_name(reason),
			fg_drop_help(reason));
		return;
	}
	fputs("key: ", out);
	explain_print_key(app, &packet->key, out);
	fputc('\n', out);
	winner = look_up(app, packet);
	print_winner(app, packet, winner, out);
	first = print_others(app, packet, winner, out);
	if (first == winner)
		return;
	fputs("DISAGREEMENT: the table gives the rule above, but by definition the winner is ",
	      out);
	print_rule(app, first, out);
	fputs("this is a bug in feedgate: please report it, with the rules and the frame\n", out);
}

int explain(const struct app *app, const char *text, FILE *out, struct fg_error *error)
{
	struct explain_fields *fields = malloc(sizeof(*fields));
	struct packet packet = {.bytes = calloc(1, EXPLAIN_FRAME_BYTES)};
	char *words = strdup(text);
	int rc;

	if (fields == NULL || packet.bytes == NULL || words == NULL)
		rc = fg_error_set(error, ENOMEM, "out of memory");
	else
		rc = explain_fields_read(app, words, fields, error);
	if (rc == 0 && fields->path != NULL)
		rc = explain_frame_load(fields, packet.bytes, &packet.length, error);
	else if (rc == 0)
		packet.length = explain_frame_make(fields, packet.bytes);
	if (rc == 0)
		examine(app, &packet, fields, out);
	free(fields);
	free(packet.bytes);
	free(words);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any text as `rules` and `default` of a file: it is refused with a message of one line
 * that has the name of the file, or the result is as fg_rules.h promises.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fg_config.h>
#include <fg_names.h>
#include <fg_rules.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const sources[] = {"nic-a", "day"};
static const char *const sinks[] = {"disk", "seen"};
static const char *const feeds[] = {"itch"};
static const struct fg_scope scope = {
	.sources = sources,
	.sinks = sinks,
	.feeds = feeds,
	.n_sources = 2,
	.n_sinks = 2,
	.n_feeds = 1,
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* A key with the values of the entry matches it; without the ports of the entry it does not. */
static void check_meaning(const struct fg_match *match)
{
	struct fg_key key = match->value;

	key.src_port_be = __builtin_bswap16(match->src_port_max);
	key.dst_port_be = __builtin_bswap16(match->dst_port_min);
	check(fg_match_test(match, &key));
	if (match->mask.l4 != 0) {
		key.l4 = 0;
		check(!fg_match_test(match, &key));
	}
	/* Only an entry that tests l4 may test ports. */
	if (match->src_port_min > 0 || match->src_port_max < UINT16_MAX ||
	    match->dst_port_min > 0 || match->dst_port_max < UINT16_MAX)
		check(match->mask.l4 == 0xff && (match->value.l4 == 6 || match->value.l4 == 17));
}

static void check_rule(const struct fg_rules *set, uint32_t number, uint32_t first_match)
{
	const struct fg_rule *rule = &set->rules[number];
	struct fg_error error = {0};

	check(rule->text[0] == '{');
	check(rule->sinks <= 3);
	check(rule->feed == 0 || rule->feed == FG_FEED_NONE);
	check(strcmp(fg_names_get(rule->id), rule->name) == 0);
	check(fg_name_check(rule->name, NULL, &error) == 0);
	check((strcmp(rule->name, "-") == 0) == (number == 0));
	check((rule->n_matches == 0) == (number == 0));
	if (number == 0)
		return;
	check(rule->first_match == first_match);
	check(rule->n_matches <= set->n_matches - first_match);
	for (uint32_t i = 0; i < rule->n_matches; i++) {
		check(set->matches[first_match + i].rule == number);
		check_meaning(&set->matches[first_match + i]);
	}
}

static void check_set(const struct fg_rules *set)
{
	const struct fg_table_conf conf = {.engine = "linear"};
	struct fg_table *table = NULL;
	struct fg_error error = {0};
	uint32_t first_match = 0;

	for (uint32_t number = 0; number <= set->count; number++) {
		check_rule(set, number, first_match);
		first_match += set->rules[number].n_matches;
	}
	check(first_match == set->n_matches);
	/* All engines check entries in the same way; this one needs no EAL. */
	check(fg_table_build(&conf, set->matches, set->n_matches, &table, &error) == 0);
	fg_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned int runs;
	struct fg_config *config = NULL;
	struct fg_rules *set = NULL;
	struct fg_error error = {0};
	const struct fg_node *root;

	if (fg_config_load_text("fuzz", (const char *)data, size, &config, &error) != 0)
		return 0;
	root = fg_config_root(config);
	if (fg_rules_load(fg_node_get(root, "rules"), fg_node_get(root, "default"), &scope, &set,
			  &error) == 0) {
		check(error.text[0] == '\0');
		check_set(set);
	} else {
		check(set == NULL);
		check(strncmp(error.text, "fuzz:", 5) == 0);
		check(strchr(error.text, '\n') == NULL);
	}
	fg_rules_free(set);
	fg_config_free(config);
	/* Names are kept and their number is limited: free them, but not for each input. */
	if (++runs % 1024 == 0)
		fg_names_reset();
	return 0;
}

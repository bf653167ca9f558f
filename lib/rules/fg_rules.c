/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fg_names.h>
#include <fg_node.h>
#include <fg_option.h>
#include <fg_rules.h>

#include "expressions.h"
#include "scope.h"
#include "subscription.h"
#include "terms.h"

int fg_line_read(const char *text, uint8_t *line)
{
	if (text[0] < 'A' || text[0] > 'Z' || text[1] != '\0')
		return -EINVAL;
	*line = (uint8_t)(text[0] - 'A' + 1);
	return 0;
}

int fg_name_check(const char *name, const struct fg_node *at, struct fg_error *error)
{
	const size_t length = strlen(name);

	if (length == 0 || length > FG_NAME_BYTES_MAX)
		return fg_error_at(error, EINVAL, at,
				   "name: expected 1 to %u characters, found %zu",
				   FG_NAME_BYTES_MAX, length);
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)name[i]))
			return fg_error_at(
				error, EINVAL, at,
				"name '%s': expected printable characters without blanks", name);
	return 0;
}

/* A node as one line of YAML, as `show rule` prints it. */
static void print_node(FILE *out, const struct fg_node *node)
{
	if (node->kind == FG_NODE_SCALAR) {
		fputs(node->text, out);
		return;
	}
	fputc(node->kind == FG_NODE_MAP ? '{' : '[', out);
	for (const struct fg_node *n = node->child; n != NULL; n = n->next) {
		if (node->kind == FG_NODE_MAP)
			fprintf(out, "%s: ", n->key);
		print_node(out, n);
		if (n->next != NULL)
			fputs(", ", out);
	}
	fputc(node->kind == FG_NODE_MAP ? '}' : ']', out);
}

static char *node_text(const struct fg_node *node)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	if (node == NULL)
		return strdup("{}");
	out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	print_node(out, node);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* `to`: a sink's name or a list of them, as a mask. */
static int read_sinks(const struct fg_node *to, const struct fg_scope *scope, uint64_t *sinks,
		      struct fg_error *error)
{
	const struct fg_node *n = to->kind == FG_NODE_LIST ? to->child : to;

	*sinks = 0;
	if (n == NULL)
		return fg_error_at(error, EINVAL, to, "to: expected at least one sink");
	while (n != NULL) {
		int index;

		if (n->kind != FG_NODE_SCALAR)
			return fg_error_at(error, EINVAL, n, "to: expected a sink's name, found %s",
					   fg_node_kind_name(n));
		index = scope_find(scope->sinks, scope->n_sinks, n->text);
		if (index < 0)
			return fg_error_at(error, EINVAL, n, "no sink is called '%s'", n->text);
		*sinks |= UINT64_C(1) << index;
		n = to->kind == FG_NODE_LIST ? n->next : NULL;
	}
	return 0;
}

static int read_drop(const struct fg_node *node, bool *drop, struct fg_error *error)
{
	const bool is_false = node->kind == FG_NODE_SCALAR && strcmp(node->text, "false") == 0;

	*drop = node->kind == FG_NODE_SCALAR && strcmp(node->text, "true") == 0;
	if (!*drop && !is_false)
		return fg_error_at(error, EINVAL, node, "drop: expected true or false");
	return 0;
}

static int read_feed(const struct fg_node *node, const struct fg_scope *scope, uint16_t *feed,
		     struct fg_error *error)
{
	int index;

	if (node->kind != FG_NODE_SCALAR)
		return fg_error_at(error, EINVAL, node, "feed: expected a name, found %s",
				   fg_node_kind_name(node));
	index = scope_find(scope->feeds, scope->n_feeds, node->text);
	if (index < 0)
		return fg_error_at(error, EINVAL, node, "no feed is called '%s'", node->text);
	*feed = (uint16_t)index;
	return 0;
}

static int read_rule_name(const struct fg_node *node, struct fg_rule *rule, struct fg_error *error)
{
	if (node->kind != FG_NODE_SCALAR)
		return fg_error_at(error, EINVAL, node, "name: expected a value, found %s",
				   fg_node_kind_name(node));
	if (fg_name_check(node->text, node, error) != 0)
		return -EINVAL;
	if (strcmp(node->text, "-") == 0)
		return fg_error_at(error, EINVAL, node,
				   "name: '-' is reserved for the default action");
	rule->name = strdup(node->text);
	return rule->name != NULL ? 0 : fg_error_at(error, ENOMEM, node, "out of memory");
}

/* `line`: the line of the rule's packets, instead of that of their source. */
static int read_line(const struct fg_node *node, struct fg_rule *rule, struct fg_error *error)
{
	if (node->kind != FG_NODE_SCALAR || fg_line_read(node->text, &rule->feed_line) != 0)
		return fg_error_at(error, EINVAL, node, "line: expected a letter, A to Z");
	return 0;
}

static int check_action(const struct fg_node *node, bool has_to, bool drop, struct fg_error *error)
{
	if (has_to && drop)
		return fg_error_at(error, EINVAL, node, "a rule has either 'to' or 'drop: true'");
	if (!has_to && !drop)
		return fg_error_at(error, EINVAL, node, "'to' or 'drop: true' is missing");
	return 0;
}

/* A packet that a rule drops never reaches its feed, which would report a gap. */
static int check_tracked(const struct fg_node *node, const struct fg_scope *scope,
			 const struct fg_rule *rule, struct fg_error *error)
{
	if (rule->sinks != 0 || rule->feed == FG_FEED_NONE || scope->protocols == NULL ||
	    scope->protocols[rule->feed] == NULL)
		return 0;
	return fg_error_at(
		error, EINVAL, fg_node_get(node, "feed"),
		"feed: packets that the rule drops never reach feed %s, which would report "
		"gaps; to drop them after the feed, send them to a sink of kind count",
		scope->feeds[rule->feed]);
}

static int read_rule(const struct fg_node *node, const struct fg_scope *scope, struct fg_rule *rule,
		     struct fg_error *error)
{
	bool drop = false, has_to = false;
	int rc = 0;

	if (node->kind != FG_NODE_MAP)
		return fg_error_at(error, EINVAL, node, "a rule: expected a map, found %s",
				   fg_node_kind_name(node));
	rule->feed = FG_FEED_NONE;
	rule->line = node->line;
	for (const struct fg_node *n = node->child; n != NULL && rc == 0; n = n->next) {
		if (strcmp(n->key, "name") == 0)
			rc = read_rule_name(n, rule, error);
		else if (strcmp(n->key, "match") == 0 || subscription_is_key(n->key))
			continue; /* terms_compile() and subscription_read() read them. */
		else if (strcmp(n->key, "feed") == 0)
			rc = read_feed(n, scope, &rule->feed, error);
		else if (strcmp(n->key, "line") == 0)
			rc = read_line(n, rule, error);
		else if (strcmp(n->key, "drop") == 0)
			rc = read_drop(n, &drop, error);
		else if (strcmp(n->key, "to") == 0) {
			has_to = true;
			rc = read_sinks(n, scope, &rule->sinks, error);
		} else
			rc = fg_option_unknown_key(
				n, "name, match, feed, line, " SUBSCRIPTION_KEYS ", to or drop",
				error);
	}
	if (rc == 0 && rule->name == NULL)
		rc = fg_error_at(error, EINVAL, node, "'name' is missing");
	if (rc == 0)
		rc = check_action(node, has_to, drop, error);
	if (rc == 0)
		rc = check_tracked(node, scope, rule, error);
	return rc != 0 ? rc : subscription_read(node, scope, rule, error);
}

static int compile_rule(struct fg_rules *set, uint32_t number, const struct fg_node *node,
			const struct fg_scope *scope, struct terms *terms, struct fg_error *error)
{
	struct fg_rule *rule = &set->rules[number];
	int rc = read_rule(node, scope, rule, error);

	if (rc != 0)
		return rc;
	rule->first_match = terms->count;
	rc = terms_compile(node, number, scope, set, terms, error);
	if (rc != 0)
		return rc;
	rule->n_matches = terms->count - rule->first_match;
	rule->text = node_text(fg_node_get(node, "match"));
	return rule->text != NULL ? 0 : fg_error_at(error, ENOMEM, node, "out of memory");
}

/* By name, then by position. */
static int compare_rules(const void *a, const void *b)
{
	const struct fg_rule *const *left = a, *const *right = b;
	const int order = strcmp((*left)->name, (*right)->name);

	return order != 0 ? order : (*left > *right) - (*left < *right);
}

static int refuse_duplicates(const struct fg_rules *set, const struct fg_node *list,
			     struct fg_error *error)
{
	const struct fg_rule **sorted = malloc(sizeof(*sorted) * (set->count + 1));
	const struct fg_rule *again = NULL, *first = NULL;
	const struct fg_node *at;

	if (sorted == NULL)
		return fg_error_at(error, ENOMEM, list, "out of memory");
	for (uint32_t i = 0; i < set->count; i++)
		sorted[i] = &set->rules[i + 1];
	qsort(sorted, set->count, sizeof(*sorted), compare_rules);
	for (uint32_t i = 1; i < set->count; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0 &&
		    (again == NULL || sorted[i] < again)) {
			again = sorted[i];
			first = sorted[i - 1];
		}
	free(sorted);
	if (again == NULL)
		return 0;
	at = list->child;
	for (const struct fg_rule *rule = &set->rules[1]; at != NULL && rule < again; rule++)
		at = at->next;
	return fg_error_at(error, EINVAL, fg_node_get(at, "name"),
			   "a rule called '%s' stands in line %u already", again->name,
			   first->line);
}

static int assign_ids(struct fg_rules *set, const struct fg_node *list, struct fg_error *error)
{
	for (uint32_t i = 1; i <= set->count; i++) {
		const int rc = fg_names_id(set->rules[i].name, &set->rules[i].id);

		if (rc != 0)
			return fg_error_at(error, -rc, list, "rule '%s': %s", set->rules[i].name,
					   rc == -ENOSPC ? "too many rule names since the start; "
							   "restart to use new ones"
							 : "out of memory");
	}
	return 0;
}

/* `default: drop` or `default: {to: SINKS}`. */
static int read_default(const struct fg_node *node, const struct fg_scope *scope,
			struct fg_rule *rule, struct fg_error *error)
{
	const struct fg_node *to = fg_node_get(node, "to");

	rule->name = strdup("-");
	rule->text = strdup("{}");
	rule->feed = FG_FEED_NONE;
	if (rule->name == NULL || rule->text == NULL)
		return fg_error_at(error, ENOMEM, node, "out of memory");
	if (node == NULL || (node->kind == FG_NODE_SCALAR && strcmp(node->text, "drop") == 0))
		return 0;
	if (to == NULL || node->count != 1)
		return fg_error_at(error, EINVAL, node, "default: expected drop or {to: SINKS}");
	return read_sinks(to, scope, &rule->sinks, error);
}

static int load_rules(struct fg_rules *set, const struct fg_node *list,
		      const struct fg_scope *scope, struct fg_error *error)
{
	struct terms terms = {0};
	uint32_t number = 1;
	int rc = 0;

	for (const struct fg_node *n = list != NULL ? list->child : NULL; n != NULL && rc == 0;
	     n = n->next)
		rc = compile_rule(set, number++, n, scope, &terms, error);
	set->matches = terms.at;
	set->n_matches = terms.count;
	if (rc == 0 && list != NULL)
		rc = refuse_duplicates(set, list, error);
	return rc != 0 ? rc : assign_ids(set, list, error);
}

int fg_rules_load(const struct fg_node *rules, const struct fg_node *default_action,
		  const struct fg_scope *scope, struct fg_rules **out, struct fg_error *error)
{
	struct fg_rules *set;
	int rc;

	if (rules != NULL && rules->kind != FG_NODE_LIST)
		return fg_error_at(error, EINVAL, rules, "rules: expected a list, found %s",
				   fg_node_kind_name(rules));
	if (rules != NULL && rules->count > FG_RULES_MAX)
		return fg_error_at(error, E2BIG, rules, "%u rules: at most %u", rules->count,
				   FG_RULES_MAX);
	set = calloc(1, sizeof(*set));
	if (set == NULL)
		return fg_error_set(error, ENOMEM, "no memory for rules");
	set->count = rules != NULL ? rules->count : 0;
	set->rules = calloc((size_t)set->count + 1, sizeof(*set->rules));
	if (set->rules == NULL)
		rc = fg_error_set(error, ENOMEM, "no memory for %u rules", set->count);
	else
		rc = read_default(default_action, scope, &set->rules[0], error);
	if (rc == 0)
		rc = load_rules(set, rules, scope, error);
	if (rc != 0) {
		fg_rules_free(set);
		return rc;
	}
	*out = set;
	return 0;
}

void fg_rules_free(struct fg_rules *rules)
{
	if (rules == NULL)
		return;
	for (uint32_t i = 0; rules->rules != NULL && i <= rules->count; i++) {
		subscription_free(rules->rules[i].subscription);
		free(rules->rules[i].name);
		free(rules->rules[i].text);
	}
	free(rules->rules);
	free(rules->matches);
	expressions_free(rules);
	free(rules);
}

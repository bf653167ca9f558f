/* SPDX-License-Identifier: MIT */
#include "reload_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fg_node.h>
#include <fg_option.h>
#include <fg_stats.h>

const struct fg_option reload_options[] = {
	{.name = "max_change",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct reload_conf, max_change),
	 .value = "off",
	 .help = "share of the rules that a reload may change without force"},
	{0},
};

/* "off" or "N%". */
static int read_share(const char *text, uint64_t *percent)
{
	const size_t length = strlen(text);
	char digits[8];

	*percent = 0;
	if (strcmp(text, "off") == 0)
		return 0;
	if (length < 2 || length > sizeof(digits) || text[length - 1] != '%')
		return -EINVAL;
	memcpy(digits, text, length - 1);
	digits[length - 1] = '\0';
	if (fg_number_read(digits, 100, percent) != 0 || *percent == 0)
		return -EINVAL;
	return 0;
}

int reload_conf_read(const struct fg_node *node, struct reload_conf *conf, struct fg_error *error)
{
	const struct fg_node *at = fg_node_get(node, "max_change");
	int rc = fg_option_read(reload_options, node, conf, error);

	if (rc == 0 && read_share(conf->max_change, &conf->max_change_share) != 0)
		rc = fg_error_at(error, EINVAL, at != NULL ? at : node,
				 "max_change: '%s': expected off, or a share from 1%% to 100%%",
				 conf->max_change);
	return rc;
}

static int compare_texts(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

static bool same_in_order(const char *const *a, const char *const *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

/* The same instruments, in any order? 1, 0 or -ENOMEM. */
static int same_instruments(const struct fg_subscription *a, const struct fg_subscription *b)
{
	const size_t bytes = (size_t)a->n_instruments * sizeof(*a->instruments);
	const char **left, **right;
	int same = -ENOMEM;

	if (a->any_instrument != b->any_instrument || a->n_instruments != b->n_instruments)
		return 0;
	if (same_in_order(a->instruments, b->instruments, a->n_instruments))
		return 1;
	left = malloc(bytes);
	right = malloc(bytes);
	if (left != NULL && right != NULL) {
		memcpy(left, a->instruments, bytes);
		memcpy(right, b->instruments, bytes);
		qsort(left, a->n_instruments, sizeof(*left), compare_texts);
		qsort(right, a->n_instruments, sizeof(*right), compare_texts);
		same = same_in_order(left, right, a->n_instruments);
	}
	free(left);
	free(right);
	return same;
}

static bool has_type(const struct fg_subscription *s, uint32_t type)
{
	for (uint32_t i = 0; i < s->n_types; i++)
		if (s->types[i] == type)
			return true;
	return false;
}

static bool same_types(const struct fg_subscription *a, const struct fg_subscription *b)
{
	for (uint32_t i = 0; i < a->n_types; i++)
		if (!has_type(b, a->types[i]))
			return false;
	return a->n_types == b->n_types;
}

/* NULL: all messages. 1, 0 or -ENOMEM. */
static int same_subscription(const struct fg_subscription *a, const struct fg_subscription *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->slice != b->slice || a->unmapped != b->unmapped || !same_types(a, b))
		return 0;
	return same_instruments(a, b);
}

static int compare_rule(const struct fg_rule *a, const struct fg_rule *b, struct change *change)
{
	const int same = same_subscription(a->subscription, b->subscription);

	if (same < 0)
		return same;
	change->kept++;
	change->subscriptions += same == 0;
	change->edited += same == 0 || a->sinks != b->sinks || a->feed != b->feed ||
			  a->feed_line != b->feed_line || strcmp(a->text, b->text) != 0;
	return 0;
}

int change_count(const struct fg_rules *old, const struct fg_rules *new, struct change *change,
		 struct fg_error *error)
{
	/* By rule id, which a name keeps: the number of the old rule. */
	uint32_t *numbers = calloc(FG_RULE_IDS_MAX, sizeof(*numbers));
	int rc = numbers != NULL ? 0 : -ENOMEM;

	*change = (struct change){0};
	for (uint32_t i = 1; rc == 0 && i <= old->count; i++)
		numbers[old->rules[i].id] = i;
	for (uint32_t i = 1; rc == 0 && i <= new->count; i++) {
		const uint32_t number = numbers[new->rules[i].id];

		if (number != 0)
			rc = compare_rule(&old->rules[number], &new->rules[i], change);
	}
	free(numbers);
	change->added = new->count - change->kept;
	change->removed = old->count - change->kept;
	change->default_action = old->rules[0].sinks != new->rules[0].sinks;
	return rc == 0 ? 0 : fg_error_set(error, -rc, "out of memory");
}

int change_check(const struct reload_conf *conf, const struct change *change, uint32_t n_running,
		 struct fg_error *error)
{
	const uint64_t n =
		(uint64_t)change->added + change->removed + change->edited + change->default_action;

	if (conf->max_change_share == 0 || n_running == 0 ||
	    n * 100 <= conf->max_change_share * n_running)
		return 0;
	return fg_error_set(error, EPERM,
			    "%lu changes to %u rules (%u added, %u removed, %u changed%s): more "
			    "than reload: {max_change: %s} allows; `rules reload force` makes them",
			    (unsigned long)n, n_running, change->added, change->removed,
			    change->edited, change->default_action ? ", and the default" : "",
			    conf->max_change);
}

/* SPDX-License-Identifier: MIT */
/* Reads the subscription of a rule: the messages and instruments that it selects. */
#ifndef RULES_SUBSCRIPTION_H
#define RULES_SUBSCRIPTION_H

#include <stdbool.h>

#include <fg_rules.h>

/* The keys, for messages. */
#define SUBSCRIPTION_KEYS "messages, instruments, instruments_file, unmapped, slice"

/* Is @p key one of them? */
bool subscription_is_key(const char *key);

/*
 * Read these keys of the rule at @p node into rule->subscription, which stays NULL if
 * there are none. The feed and the sinks of @p rule must be set. 0 or -errno with
 * @p error set; then, too, subscription_free() frees rule->subscription.
 */
int subscription_read(const struct fg_node *node, const struct fg_scope *scope,
		      struct fg_rule *rule, struct fg_error *error);

/* NULL is allowed. */
void subscription_free(struct fg_subscription *subscription);

#endif /* RULES_SUBSCRIPTION_H */

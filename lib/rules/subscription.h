/* SPDX-License-Identifier: MIT */
/* What a rule wants of its feed: messages and instruments. */
#ifndef SUBSCRIPTION_H
#define SUBSCRIPTION_H

#include <stdbool.h>

#include <fg_rules.h>

#define SUBSCRIPTION_KEYS "messages, instruments, instruments_file, unmapped, slice"

/* Is it a key of a rule that subscription_read() reads? */
bool subscription_is_key(const char *key);

/* Read these keys of the rule @node, whose feed is known, into rule->subscription: NULL if there
 * are none. 0 or -errno. */
int subscription_read(const struct fg_node *node, const struct fg_scope *scope,
		      struct fg_rule *rule, struct fg_error *error);

/* Free; NULL is allowed. */
void subscription_free(struct fg_subscription *subscription);

#endif /* SUBSCRIPTION_H */

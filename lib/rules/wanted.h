/* SPDX-License-Identifier: MIT */
/* What a rule wants of its feed: messages and instruments. */
#ifndef WANTED_H
#define WANTED_H

#include <stdbool.h>

#include <fg_rules.h>

#define WANTED_KEYS "messages, instruments, instruments_file, unknown, slice"

/* Is it a key of a rule that wanted_read() reads? */
bool wanted_is_key(const char *key);

/* Read these keys of the rule @node, whose feed is known, into rule->wanted: NULL if there are
 * none. 0 or -errno. */
int wanted_read(const struct fg_node *node, const struct fg_scope *scope, struct fg_rule *rule,
		struct fg_error *error);

/* Free; NULL is allowed. */
void wanted_free(struct fg_wanted *wanted);

#endif /* WANTED_H */

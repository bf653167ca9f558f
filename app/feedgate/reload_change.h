/* SPDX-License-Identifier: MIT */
/* How a new rule set differs from the running one, and whether that is too much at once. */
#ifndef RELOAD_CHANGE_H
#define RELOAD_CHANGE_H

#include <stdint.h>

#include <fg_error.h>
#include <fg_rules.h>

struct fg_node;

/* `reload` of the configuration file. */
struct reload_conf {
	char *max_change;          /* as written */
	uint64_t max_change_share; /* percent of the running rules; 0: off */
};

/* The rows of `reload`; the last one is empty. */
extern const struct fg_option reload_options[];

/* Read `reload`; @node NULL: the defaults. 0, or -errno with @error set. */
int reload_conf_read(const struct fg_node *node, struct reload_conf *conf, struct fg_error *error);

/* Rules by name. */
struct change {
	uint32_t added, removed, kept;
	uint32_t edited;        /* of the kept: match, feed, line, sinks or subscription differ */
	uint32_t subscriptions; /* of the kept: messages or instruments differ */
	bool default_action;    /* it differs */
};

/* Compare two sets. 0, or -ENOMEM with @error set. */
int change_count(const struct fg_rules *old, const struct fg_rules *new, struct change *change,
		 struct fg_error *error);

/* Is @change of @n_running rules within the share that @conf allows? 0, or -EPERM. */
int change_check(const struct reload_conf *conf, const struct change *change, uint32_t n_running,
		 struct fg_error *error);

#endif /* RELOAD_CHANGE_H */

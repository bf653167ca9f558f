/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A value read from a configuration file, and where it stood there.
 *
 * fg_config_load() makes the tree; whoever owns a part of it (a source kind, a
 * sink kind, the rules) reads its part, and can name file, line and column of
 * whatever it refuses.
 */
#ifndef FG_NODE_H
#define FG_NODE_H

#include <stdint.h>

enum fg_node_kind {
	FG_NODE_SCALAR, /**< text holds the value. */
	FG_NODE_LIST,   /**< child: the entries, in file order. */
	FG_NODE_MAP,    /**< child: the values, in file order; each has its key. */
};

/** Read-only after loading; all nodes of a file are freed together. */
struct fg_node {
	enum fg_node_kind kind;
	uint32_t line;   /**< 1-based; of the key for a map's value, else of the value. */
	uint32_t column; /**< 1-based, characters. */
	uint32_t count;  /**< Children. */
	const char *file;
	const char *key;       /**< In a map; else NULL. */
	const char *text;      /**< A scalar's value, never NULL; else NULL. */
	struct fg_node *child; /**< First child or NULL. */
	struct fg_node *next;  /**< Next sibling or NULL. */
};

/** The value of @p key in @p map, or NULL. @p map may be NULL. Threads: any. */
const struct fg_node *fg_node_get(const struct fg_node *map, const char *key);

/** "a value", "a list" or "a map": for messages. */
const char *fg_node_kind_name(const struct fg_node *node);

#endif /* FG_NODE_H */

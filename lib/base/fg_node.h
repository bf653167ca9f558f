/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A value of a configuration file with its location.
 *
 * fg_config_load() makes a tree of them. Each library reads its part of the tree (a kind
 * of source or sink its options, lib/rules the rules) and reports errors with file, line
 * and column by fg_error_at().
 */
#ifndef FG_NODE_H
#define FG_NODE_H

#include <stdint.h>

enum fg_node_kind {
	FG_NODE_SCALAR, /**< text is the value. */
	FG_NODE_LIST,   /**< child is the first entry, in file order. */
	FG_NODE_MAP,    /**< child is the first value, in file order; each has a key. */
};

/** Read-only after loading; all nodes of a file are freed together. */
struct fg_node {
	enum fg_node_kind kind;
	uint32_t line;   /**< From 1. A value in a map is located at its key. */
	uint32_t column; /**< From 1, in characters. */
	uint32_t count;  /**< Number of children. */
	const char *file;
	const char *key;       /**< Of a value in a map; else NULL. */
	const char *text;      /**< Of a scalar, never NULL; else NULL. */
	struct fg_node *child; /**< First child or NULL. */
	struct fg_node *next;  /**< Next sibling or NULL. */
};

/** The value of @p key in @p map; NULL: none. @p map may be NULL or no map. Threads: any. */
const struct fg_node *fg_node_get(const struct fg_node *map, const char *key);

/** "a value", "a list" or "a map", for messages. Threads: any. */
const char *fg_node_kind_name(const struct fg_node *node);

#endif /* FG_NODE_H */

/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <fg_node.h>

const struct fg_node *fg_node_get(const struct fg_node *map, const char *key)
{
	if (map == NULL || map->kind != FG_NODE_MAP)
		return NULL;
	for (const struct fg_node *n = map->child; n != NULL; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

const char *fg_node_kind_name(const struct fg_node *node)
{
	switch (node->kind) {
	case FG_NODE_LIST:
		return "a list";
	case FG_NODE_MAP:
		return "a map";
	default:
		return "a value";
	}
}

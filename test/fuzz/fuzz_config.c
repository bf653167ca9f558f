/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a configuration file: it is refused with a message of one line that has
 * the name of the file, or its tree is as fg_node.h promises.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fg_config.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static uint32_t walk(const struct fg_node *node, bool in_map, unsigned int depth)
{
	const struct fg_node *last = NULL;
	uint32_t nodes = 1, count = 0;

	check(depth <= FG_CONFIG_DEPTH_MAX + 1);
	check(node->line >= 1 && node->column >= 1);
	check(strcmp(node->file, "fuzz") == 0);
	check((node->key != NULL) == in_map);
	check((node->text != NULL) == (node->kind == FG_NODE_SCALAR));
	check(node->kind != FG_NODE_SCALAR || node->child == NULL);
	for (const struct fg_node *n = node->child; n != NULL; n = n->next) {
		check(last == NULL || n->line > last->line ||
		      (n->line == last->line && n->column > last->column));
		/* Its key finds it, so no earlier key is the same. */
		check(node->kind != FG_NODE_MAP || fg_node_get(node, n->key) == n);
		nodes += walk(n, node->kind == FG_NODE_MAP, depth + 1);
		last = n;
		count++;
	}
	check(count == node->count);
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	if (fg_config_load_text("fuzz", (const char *)data, size, &config, &error) == 0) {
		check(error.text[0] == '\0');
		/* A value takes a byte at least, except the top one and an empty one as in "k:". */
		check(walk(fg_config_root(config), false, 1) <= 2 * size + 1);
		fg_config_free(config);
	} else {
		check(config == NULL);
		check(strncmp(error.text, "fuzz:", 5) == 0);
		check(strchr(error.text, '\n') == NULL);
	}
	return 0;
}

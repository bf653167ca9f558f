/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Reads a YAML file into a tree of values with their locations (fg_node.h).
 *
 *     if (fg_config_load("/etc/feedgate/nic.yaml", &config, &error) == 0) {
 *             rules = fg_node_get(fg_config_root(config), "rules");
 *             ...
 *             fg_config_free(config);
 *     }
 *
 * The loader refuses, with file, line and column: what is not YAML 1.1 or not
 * UTF-8; a second document; anchors, aliases and tags; a key given twice in a map;
 * a key that is no plain value; control characters other than tab and newline; more
 * than FG_CONFIG_DEPTH_MAX levels, FG_CONFIG_NODES_MAX values or
 * FG_CONFIG_BYTES_MAX bytes.
 *
 * Values are not converted: `yes`, `0x10`, `~` and `null` are the text in the file,
 * and no value (`match:`) is the empty text.
 */
#ifndef FG_CONFIG_H
#define FG_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include <fg_error.h>
#include <fg_node.h>

#define FG_CONFIG_DEPTH_MAX 16u /**< Lists and maps within each other. */
#define FG_CONFIG_NODES_MAX (16u << 20)
#define FG_CONFIG_BYTES_MAX (256u << 20)

/** A loaded file. It owns all nodes and texts of its tree, which are read-only. */
struct fg_config;

/**
 * Load a file.
 * @param path  "-" is standard input, which messages call "stdin".
 * @param out   Set on success; free with fg_config_free().
 * @return 0; -errno of open or read; -EINVAL: refused, see above; -ENOMEM.
 * Threads: control.
 */
int fg_config_load(const char *path, struct fg_config **out, struct fg_error *error);

/**
 * Load a file from memory: @p length bytes of @p text, which may be freed afterwards.
 * @param name  Name of the file in messages; copied.
 * @return 0; -EINVAL: refused, see above; -ENOMEM.
 * Threads: control.
 */
int fg_config_load_text(const char *name, const char *text, size_t length, struct fg_config **out,
			struct fg_error *error);

/**
 * The top value, of any kind; of a file without a value, an empty map. Lives as long
 * as @p config. Threads: any.
 */
const struct fg_node *fg_config_root(const struct fg_config *config);

/**
 * Print @p node, without its key, as one line of YAML in flow style that reads back
 * as the same tree. Texts that are no plain words are quoted, characters beyond
 * ASCII escaped. Comments are lost: the tree has none. Threads: any.
 */
void fg_config_print(FILE *out, const struct fg_node *node);

/** The same as a text, which the caller frees; NULL: out of memory. Threads: any. */
char *fg_config_text(const struct fg_node *node);

/** Free it and its tree; NULL is allowed. Threads: control. */
void fg_config_free(struct fg_config *config);

#endif /* FG_CONFIG_H */

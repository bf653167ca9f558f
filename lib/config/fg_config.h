/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A YAML file as a tree of located values (fg_node.h).
 *
 * Refused, with file, line and column: what is not YAML 1.1 or not UTF-8, more
 * than one document, anchors, aliases and tags, a key twice in one map, a key
 * that is not a plain value, deeper nesting than FG_CONFIG_DEPTH_MAX, and more
 * than FG_CONFIG_NODES_MAX values or FG_CONFIG_BYTES_MAX bytes. A value with a
 * control character other than tab and newline is refused too.
 *
 * Nothing is converted: `yes`, `0x10`, `~` and `null` are the text that was
 * written, and no value (`match:`) is the empty text.
 */
#ifndef FG_CONFIG_H
#define FG_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include <fg_error.h>
#include <fg_node.h>

#define FG_CONFIG_DEPTH_MAX 16u
#define FG_CONFIG_NODES_MAX (16u << 20)
#define FG_CONFIG_BYTES_MAX (256u << 20)

/** A loaded file; owns every node and text of its tree. */
struct fg_config;

/**
 * Load a file.
 * @param path  "-" is standard input, "stdin" in messages.
 * @param out   Set on success; free with fg_config_free().
 * @return 0; -errno of open or read; -EINVAL: not acceptable as described above; -ENOMEM.
 * Threads: control.
 */
int fg_config_load(const char *path, struct fg_config **out, struct fg_error *error);

/** The same from memory; @p name stands for the file in messages and is copied. */
int fg_config_load_text(const char *name, const char *text, size_t length, struct fg_config **out,
			struct fg_error *error);

/**
 * The top value, of any kind; an empty file, or one of comments only, gives an
 * empty map. Lives as long as @p config.
 */
const struct fg_node *fg_config_root(const struct fg_config *config);

/**
 * Print @p node, without its key, as one line of YAML in flow style, which
 * reads back as the same tree: other texts than plain words are quoted, other
 * characters than ASCII are escaped. Comments are not part of a tree. Threads: any.
 */
void fg_config_print(FILE *out, const struct fg_node *node);

/** The same as a text, to be freed; NULL: out of memory. Threads: any. */
char *fg_config_text(const struct fg_node *node);

/** Free it and its tree; NULL is allowed. */
void fg_config_free(struct fg_config *config);

#endif /* FG_CONFIG_H */

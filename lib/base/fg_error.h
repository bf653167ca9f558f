/* SPDX-License-Identifier: MIT */
/**
 * @file
 * An error message: one line with what went wrong, where, and what was expected.
 *
 * A function that reads input takes a struct fg_error and sets it before it returns
 * -errno:
 *
 *     struct fg_error error = {0};
 *
 *     if (fg_config_load(path, &config, &error) != 0)
 *             fprintf(stderr, "%s\n", error.text);
 *
 * The first message stays, later ones are ignored. So a caller that adds "cannot open
 * the file" does not hide the reason that the callee gave.
 */
#ifndef FG_ERROR_H
#define FG_ERROR_H

#include <stdarg.h>
#include <stddef.h>

struct fg_node;

/** Zeroed: no error. */
struct fg_error {
	char text[1024]; /**< One line without a newline; empty if none. */
};

/**
 * Set the message unless there is one. Control characters in it, which may come from
 * a hostile file, become '?'.
 *
 * @param code  A positive errno.
 * @return always -@p code, so that callers can write `return fg_error_set(...)`.
 * Threads: one at a time for each @p error.
 */
int fg_error_set(struct fg_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * The same, with the location of @p node before the message: "FILE:LINE:COLUMN: ".
 * @param node  NULL: no location.
 */
int fg_error_at(struct fg_error *error, int code, const struct fg_node *node, const char *format,
		...) __attribute__((format(printf, 4, 5)));

#ifdef __clang_analyzer__ /* It does not see into other files: declare the return values. */
#define fg_error_set(error, code, ...)      (fg_error_set(error, code, __VA_ARGS__), -(code))
#define fg_error_at(error, code, node, ...) (fg_error_at(error, code, node, __VA_ARGS__), -(code))
#endif

#endif /* FG_ERROR_H */

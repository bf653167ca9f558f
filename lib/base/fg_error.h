/* SPDX-License-Identifier: MIT */
/**
 * @file
 * One line that says what went wrong, where, and what was expected.
 *
 * Whatever reads something from outside takes a struct fg_error and fills it
 * before it returns -errno. The first cause stays: a later set is ignored, so
 * that a caller's "could not open" never hides the callee's reason.
 */
#ifndef FG_ERROR_H
#define FG_ERROR_H

#include <stdarg.h>
#include <stddef.h>

struct fg_node;

/** Zero-initialised means: no error noted. */
struct fg_error {
	char text[1024]; /**< One line without a newline; empty if none. */
};

/**
 * Note an error unless one is noted already. Newlines and other control
 * characters, which a hostile file may have put in a name, become '?'.
 *
 * @return always -@p code, so that callers can write `return fg_error_set(...)`.
 * Threads: one per @p error.
 */
int fg_error_set(struct fg_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * The same, led by the place of @p node: "FILE:LINE:COLUMN: ".
 * @param node  Where; NULL leaves the place out.
 */
int fg_error_at(struct fg_error *error, int code, const struct fg_node *node, const char *format,
		...) __attribute__((format(printf, 4, 5)));

#ifdef __clang_analyzer__ /* It does not look into other files: tell it what these return. */
#define fg_error_set(error, code, ...)      (fg_error_set(error, code, __VA_ARGS__), -(code))
#define fg_error_at(error, code, node, ...) (fg_error_at(error, code, node, __VA_ARGS__), -(code))
#endif

#endif /* FG_ERROR_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Option rows: one row per setting, from which the file reader, `show config`
 * and the reference in docs all take what they need.
 *
 * A kind of source or sink has an array of rows ending in a row without a
 * name, and a struct into which the rows' values are stored:
 *
 *     struct replay_conf { char *path; uint64_t loops; };
 *     static const struct fg_option replay_options[] = {
 *         {.name = "path", .type = FG_OPTION_STRING, .offset = offsetof(struct replay_conf, path),
 *          .help = "capture file, pcap or pcapng"},
 *         {.name = "loops", .type = FG_OPTION_U64, .offset = offsetof(struct replay_conf, loops),
 *          .max = UINT32_MAX, .value = "1", .help = "how many times; 0: for ever"},
 *         {0}};
 */
#ifndef FG_OPTION_H
#define FG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fg_error.h>

struct fg_node;

enum fg_option_type {
	FG_OPTION_BOOL, /**< bool: true|false (also yes|no, on|off). */
	FG_OPTION_U64,  /**< uint64_t: decimal or 0x..., with K, M or G (1024-based); or a name. */
	FG_OPTION_STRING, /**< char *, malloc'd; fg_option_free() frees it. */
	FG_OPTION_NAME,   /**< uint64_t: index of one of the names. */
};

/** The value that stands for names[index] of a FG_OPTION_U64 row. */
#define FG_OPTION_NAMED(index) (UINT64_MAX - (index))

struct fg_option {
	const char *name;
	enum fg_option_type type;
	size_t offset;            /**< Of the value in the kind's struct. */
	uint64_t min, max;        /**< FG_OPTION_U64; max 0: no upper bound. */
	bool power_of_two;        /**< FG_OPTION_U64: nothing else will do. */
	const char *const *names; /**< NULL-terminated; NAME needs them, U64 may have them. */
	const char *value;        /**< Default as text; NULL: the option must be given. */
	const char *unit;         /**< "bytes", "packets", ...; NULL if none. */
	const char *help;         /**< One line for people. */
};

/**
 * Set one option from text.
 * @param at  Where the text stood, for the error; may be NULL.
 * @return 0, -EINVAL (not of this type; unknown name), -ERANGE or -ENOMEM;
 *         @p error says which value and what was expected.
 * Threads: control.
 */
int fg_option_set(const struct fg_option *row, void *conf, const char *text,
		  const struct fg_node *at, struct fg_error *error);

/**
 * Fill @p conf from @p node: defaults first, then what the file says.
 *
 * @param rows  Ends with a row whose name is NULL. A scalar node sets row 0.
 * @param node  A map or a scalar; NULL means that only defaults apply.
 * @param conf  The kind's struct, zeroed by the caller. On error nothing in
 *              it needs freeing.
 * @return 0; -EINVAL for an unknown key, a list or map where a value belongs,
 *         or an option missing; otherwise as fg_option_set().
 * Threads: control.
 */
int fg_option_read(const struct fg_option *rows, const struct fg_node *node, void *conf,
		   struct fg_error *error);

/**
 * Refuse a key that its map does not have: "unknown key 'KEY': expected ...".
 * The message for a key that was renamed has the new name: "`KEY` is now `NEW`".
 * @param node      The key's value; has a key.
 * @param expected  The keys that the map may have, as one phrase: "src or dst". A renamed key
 *                  is recognised where @p expected has its new name.
 * @return -EINVAL, with @p error set.
 * Threads: control.
 */
int fg_option_unknown_key(const struct fg_node *node, const char *expected, struct fg_error *error);

/** Free the strings in @p conf and forget them. Threads: control. */
void fg_option_free(const struct fg_option *rows, void *conf);

/** Print "name: value" for each row, joined by ", ". Threads: control. */
void fg_option_print(FILE *out, const struct fg_option *rows, const void *conf);

/**
 * Read a whole unsigned number: decimal or 0x..., nothing before or after.
 * @return 0, -EINVAL (no number) or -ERANGE (over @p max).
 */
int fg_number_read(const char *text, uint64_t max, uint64_t *out);

#endif /* FG_OPTION_H */

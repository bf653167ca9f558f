/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Option rows: a row describes one setting. The reader of the configuration file and
 * `show config` work from the rows.
 *
 * Each kind of source or sink has an array of rows, which ends with a row without a name,
 * and a struct for the values:
 *
 *     struct replay_conf { char *path; uint64_t loops; };
 *     static const struct fg_option replay_options[] = {
 *         {.name = "path", .type = FG_OPTION_STRING, .offset = offsetof(struct replay_conf, path),
 *          .help = "capture file, pcap or pcapng"},
 *         {.name = "loops", .type = FG_OPTION_U64, .offset = offsetof(struct replay_conf, loops),
 *          .max = UINT32_MAX, .value = "1", .help = "how many times; 0: forever"},
 *         {0}};
 *
 * fg_option_read() fills the struct from a map of the file, `{path: day.pcap, loops: 3}`,
 * or from a value alone, `day.pcap`, which sets the first row.
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
	FG_OPTION_MAP,    /**< Settings of their own, `rows`, in the same struct. */
};

/** The value of a FG_OPTION_U64 row that is set by name: names[index]. */
#define FG_OPTION_NAMED(index) (UINT64_MAX - (index))

struct fg_option {
	const char *name;
	enum fg_option_type type;
	size_t offset;                /**< Of the value in the struct, bytes. */
	uint64_t min, max;            /**< FG_OPTION_U64: the range; max 0: no upper bound. */
	bool power_of_two;            /**< FG_OPTION_U64: other numbers are refused. */
	const char *const *names;     /**< NULL-terminated. FG_OPTION_NAME; optional for U64. */
	const struct fg_option *rows; /**< FG_OPTION_MAP: as for fg_option_read(). */
	const char *value;            /**< Default, as text; NULL: the option is required. */
	const char *unit;             /**< "bytes", "packets", ...; NULL: none. */
	const char *help;             /**< One line for users. */
};

/**
 * Set one option from text. A string is copied, and the one before it freed.
 * @param conf  The struct of the values.
 * @param at    Location of the text, for @p error; may be NULL.
 * @return 0; -EINVAL: not of the row's type, or no such name; -ERANGE; -ENOMEM. @p error has
 *         the value and what was expected.
 * Threads: control.
 */
int fg_option_set(const struct fg_option *row, void *conf, const char *text,
		  const struct fg_node *at, struct fg_error *error);

/**
 * Set all options: first the defaults, then the values of @p node.
 *
 * @param rows  End with a row whose name is NULL.
 * @param node  A map, or a scalar, which sets row 0; NULL: defaults only.
 * @param conf  The struct of the values, zeroed. Free with fg_option_free(); after an error
 *              it holds nothing to free.
 * @return 0; -EINVAL: an unknown key, a list or a map instead of a value, or a required
 *         option is missing; otherwise as fg_option_set().
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

/** Free the strings in @p conf and set them to NULL. Threads: control. */
void fg_option_free(const struct fg_option *rows, void *conf);

/** Print all options as "name: value, name: value". Threads: control. */
void fg_option_print(FILE *out, const struct fg_option *rows, const void *conf);

/**
 * Read an unsigned number, decimal or 0x...; all of @p text must be the number.
 * @return 0; -EINVAL: no number; -ERANGE: over @p max. Then @p out is not set.
 * Threads: any.
 */
int fg_number_read(const char *text, uint64_t max, uint64_t *out);

#endif /* FG_OPTION_H */

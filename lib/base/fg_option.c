/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fg_node.h>
#include <fg_option.h>

#include "retired_keys.h"

int fg_number_read(const char *text, uint64_t max, uint64_t *out)
{
	const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;
	uint64_t value;

	/* strtoull alone would accept blanks and signs, and read 010 as octal. */
	if (digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")] != '\0' ||
	    *digits == '\0')
		return -EINVAL;
	errno = 0;
	value = strtoull(digits, &end, hex ? 16 : 10);
	if (errno == ERANGE || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

static int read_bool(const char *text, bool *out)
{
	static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int value = 0; value < 2; value++)
			if (strcmp(text, words[i][value]) == 0) {
				*out = value != 0;
				return 0;
			}
	return -EINVAL;
}

/* A number that may end in K, M or G. */
static int read_scaled(const char *text, uint64_t max, uint64_t *out)
{
	static const char suffixes[] = "KMG";
	char digits[32];
	const size_t length = strlen(text);
	const char *suffix = length > 0 ? strchr(suffixes, text[length - 1]) : NULL;
	unsigned int shift = 0;
	int rc;

	if (length == 0 || length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, length + 1);
	if (suffix != NULL) {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		digits[length - 1] = '\0';
	}
	rc = fg_number_read(digits, max >> shift, out);
	if (rc == 0)
		*out <<= shift;
	return rc;
}

static int read_name(const char *const *names, const char *text, uint64_t *index)
{
	for (uint64_t i = 0; names != NULL && names[i] != NULL; i++)
		if (strcmp(names[i], text) == 0) {
			*index = i;
			return 0;
		}
	return -EINVAL;
}

/* "a | b | c" for messages. */
static void join_names(const char *const *names, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; names != NULL && names[i] != NULL && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " | " : "",
					 names[i]);
}

static int set_u64(const struct fg_option *row, uint64_t *value, const char *text,
		   const struct fg_node *at, struct fg_error *error)
{
	const uint64_t max = row->max > 0 ? row->max : UINT64_MAX - 64;
	char names[256];
	uint64_t index;
	int rc;

	if (read_name(row->names, text, &index) == 0) {
		*value = FG_OPTION_NAMED(index);
		return 0;
	}
	rc = read_scaled(text, max, value);
	if (rc == 0 && *value < row->min)
		rc = -ERANGE;
	if (rc == 0 && row->power_of_two && (*value & (*value - 1)) != 0)
		return fg_error_at(error, EINVAL, at, "%s: '%s': expected a power of two",
				   row->name, text);
	if (rc == 0)
		return 0;
	join_names(row->names, names, sizeof(names));
	return fg_error_at(error, -rc, at,
			   "%s: '%s': expected a number from %" PRIu64 " to %" PRIu64 "%s%s%s%s",
			   row->name, text, row->min, max, row->unit != NULL ? " " : "",
			   row->unit != NULL ? row->unit : "", names[0] != '\0' ? " or " : "",
			   names);
}

int fg_option_set(const struct fg_option *row, void *conf, const char *text,
		  const struct fg_node *at, struct fg_error *error)
{
	void *value = (char *)conf + row->offset;
	char names[256];
	char *copy;

	switch (row->type) {
	case FG_OPTION_BOOL:
		if (read_bool(text, value) == 0)
			return 0;
		return fg_error_at(error, EINVAL, at, "%s: '%s': expected true or false", row->name,
				   text);
	case FG_OPTION_U64:
		return set_u64(row, value, text, at, error);
	case FG_OPTION_NAME:
		if (read_name(row->names, text, value) == 0)
			return 0;
		join_names(row->names, names, sizeof(names));
		return fg_error_at(error, EINVAL, at, "%s: '%s': expected %s", row->name, text,
				   names);
	case FG_OPTION_STRING:
		copy = strdup(text);
		if (copy == NULL)
			return fg_error_at(error, ENOMEM, at, "%s: out of memory", row->name);
		free(*(char **)value);
		*(char **)value = copy;
		return 0;
	case FG_OPTION_MAP:
		break;
	}
	return fg_error_at(error, EINVAL, at, "%s: no such type of option", row->name);
}

static const struct fg_option *find_row(const struct fg_option *rows, const char *name)
{
	for (; rows->name != NULL; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

static int read_node(const struct fg_option *rows, const struct fg_node *node, void *conf,
		     struct fg_error *error);

static int set_from_node(const struct fg_option *row, const struct fg_node *node, void *conf,
			 struct fg_error *error)
{
	if (row->type == FG_OPTION_MAP)
		return read_node(row->rows, node, conf, error);
	if (node->kind != FG_NODE_SCALAR)
		return fg_error_at(error, EINVAL, node, "%s: expected a value, found %s", row->name,
				   fg_node_kind_name(node));
	return fg_option_set(row, conf, node->text, node, error);
}

static int set_defaults(const struct fg_option *rows, void *conf, struct fg_error *error)
{
	for (const struct fg_option *row = rows; row->name != NULL; row++) {
		int rc = 0;

		if (row->type == FG_OPTION_MAP)
			rc = set_defaults(row->rows, conf, error);
		else if (row->value != NULL)
			rc = fg_option_set(row, conf, row->value, NULL, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Is @p key one of the words of @p text? */
static bool names_key(const char *text, const char *key)
{
	const size_t length = strlen(key);

	for (const char *at = text; (at = strstr(at, key)) != NULL; at += length) {
		const unsigned char before = at > text ? (unsigned char)at[-1] : ' ';
		const unsigned char after = (unsigned char)at[length];

		if (!isalnum(before) && before != '_' && !isalnum(after) && after != '_')
			return true;
	}
	return false;
}

int fg_option_unknown_key(const struct fg_node *node, const char *expected, struct fg_error *error)
{
	for (const struct retired_key *key = retired_keys; key->old != NULL; key++)
		if (strcmp(key->old, node->key) == 0 &&
		    (key->anywhere || names_key(expected, key->new)))
			return fg_error_at(error, EINVAL, node, "`%s` is now `%s`%s", key->old,
					   key->new, key->note != NULL ? key->note : "");
	return fg_error_at(error, EINVAL, node, "unknown key '%s': expected %s", node->key,
			   expected);
}

static int unknown_option(const struct fg_option *rows, const struct fg_node *node,
			  struct fg_error *error)
{
	char expected[512] = "no key";
	size_t used = 0;

	for (const struct fg_option *row = rows; row->name != NULL && used < sizeof(expected);
	     row++) {
		const char *between = row == rows ? "" : row[1].name != NULL ? ", " : " or ";

		used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s%s", between,
					 row->name);
	}
	return fg_option_unknown_key(node, expected, error);
}

static int read_map(const struct fg_option *rows, const struct fg_node *node, void *conf,
		    struct fg_error *error)
{
	for (const struct fg_node *n = node->child; n != NULL; n = n->next) {
		const struct fg_option *row = find_row(rows, n->key);
		int rc;

		if (row == NULL)
			return unknown_option(rows, n, error);
		rc = set_from_node(row, n, conf, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* A scalar sets row 0. */
static int check_missing(const struct fg_option *rows, const struct fg_node *node,
			 struct fg_error *error)
{
	const bool scalar = node != NULL && node->kind == FG_NODE_SCALAR;

	for (const struct fg_option *row = rows; row->name != NULL; row++)
		if (row->value == NULL && row->type != FG_OPTION_MAP && !(scalar && row == rows) &&
		    fg_node_get(node, row->name) == NULL)
			return fg_error_at(error, EINVAL, node, "'%s' is missing", row->name);
	return 0;
}

static int read_node(const struct fg_option *rows, const struct fg_node *node, void *conf,
		     struct fg_error *error)
{
	if (node == NULL)
		return 0;
	if (node->kind == FG_NODE_LIST)
		return fg_error_at(error, EINVAL, node, "expected a map, found a list");
	if (node->kind == FG_NODE_MAP)
		return read_map(rows, node, conf, error);
	/* `count:` means `count: {}`. */
	if (rows[0].name == NULL && node->text[0] == '\0')
		return 0;
	if (rows[0].name == NULL)
		return fg_error_at(error, EINVAL, node, "'%s': expected a map", node->text);
	return set_from_node(&rows[0], node, conf, error);
}

int fg_option_read(const struct fg_option *rows, const struct fg_node *node, void *conf,
		   struct fg_error *error)
{
	int rc = set_defaults(rows, conf, error);

	if (rc == 0)
		rc = read_node(rows, node, conf, error);
	if (rc == 0)
		rc = check_missing(rows, node, error);
	if (rc != 0)
		fg_option_free(rows, conf);
	return rc;
}

void fg_option_free(const struct fg_option *rows, void *conf)
{
	for (; rows->name != NULL; rows++) {
		char **value = (char **)((char *)conf + rows->offset);

		if (rows->type == FG_OPTION_MAP)
			fg_option_free(rows->rows, conf);
		if (rows->type != FG_OPTION_STRING)
			continue;
		free(*value);
		*value = NULL;
	}
}

static void print_u64(FILE *out, const struct fg_option *row, uint64_t value)
{
	for (uint64_t i = 0; row->names != NULL && row->names[i] != NULL; i++)
		if (value == (row->type == FG_OPTION_NAME ? i : FG_OPTION_NAMED(i))) {
			fputs(row->names[i], out);
			return;
		}
	fprintf(out, "%" PRIu64, value);
}

void fg_option_print(FILE *out, const struct fg_option *rows, const void *conf)
{
	for (const struct fg_option *row = rows; row->name != NULL; row++) {
		const void *value = (const char *)conf + row->offset;

		fprintf(out, "%s%s: ", row == rows ? "" : ", ", row->name);
		if (row->type == FG_OPTION_MAP) {
			fputc('{', out);
			fg_option_print(out, row->rows, conf);
			fputc('}', out);
		} else if (row->type == FG_OPTION_BOOL)
			fputs(*(const bool *)value ? "true" : "false", out);
		else if (row->type == FG_OPTION_STRING)
			fprintf(out, "\"%s\"", *(char *const *)value);
		else
			print_u64(out, row, *(const uint64_t *)value);
	}
}

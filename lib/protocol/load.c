/* SPDX-License-Identifier: MIT */
/*
 * A protocol from a file: the name of a built-in one, or a map of sections. The
 * options of each section are the rows of load_rows.c.
 *
 *     like: NAME                      start with a built-in one; else with nothing
 *     header: {order, bytes, min_bytes, messages_at, units}
 *     length: {at, bytes, length_bias}       bytes of the payload
 *     checks: [{at, bytes, value | min, max}]
 *     session: {at, bytes}
 *     channel: {at, bytes}            or a list of two
 *     sequence: {at, bytes, counts}
 *     count: {at, bytes}
 *     checksum: {at, bytes, kind}
 *     admin: [{is, number, in, at, bytes, value | min, max, number_at, number_bytes, empty,
 *             bare}]
 *     walk: {kind, at, bytes, length_bias, min_bytes, message_at, pad_to}
 *     groups: {root, root_length_at, ...}
 *     type: {at, bytes, text}
 *     messages: NAME                  or [{type, name, instrument, at, bytes, group, ...}];
 *                                     `type: other` is for types that are not in the list
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fg_node.h>

#define TYPES_MAX 4096u

static int read_one(struct loaded *l, const struct section *section, const struct fg_node *node,
		    struct fg_error *error)
{
	struct values values = {0};
	int rc;

	if (node->kind != FG_NODE_MAP)
		return fg_error_at(error, EINVAL, node, "protocol: %s: expected a map, got %s",
				   section->key, fg_node_kind_name(node));
	rc = fg_option_read(section->rows, node, &values, error);
	if (rc != 0)
		return rc;
	rc = section->read(l, &values);
	if (rc == -E2BIG)
		fg_error_at(error, EINVAL, node, "protocol: %s: too many", section->key);
	else if (rc == -EINVAL)
		fg_error_at(error, EINVAL, node,
			    "protocol: messages: \"%s\" is no type of %u bytes", values.type,
			    l->protocol.walk.type.bytes);
	else if (rc != 0)
		fg_error_at(error, -rc, node, "protocol: %s: out of memory", section->key);
	fg_option_free(section->rows, &values);
	return rc == -E2BIG ? -EINVAL : rc;
}

static int prepare_messages(struct loaded *l, const struct fg_node *node, struct fg_error *error)
{
	if (node->count > TYPES_MAX)
		return fg_error_at(error, EINVAL, node, "protocol: messages: over %u", TYPES_MAX);
	l->types = calloc(node->count + 1, sizeof(*l->types));
	l->names = calloc(node->count + 1, sizeof(*l->names));
	l->lengths = calloc(UINT8_MAX + 1, sizeof(*l->lengths));
	if (l->types == NULL || l->names == NULL || l->lengths == NULL)
		return fg_error_at(error, ENOMEM, node, "protocol: messages: out of memory");
	l->messages.name = "custom";
	l->messages.types = l->types;
	l->messages.lengths = l->lengths;
	l->own_messages = true;
	return 0;
}

static int read_section(struct loaded *l, const struct section *section, const struct fg_node *node,
			struct fg_error *error)
{
	int rc = 0;

	if (section->messages) {
		if (node->kind == FG_NODE_SCALAR) {
			l->protocol.messages = fg_messages_find(node->text);
			if (l->protocol.messages == NULL)
				return fg_error_at(error, EINVAL, node,
						   "protocol: messages: no set named \"%s\"",
						   node->text);
			return 0;
		}
		rc = prepare_messages(l, node, error);
		if (rc != 0)
			return rc;
	}
	if (section->clear != NULL)
		section->clear(l);
	if (!section->list || node->kind != FG_NODE_LIST)
		return read_one(l, section, node, error);
	for (const struct fg_node *n = node->child; n != NULL && rc == 0; n = n->next)
		rc = read_one(l, section, n, error);
	return rc;
}

static int by_type(const void *a, const void *b)
{
	const struct fg_message_type *x = a, *y = b;

	return (x->type > y->type) - (x->type < y->type);
}

static int unknown_section(const struct fg_node *node, struct fg_error *error)
{
	char expected[256] = "like";

	for (const struct section *s = load_sections; s->key != NULL; s++)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s%s",
			 s[1].key != NULL ? ", " : " or ", s->key);
	return fg_option_unknown_key(node, expected, error);
}

static int read_map(struct loaded *l, const struct fg_node *node, struct fg_error *error)
{
	const struct fg_node *like = fg_node_get(node, "like");
	const struct fg_protocol *base = NULL;
	int rc = 0;

	if (like != NULL && like->kind == FG_NODE_SCALAR)
		base = fg_protocol_find(like->text);
	if (like != NULL && base == NULL)
		return fg_error_at(error, EINVAL, like,
				   "protocol: like: no such built-in protocol");
	for (const struct fg_node *n = node->child; n != NULL; n = n->next) {
		bool known = n == like;

		for (const struct section *s = load_sections; s->key != NULL; s++)
			known = known || strcmp(n->key, s->key) == 0;
		if (!known)
			return unknown_section(n, error);
	}
	l->protocol.messages = fg_messages_find("any");
	if (base != NULL)
		l->protocol = *base;
	l->messages.text = l->protocol.messages->text;
	for (const struct section *s = load_sections; s->key != NULL && rc == 0; s++) {
		const struct fg_node *n = fg_node_get(node, s->key);

		if (n != NULL)
			rc = read_section(l, s, n, error);
		/* Compiled code holds for its own header and walk only. */
		if (n != NULL && !s->messages)
			l->protocol.compiled = FG_COMPILED_NONE;
	}
	return rc;
}

/* A file with types but without messages gets an empty table, with `text` as in the file. */
static void finish(struct loaded *l, const struct fg_node *node)
{
	if (l->own_messages) {
		qsort(l->types, l->messages.count, sizeof(*l->types), by_type);
		l->protocol.messages = &l->messages;
	} else if (fg_node_get(node, "type") != NULL && fg_node_get(node, "messages") == NULL) {
		l->messages.name = "custom";
		l->protocol.messages = &l->messages;
	}
}

/* The section that a reason of fg_protocol_check() begins with, as in "check 1: ..."; else @node.
 */
static const struct fg_node *node_of(const struct fg_node *node, const char *reason)
{
	const size_t length = strcspn(reason, " ,:");

	for (const struct section *s = load_sections; s->key != NULL; s++) {
		const struct fg_node *n = fg_node_get(node, s->key);

		if (n != NULL && strncmp(s->key, reason, length) == 0)
			return n;
	}
	return node;
}

static int load_map(struct loaded *l, const struct fg_node *node, struct fg_error *error)
{
	struct fg_error reason = {0};
	int rc = read_map(l, node, error);

	if (rc != 0)
		return rc;
	finish(l, node);
	l->protocol.name = "custom";
	l->protocol.help = "described in the file";
	if (fg_protocol_check(&l->protocol, &reason) != 0)
		return fg_error_at(error, EINVAL, node_of(node, reason.text), "protocol: %s",
				   reason.text);
	return 0;
}

static int load_name(struct loaded *l, const struct fg_node *node, struct fg_error *error)
{
	const struct fg_protocol *found = fg_protocol_find(node->text);

	if (found == NULL)
		return fg_error_at(error, EINVAL, node, "protocol: no protocol named \"%s\"",
				   node->text);
	l->protocol = *found;
	return 0;
}

int fg_protocol_load(const struct fg_node *node, struct fg_protocol **out, struct fg_error *error)
{
	struct loaded *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		return fg_error_at(error, ENOMEM, node, "protocol: out of memory");
	if (node->kind == FG_NODE_SCALAR)
		rc = load_name(l, node, error);
	else if (node->kind == FG_NODE_MAP)
		rc = load_map(l, node, error);
	else
		rc = fg_error_at(error, EINVAL, node, "protocol: expected a name or a map, got %s",
				 fg_node_kind_name(node));
	if (rc != 0) {
		fg_protocol_free(&l->protocol);
		return rc;
	}
	*out = &l->protocol;
	return 0;
}

void fg_protocol_free(struct fg_protocol *protocol)
{
	struct loaded *l = (struct loaded *)protocol;

	if (l == NULL)
		return;
	for (uint32_t i = 0; i < l->messages.count; i++)
		free(l->names[i]);
	free(l->names);
	free(l->types);
	free(l->lengths);
	free(l);
}

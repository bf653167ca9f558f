/* SPDX-License-Identifier: MIT */
/*
 * A protocol from a file: the name of one built in, or a map of these sections,
 * each with the options of its rows below.
 *
 *     like: NAME                      begin with one built in; else with nothing
 *     header: {order, bytes, shortest, messages_at, units}
 *     length: {at, bytes, length_bias}       payload bytes, as the packet says
 *     checks: [{at, bytes, value | min, max}]
 *     session: {at, bytes}
 *     channel: {at, bytes}            or a list of two
 *     sequence: {at, bytes, counts}
 *     count: {at, bytes}
 *     admin: [{is, number, in, at, bytes, value | min, max, number_at, number_bytes, empty}]
 *     walk: {kind, at, bytes, length_bias, min_bytes, message_at}
 *     groups: {root, root_bytes_at, ...}
 *     type: {at, bytes, text}
 *     messages: NAME                  or [{type, name, instrument, at, bytes, group, ...}];
 *                                     `type: other` is what is not listed
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include <fg_node.h>
#include <fg_option.h>

#include "fg_protocol.h"

#define TYPES_MAX 4096u

/* What fg_protocol_load() makes: the protocol first, so that it can be freed by it. */
struct loaded {
	struct fg_protocol protocol;
	struct fg_messages messages;
	struct fg_message_type *types;
	char **names; /* Of types[], in the file's order. */
	uint16_t *lengths;
	bool own_messages;
};

/* One struct for all sections: each row stores where its section finds it. */
struct values {
	uint64_t at, bytes, length_bias, value, min, max, at2, bytes2;
	uint64_t order, counts, shortest, messages_at, kind, is, number, in, instrument, group;
	uint64_t order_at, order_bytes, new_order_at, new_order_bytes, null_value, length, root;
	uint64_t entry_at, entry_bytes, entries_at, entries_bytes, nested_at, nested_bytes;
	uint64_t data_at, data_bytes, groups_at, groups_bytes, data_length;
	bool units, empty, text, maps_symbol, adds_order, ends_order;
	char *type, *name;
};

static const char *const unset[] = {"none", NULL};

#define NUMBER_ROW(key, member, most, standard, what)                                              \
	{                                                                                          \
		.name = (key), .type = FG_OPTION_U64, .offset = offsetof(struct values, member),   \
		.max = (most), .value = (standard), .help = (what)                                 \
	}
#define FLAG_ROW(key, member, what)                                                                \
	{                                                                                          \
		.name = (key), .type = FG_OPTION_BOOL, .offset = offsetof(struct values, member),  \
		.value = "false", .help = (what)                                                   \
	}
#define NAME_ROW(key, member, list, standard, what)                                                \
	{                                                                                          \
		.name = (key), .type = FG_OPTION_NAME, .offset = offsetof(struct values, member),  \
		.names = (list), .value = (standard), .help = (what)                               \
	}
/* Any number; none unless given. */
#define VALUE_ROW(key, member, what)                                                               \
	{                                                                                          \
		.name = (key), .type = FG_OPTION_U64, .offset = offsetof(struct values, member),   \
		.max = UINT32_MAX, .names = unset, .value = "none", .help = (what)                 \
	}
#define AT_ROW    NUMBER_ROW("at", at, UINT16_MAX, NULL, "offset")
#define BYTES_ROW NUMBER_ROW("bytes", bytes, UINT8_MAX, NULL, "size")
#define LENGTH_BIAS_ROW                                                                            \
	NUMBER_ROW("length_bias", length_bias, UINT16_MAX, "0", "what the length leaves out")

static const char *const orders[] = {"little", "big", NULL};
static const char *const counts[] = {"messages", "packets", NULL};
static const char *const packet_kinds[] = {"data", "heartbeat",   "reset",
					   "end",  "unsequenced", NULL};
static const char *const numbers[] = {"next", "last", "consumes", NULL};
static const char *const places[] = {"header", "message", NULL};
static const char *const kinds[] = {"length", "type", "opra", "groups", "rest", NULL};
static const char *const instruments[] = {"none", "number", "text", "order", "previous", NULL};

static const struct fg_option header_rows[] = {
	NAME_ROW("order", order, orders, "little", "byte order of every number"),
	NUMBER_ROW("bytes", bytes, UINT16_MAX, NULL, "header of a data packet"),
	NUMBER_ROW("min_bytes", shortest, UINT16_MAX, "0", "shortest packet; 0: the header"),
	VALUE_ROW("messages_at", messages_at, "where messages begin; none: behind the header"),
	FLAG_ROW("units", units, "each message has a header of its own"),
	{0}};
static const struct fg_option length_rows[] = {AT_ROW, BYTES_ROW, LENGTH_BIAS_ROW, {0}};
static const struct fg_option field_rows[] = {AT_ROW, BYTES_ROW, {0}};
static const struct fg_option check_rows[] = {AT_ROW,
					      BYTES_ROW,
					      VALUE_ROW("value", value, "the only one"),
					      VALUE_ROW("min", min, "least"),
					      VALUE_ROW("max", max, "largest"),
					      {0}};
static const struct fg_option sequence_rows[] = {
	AT_ROW,
	BYTES_ROW,
	NAME_ROW("counts", counts, counts, "messages", "what a number stands for"),
	{0}};
static const struct fg_option control_rows[] = {
	NAME_ROW("is", is, packet_kinds, NULL, "what such a packet is"),
	NAME_ROW("number", number, numbers, "next", "what its number means"),
	NAME_ROW("in", in, places, "header", "where the field is: header or first message"),
	AT_ROW,
	BYTES_ROW,
	VALUE_ROW("value", value, "the only one"),
	VALUE_ROW("min", min, "least"),
	VALUE_ROW("max", max, "largest"),
	NUMBER_ROW("number_at", at2, UINT16_MAX, "0", "where in the message the number is"),
	NUMBER_ROW("number_bytes", bytes2, 8, "0", "0: the number is the header's"),
	FLAG_ROW("empty", empty, "no messages, whatever the count says"),
	{0}};
static const struct fg_option walk_rows[] = {
	NAME_ROW("kind", kind, kinds, "length", "how messages end"),
	NUMBER_ROW("at", at, UINT16_MAX, "0", "where the length is"),
	NUMBER_ROW("bytes", bytes, 4, "0", "size of the length"),
	LENGTH_BIAS_ROW,
	NUMBER_ROW("min_bytes", at2, UINT16_MAX, "0",
		   "shortest message; 0: up to the length's end"),
	NUMBER_ROW("message_at", messages_at, UINT16_MAX, "0", "where the message proper begins"),
	{0}};
static const struct fg_option group_rows[] = {
	NUMBER_ROW("root", root, UINT16_MAX, NULL, "where the root block begins"),
	NUMBER_ROW("root_length_at", at, UINT16_MAX, NULL, "where its length is"),
	NUMBER_ROW("root_length_bytes", bytes, 4, "2", "size of it"),
	NUMBER_ROW("header", at2, UINT8_MAX, NULL, "bytes of a group header"),
	NUMBER_ROW("entry_length_at", entry_at, UINT8_MAX, "0", "in the group header"),
	NUMBER_ROW("entry_length_bytes", entry_bytes, 4, "2", "size of it"),
	NUMBER_ROW("entries_at", entries_at, UINT8_MAX, "2", "in the group header"),
	NUMBER_ROW("entries_bytes", entries_bytes, 4, "1", "size of it"),
	NUMBER_ROW("groups_at", groups_at, UINT16_MAX, "0", "number of groups, in the message"),
	NUMBER_ROW("groups_bytes", groups_bytes, 4, "0", "size of it"),
	NUMBER_ROW("data_at", data_at, UINT16_MAX, "0", "number of variable fields"),
	NUMBER_ROW("data_bytes", data_bytes, 4, "0", "size of it"),
	NUMBER_ROW("data_length", data_length, 2, "1", "bytes of a variable field's length"),
	{0}};
static const struct fg_option type_rows[] = {
	AT_ROW, BYTES_ROW, FLAG_ROW("text", text, "types are characters"), {0}};
static const struct fg_option message_rows[] = {
	{.name = "type",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct values, type),
	 .help = "number or characters, or other"},
	{.name = "name",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct values, name),
	 .value = "",
	 .help = "for people"},
	NAME_ROW("instrument", instrument, instruments, "none", "what names it"),
	NUMBER_ROW("at", at, UINT16_MAX, "0", "where the instrument is"),
	NUMBER_ROW("bytes", bytes, FG_SYMBOL_BYTES, "0", "size of it"),
	NUMBER_ROW("group", group, 16, "0", "in each entry of this group, from 1"),
	NUMBER_ROW("symbol_at", at2, UINT16_MAX, "0", "where its symbol is"),
	NUMBER_ROW("symbol_bytes", bytes2, FG_SYMBOL_BYTES, "0", "size of it"),
	NUMBER_ROW("order_at", order_at, UINT16_MAX, "0", "where the order id is"),
	NUMBER_ROW("order_bytes", order_bytes, 8, "0", "size of it"),
	NUMBER_ROW("new_order_at", new_order_at, UINT16_MAX, "0",
		   "where the id is that replaces it"),
	NUMBER_ROW("new_order_bytes", new_order_bytes, 8, "0", "size of it"),
	NUMBER_ROW("null_value", null_value, 0, "0",
		   "a number that, like 0, stands for no instrument"),
	NUMBER_ROW("length", length, UINT16_MAX, "0", "bytes, where the type says it"),
	FLAG_ROW("maps_symbol", maps_symbol, "tells which symbol a number stands for"),
	FLAG_ROW("adds_order", adds_order, "the order is of the instrument from here on"),
	FLAG_ROW("ends_order", ends_order, "the order is gone after it"),
	{0}};

static struct fg_field field_of(uint64_t at, uint64_t bytes)
{
	return (struct fg_field){.off = (uint16_t)at, .bytes = (uint8_t)bytes};
}

static int read_header(struct loaded *l, const struct values *v)
{
	struct fg_header_shape *h = &l->protocol.header;

	h->order = l->protocol.walk.order = (uint8_t)v->order;
	h->bytes = (uint16_t)v->bytes;
	h->min_bytes = (uint16_t)(v->shortest != 0 ? v->shortest : v->bytes);
	h->messages_off = (uint16_t)v->messages_at;
	if (v->messages_at == FG_OPTION_NAMED(0))
		h->messages_off = (uint16_t)(v->units ? 0 : v->bytes);
	h->units = v->units;
	return 0;
}

static int read_length(struct loaded *l, const struct values *v)
{
	l->protocol.header.length = field_of(v->at, v->bytes);
	l->protocol.header.length_bias = (uint16_t)v->length_bias;
	return 0;
}

static int read_session(struct loaded *l, const struct values *v)
{
	l->protocol.header.session = field_of(v->at, v->bytes);
	return 0;
}

static int read_sequence(struct loaded *l, const struct values *v)
{
	l->protocol.header.sequence = field_of(v->at, v->bytes);
	l->protocol.header.counts = (uint8_t)v->counts;
	return 0;
}

static int read_count(struct loaded *l, const struct values *v)
{
	l->protocol.header.count = field_of(v->at, v->bytes);
	return 0;
}

static int read_channel(struct loaded *l, const struct values *v)
{
	struct fg_field *channel = l->protocol.header.channel;

	if (channel[1].bytes != 0)
		return -E2BIG;
	channel[channel[0].bytes != 0] = field_of(v->at, v->bytes);
	return 0;
}

/* `value`, or `min` and `max`; none of them: anything. */
static void read_range(const struct values *v, uint64_t *min, uint64_t *max)
{
	const uint64_t none = FG_OPTION_NAMED(0);

	*min = v->value != none ? v->value : v->min != none ? v->min : 0;
	*max = v->value != none ? v->value : v->max != none ? v->max : UINT64_MAX;
}

static int read_check(struct loaded *l, const struct values *v)
{
	struct fg_header_shape *h = &l->protocol.header;
	struct fg_protocol_check *check = &h->checks[h->n_checks];

	if (h->n_checks == FG_PROTOCOL_CHECKS_MAX)
		return -E2BIG;
	h->n_checks++;
	check->field = field_of(v->at, v->bytes);
	read_range(v, &check->min, &check->max);
	return 0;
}

static int read_control(struct loaded *l, const struct values *v)
{
	struct fg_header_shape *h = &l->protocol.header;
	struct fg_protocol_admin *admin = &h->admin[h->n_admin];

	if (h->n_admin == FG_PROTOCOL_ADMIN_MAX)
		return -E2BIG;
	h->n_admin++;
	admin->is = (uint8_t)v->is;
	admin->number = (uint8_t)v->number;
	admin->in_message = v->in == 1;
	admin->empty = v->empty;
	admin->field = field_of(v->at, v->bytes);
	admin->at = field_of(v->at2, v->bytes2);
	read_range(v, &admin->min, &admin->max);
	return 0;
}

static int read_walk(struct loaded *l, const struct values *v)
{
	struct fg_walk_shape *w = &l->protocol.walk;

	w->kind = (uint8_t)v->kind;
	w->length = field_of(v->at, v->bytes);
	w->length_bias = (uint16_t)v->length_bias;
	w->body = (uint16_t)v->messages_at;
	w->min_bytes = (uint16_t)(v->at2 != 0 ? v->at2 : v->at + v->bytes);
	return 0;
}

static int read_groups(struct loaded *l, const struct values *v)
{
	l->protocol.groups = (struct fg_group_shape){
		.root = (uint16_t)v->root,
		.root_bytes = field_of(v->at, v->bytes),
		.header_bytes = (uint16_t)v->at2,
		.entry_bytes = field_of(v->entry_at, v->entry_bytes),
		.entries = field_of(v->entries_at, v->entries_bytes),
		.n_groups = field_of(v->groups_at, v->groups_bytes),
		.n_data = field_of(v->data_at, v->data_bytes),
		.data_length_bytes = (uint8_t)v->data_length,
	};
	return 0;
}

static int read_type(struct loaded *l, const struct values *v)
{
	l->protocol.walk.type = field_of(v->at, v->bytes);
	l->messages.text = v->text;
	return 0;
}

static void take_message(const struct values *v, uint32_t type, struct fg_message_type *row)
{
	*row = (struct fg_message_type){
		.type = type,
		.instrument = (uint8_t)v->instrument,
		.group = (uint8_t)v->group,
		.maps_symbol = v->maps_symbol,
		.adds_order = v->adds_order,
		.ends_order = v->ends_order,
		.id = field_of(v->at, v->bytes),
		.symbol = field_of(v->at2, v->bytes2),
		.order = field_of(v->order_at, v->order_bytes),
		.new_order = field_of(v->new_order_at, v->new_order_bytes),
		.null_value = v->null_value,
	};
}

/* Rows are read in the file's order and sorted later. */
static int read_message(struct loaded *l, const struct values *v)
{
	struct fg_message_type *row = &l->types[l->messages.count];
	const struct fg_messages empty = {.text = l->messages.text};
	struct fg_protocol names = l->protocol;
	uint32_t type;

	if (strcmp(v->type, "other") == 0) {
		take_message(v, 0, &l->messages.other);
		return 0;
	}
	names.messages = &empty;
	if (names.walk.type.bytes > 4 || fg_protocol_type(&names, v->type, &type) != 0)
		return -EINVAL;
	take_message(v, type, row);
	if (v->name[0] != '\0') {
		l->names[l->messages.count] = strdup(v->name);
		if (l->names[l->messages.count] == NULL)
			return -ENOMEM;
		row->name = l->names[l->messages.count];
	}
	l->messages.count++;
	if (v->length != 0 && type <= UINT8_MAX)
		l->lengths[type] = (uint16_t)v->length;
	return 0;
}

struct section {
	const char *key;
	const struct fg_option *rows;
	int (*read)(struct loaded *l, const struct values *v);
	bool list; /* May be a list of such maps. */
};

/* In this order, whatever the file's: messages need type, and type the header. */
static const struct section sections[] = {
	{"header", header_rows, read_header, false},
	{"length", length_rows, read_length, false},
	{"checks", check_rows, read_check, true},
	{"session", field_rows, read_session, false},
	{"channel", field_rows, read_channel, true},
	{"sequence", sequence_rows, read_sequence, false},
	{"count", field_rows, read_count, false},
	{"admin", control_rows, read_control, true},
	{"walk", walk_rows, read_walk, false},
	{"groups", group_rows, read_groups, false},
	{"type", type_rows, read_type, false},
	{"messages", message_rows, read_message, true},
};

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

/* What a section says replaces what `like` brought. */
static void forget(struct loaded *l, const struct section *section)
{
	struct fg_header_shape *h = &l->protocol.header;

	if (section->read == read_check)
		h->n_checks = 0;
	else if (section->read == read_control)
		h->n_admin = 0;
	else if (section->read == read_channel)
		memset(h->channel, 0, sizeof(h->channel));
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

	if (section->read == read_message) {
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
	forget(l, section);
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

	for (unsigned int i = 0; i < RTE_DIM(sections); i++)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s%s",
			 i + 1 < RTE_DIM(sections) ? ", " : " or ", sections[i].key);
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
				   "protocol: like: no such protocol built in");
	for (const struct fg_node *n = node->child; n != NULL; n = n->next) {
		bool known = n == like;

		for (unsigned int i = 0; i < RTE_DIM(sections); i++)
			known = known || strcmp(n->key, sections[i].key) == 0;
		if (!known)
			return unknown_section(n, error);
	}
	l->protocol.messages = fg_messages_find("any");
	if (base != NULL)
		l->protocol = *base;
	l->messages.text = l->protocol.messages->text;
	for (unsigned int i = 0; i < RTE_DIM(sections) && rc == 0; i++) {
		const struct fg_node *n = fg_node_get(node, sections[i].key);

		if (n != NULL)
			rc = read_section(l, &sections[i], n, error);
		/* With another header or walk it is no longer the hot one. */
		if (n != NULL && sections[i].read != read_message)
			l->protocol.hot = FG_HOT_NONE;
	}
	return rc;
}

/* Types without a table: the set that knows none, with characters as the file says. */
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

int fg_protocol_load(const struct fg_node *node, struct fg_protocol **out, struct fg_error *error)
{
	struct loaded *l = calloc(1, sizeof(*l));
	struct fg_error reason = {0};
	int rc = 0;

	if (l == NULL)
		return fg_error_at(error, ENOMEM, node, "protocol: out of memory");
	if (node->kind == FG_NODE_SCALAR) {
		const struct fg_protocol *found = fg_protocol_find(node->text);

		if (found == NULL)
			rc = fg_error_at(error, EINVAL, node, "protocol: no protocol named \"%s\"",
					 node->text);
		else
			l->protocol = *found;
	} else if (node->kind == FG_NODE_MAP) {
		rc = read_map(l, node, error);
		if (rc == 0) {
			finish(l, node);
			l->protocol.name = "custom";
			l->protocol.help = "described in the file";
			rc = fg_protocol_check(&l->protocol, &reason);
			if (rc != 0)
				fg_error_at(error, EINVAL, node, "protocol: %s", reason.text);
		}
	} else {
		rc = fg_error_at(error, EINVAL, node, "protocol: expected a name or a map, got %s",
				 fg_node_kind_name(node));
	}
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

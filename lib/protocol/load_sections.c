/* SPDX-License-Identifier: MIT */
/* What each section of a protocol's map changes in the descriptor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static struct fg_field field_of(uint64_t at, uint64_t bytes)
{
	return (struct fg_field){.off = (uint16_t)at, .bytes = (uint8_t)bytes};
}

static int read_header(struct loaded *l, const struct values *v)
{
	struct fg_header_shape *h = &l->protocol.header;

	h->order = l->protocol.walk.order = (uint8_t)v->order;
	h->bytes = (uint16_t)v->bytes;
	h->min_bytes = (uint16_t)(v->min_bytes != 0 ? v->min_bytes : v->bytes);
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

static int read_checksum(struct loaded *l, const struct values *v)
{
	l->protocol.header.checksum = field_of(v->at, v->bytes);
	l->protocol.header.checksum_kind = (uint8_t)v->kind;
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

/* The range of `value`, or of `min` and `max`; without all three: any value. */
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

static int read_admin(struct loaded *l, const struct values *v)
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
	admin->bare = v->bare;
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
	w->pad_to = (uint8_t)v->pad_to;
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

static void fill_row(const struct values *v, uint32_t type, struct fg_message_type *row)
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

/* Rows stay in the file's order here; finish() sorts them. */
static int read_message(struct loaded *l, const struct values *v)
{
	struct fg_message_type *row = &l->types[l->messages.count];
	const struct fg_messages empty = {.text = l->messages.text};
	struct fg_protocol names = l->protocol;
	uint32_t type;

	if (strcmp(v->type, "other") == 0) {
		fill_row(v, 0, &l->messages.other);
		return 0;
	}
	names.messages = &empty;
	if (names.walk.type.bytes > 4 || fg_protocol_type(&names, v->type, &type) != 0)
		return -EINVAL;
	fill_row(v, type, row);
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

static void clear_checks(struct loaded *l)
{
	l->protocol.header.n_checks = 0;
}

static void clear_channel(struct loaded *l)
{
	memset(l->protocol.header.channel, 0, sizeof(l->protocol.header.channel));
}

static void clear_admin(struct loaded *l)
{
	l->protocol.header.n_admin = 0;
}

const struct section load_sections[] = {
	{.key = "header", .rows = header_rows, .read = read_header},
	{.key = "length", .rows = length_rows, .read = read_length},
	{.key = "checks",
	 .rows = check_rows,
	 .read = read_check,
	 .clear = clear_checks,
	 .list = true},
	{.key = "session", .rows = field_rows, .read = read_session},
	{.key = "channel",
	 .rows = field_rows,
	 .read = read_channel,
	 .clear = clear_channel,
	 .list = true},
	{.key = "sequence", .rows = sequence_rows, .read = read_sequence},
	{.key = "count", .rows = field_rows, .read = read_count},
	{.key = "checksum", .rows = checksum_rows, .read = read_checksum},
	{.key = "admin",
	 .rows = admin_rows,
	 .read = read_admin,
	 .clear = clear_admin,
	 .list = true},
	{.key = "walk", .rows = walk_rows, .read = read_walk},
	{.key = "groups", .rows = group_rows, .read = read_groups},
	{.key = "type", .rows = type_rows, .read = read_type},
	{.key = "messages",
	 .rows = message_rows,
	 .read = read_message,
	 .list = true,
	 .messages = true},
	{.key = NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * Whether a protocol is consistent: every field that reading and walking load
 * without a check of their own is within the bytes that they have checked.
 */
#include <errno.h>

#include "fg_protocol.h"
#include "fg_walk.h"

static bool is_number(struct fg_field field)
{
	return field.bytes == 1 || field.bytes == 2 || field.bytes == 4 || field.bytes == 8;
}

/* No field, or a number that ends within @p end. */
static bool fits(struct fg_field field, uint32_t end)
{
	return field.bytes == 0 || (is_number(field) && fg_field_end(field) <= end);
}

#define REFUSE_UNLESS(holds, ...)                                                                  \
	do {                                                                                       \
		if (!(holds))                                                                      \
			return fg_error_set(error, EINVAL, __VA_ARGS__);                           \
	} while (0)

static int check_header(const struct fg_header_shape *h, struct fg_error *error)
{
	const uint32_t shortest = h->min_bytes;

	REFUSE_UNLESS(h->order <= FG_ORDER_BIG && h->counts <= FG_COUNTS_PACKETS,
		      "order or counts: no such value");
	REFUSE_UNLESS(shortest > 0 && shortest <= h->bytes && h->messages_off <= h->bytes,
		      "header: expected 0 < min_bytes <= bytes, and messages to begin within it");
	REFUSE_UNLESS(h->sequence.bytes == 4 || h->sequence.bytes == 8,
		      "sequence: expected 4 or 8 bytes, got %u", h->sequence.bytes);
	REFUSE_UNLESS(fits(h->sequence, shortest) && fits(h->length, shortest) &&
			      fits(h->channel[0], shortest) && fits(h->channel[1], shortest),
		      "sequence, length or channel: not a number of 1, 2, 4 or 8 bytes within the "
		      "shortest header, %u bytes",
		      shortest);
	REFUSE_UNLESS(h->channel[0].bytes + h->channel[1].bytes <= 8 &&
			      (h->channel[1].bytes == 0 || h->channel[0].bytes != 0),
		      "channel: more than 8 bytes together");
	REFUSE_UNLESS(h->session.bytes <= FG_SESSION_BYTES && fg_field_end(h->session) <= shortest,
		      "session: over %u bytes, or not within the shortest header, %u bytes",
		      FG_SESSION_BYTES, shortest);
	REFUSE_UNLESS(fits(h->count, h->bytes) && h->count.bytes <= 2,
		      "count: not a number of 1 or 2 bytes within the header, %u bytes", h->bytes);
	REFUSE_UNLESS(h->checksum_kind == FG_CHECKSUM_SUM16 &&
			      (h->checksum.bytes == 0 || h->checksum.bytes == 2) &&
			      fits(h->checksum, shortest),
		      "checksum: not 2 bytes within the shortest header, %u bytes", shortest);
	REFUSE_UNLESS(h->n_checks <= FG_PROTOCOL_CHECKS_MAX && h->n_admin <= FG_PROTOCOL_ADMIN_MAX,
		      "too many checks or admin rows");
	for (unsigned int i = 0; i < h->n_checks; i++)
		REFUSE_UNLESS(is_number(h->checks[i].field) && fits(h->checks[i].field, shortest) &&
				      h->checks[i].min <= h->checks[i].max,
			      "check %u: not a number within the shortest header, %u bytes, or no "
			      "value holds",
			      i + 1, shortest);
	for (unsigned int i = 0; i < h->n_admin; i++)
		REFUSE_UNLESS(is_number(h->admin[i].field) && fits(h->admin[i].at, UINT32_MAX) &&
				      h->admin[i].is < FG_FEED_PACKET_KINDS &&
				      h->admin[i].is != FG_FEED_DATA &&
				      h->admin[i].number <= FG_NUMBER_CONSUMES &&
				      h->admin[i].min <= h->admin[i].max,
			      "admin %u: its field is no number, or no value holds", i + 1);
	return 0;
}

static int check_groups(const struct fg_protocol *f, struct fg_error *error)
{
	const struct fg_group_shape *g = &f->groups;
	const bool walked = f->walk.kind == FG_WALK_GROUPS;

	if (g->header_bytes == 0 && !walked)
		return 0;
	REFUSE_UNLESS(g->header_bytes > 0 && is_number(g->root_bytes) &&
			      is_number(g->entry_bytes) && is_number(g->entries) &&
			      g->root_bytes.bytes <= 4 && g->entry_bytes.bytes <= 4 &&
			      g->entries.bytes <= 4,
		      "groups: header, or length of root or entry, or number of entries missing");
	REFUSE_UNLESS(fits(g->entry_bytes, g->header_bytes) && fits(g->entries, g->header_bytes) &&
			      fits(g->nested, g->header_bytes) &&
			      fits(g->entry_data, g->header_bytes),
		      "groups: a field is not within the group header, %u bytes", g->header_bytes);
	REFUSE_UNLESS((g->n_data.bytes == 0 && g->entry_data.bytes == 0) ||
			      g->data_length_bytes == 1 || g->data_length_bytes == 2,
		      "groups: data_length: expected 1 or 2 bytes");
	if (walked)
		REFUSE_UNLESS(fits(g->root_bytes, f->walk.min_bytes) &&
				      fits(g->n_groups, f->walk.min_bytes) &&
				      fits(g->n_data, f->walk.min_bytes) &&
				      g->root <= f->walk.min_bytes,
			      "groups: a field or the root is not within the shortest message, "
			      "%u bytes",
			      f->walk.min_bytes);
	return 0;
}

static int check_walk(const struct fg_protocol *f, struct fg_error *error)
{
	const struct fg_walk_shape *w = &f->walk;
	const struct fg_header_shape *h = &f->header;
	const bool by_type = w->kind == FG_WALK_TYPE || w->kind == FG_WALK_OPRA;

	REFUSE_UNLESS(w->kind <= FG_WALK_REST && w->order == h->order,
		      "walk: no such kind, or another order than the header's");
	REFUSE_UNLESS(w->min_bytes > 0 && w->body <= w->min_bytes,
		      "walk: the shortest message has no bytes, or begins after them");
	REFUSE_UNLESS(w->type.bytes == 0 || (is_number(w->type) && w->type.bytes <= 4),
		      "type: expected 1, 2 or 4 bytes");
	if (w->kind == FG_WALK_LENGTH)
		REFUSE_UNLESS(is_number(w->length) && w->length.bytes <= 4 &&
				      fits(w->length, w->min_bytes),
			      "walk: the length is not within the shortest message, %u bytes",
			      w->min_bytes);
	if (by_type)
		REFUSE_UNLESS(f->messages->lengths != NULL && w->type.bytes == 1 && w->body == 0 &&
				      fits(w->type, w->min_bytes),
			      "walk: by type needs messages with lengths, and a type of a byte");
	if (w->kind == FG_WALK_OPRA)
		REFUSE_UNLESS(w->min_bytes >= 4 && (f->messages->lengths['C'] == 0 ||
						    f->messages->lengths['C'] >= 14),
			      "walk: opra needs messages of OPRA");
	if (h->units)
		REFUSE_UNLESS(w->kind == FG_WALK_LENGTH && w->min_bytes >= h->bytes &&
				      h->messages_off == 0 && h->count.bytes == 0 &&
				      h->counts == FG_COUNTS_MESSAGES && w->body == 0,
			      "units: need messages that begin with the header, no count, "
			      "and numbers that count messages");
	return check_groups(f, error);
}

static int check_type(const struct fg_protocol *f, const struct fg_message_type *row,
		      struct fg_error *error)
{
	const bool text = row->instrument == FG_INSTRUMENT_TEXT;
	const bool number = row->instrument == FG_INSTRUMENT_NUMBER;

	REFUSE_UNLESS(row->instrument <= FG_INSTRUMENT_PREVIOUS &&
			      (text || number) == (row->id.bytes != 0),
		      "message %u: an instrument without a place, or a place without an instrument",
		      row->type);
	REFUSE_UNLESS(!number || is_number(row->id),
		      "message %u: instrument: expected 1, 2, 4 or 8 bytes", row->type);
	REFUSE_UNLESS(row->id.bytes <= FG_SYMBOL_BYTES && row->symbol.bytes <= FG_SYMBOL_BYTES,
		      "message %u: a symbol over %u bytes", row->type, FG_SYMBOL_BYTES);
	REFUSE_UNLESS(fits(row->order, UINT32_MAX) &&
			      (row->instrument != FG_INSTRUMENT_ORDER || row->order.bytes != 0),
		      "message %u: order: expected 1, 2, 4 or 8 bytes", row->type);
	REFUSE_UNLESS(fits(row->new_order, UINT32_MAX) &&
			      (row->new_order.bytes == 0 || row->order.bytes != 0),
		      "message %u: new_order: expected 1, 2, 4 or 8 bytes, beside an order",
		      row->type);
	REFUSE_UNLESS(!row->adds_order ||
			      ((text || number) && row->group == 0 && row->order.bytes != 0),
		      "message %u: adds_order needs an order and its instrument", row->type);
	REFUSE_UNLESS(row->group == 0 || f->groups.header_bytes != 0,
		      "message %u: in a group, but groups are not described", row->type);
	REFUSE_UNLESS(!row->maps_symbol || (number && row->group == 0 && row->symbol.bytes != 0),
		      "message %u: maps_symbol needs a number and its symbol", row->type);
	return 0;
}

int fg_protocol_check(const struct fg_protocol *protocol, struct fg_error *error)
{
	const struct fg_messages *messages = protocol->messages;
	int rc = check_header(&protocol->header, error);

	if (rc == 0)
		rc = check_walk(protocol, error);
	if (rc == 0)
		rc = check_type(protocol, &messages->other, error);
	for (uint32_t i = 0; rc == 0 && i < messages->count; i++) {
		const struct fg_message_type *row = &messages->types[i];

		REFUSE_UNLESS(i == 0 || messages->types[i - 1].type < row->type,
			      "message %u: listed twice", row->type);
		rc = check_type(protocol, row, error);
	}
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * The packet header, to struct fg_feed_packet. One inline body, compiled with the
 * constants of each built-in protocol, and once for all others.
 */
#include <errno.h>
#include <string.h>

#include "fg_protocol.h"
#include "fg_walk.h"
#include "tables.h"

static __rte_always_inline bool passes_checks(const struct fg_header_shape *shape,
					      const uint8_t *payload)
{
#pragma GCC unroll 4
	for (unsigned int i = 0; i < shape->n_checks; i++) {
		const struct fg_protocol_check *check = &shape->checks[i];
		const uint64_t value = fg_field_load(check->field, payload, shape->order);

		if (value < check->min || value > check->max)
			return false;
	}
	return true;
}

/* Whether an admin row holds for a packet. @end: of the payload. */
static __rte_always_inline bool admin_holds(const struct fg_header_shape *shape,
					    const struct fg_walk_shape *walk,
					    const struct fg_protocol_admin *rule,
					    const uint8_t *payload, uint32_t end)
{
	const uint32_t message = (uint32_t)shape->messages_off + walk->body;
	const uint32_t base = rule->in_message ? message : 0;
	uint64_t value;

	if (rule->bare && end != shape->bytes)
		return false;
	if (base + fg_field_end(rule->field) > end)
		return false;
	value = fg_field_load(rule->field, payload + base, shape->order);
	if (value < rule->min || value > rule->max)
		return false;
	return rule->at.bytes == 0 || message + fg_field_end(rule->at) <= end;
}

/* The admin row that holds for a packet; NULL: it is data. @end: of the payload. */
static __rte_always_inline const struct fg_protocol_admin *
admin_row(const struct fg_header_shape *shape, const struct fg_walk_shape *walk,
	  const uint8_t *payload, uint32_t end)
{
#pragma GCC unroll 8
	for (unsigned int i = 0; i < shape->n_admin; i++)
		if (admin_holds(shape, walk, &shape->admin[i], payload, end))
			return &shape->admin[i];
	return NULL;
}

/*
 * Whether what was sent again is an admin message. Its number may be one that data has, or will
 * have, so it says nothing about the sequence.
 */
static __rte_noinline bool repeats_admin(const struct fg_header_shape *shape,
					 const struct fg_walk_shape *walk, const uint8_t *payload,
					 uint32_t end)
{
	for (unsigned int i = 0; i < shape->n_admin; i++)
		if (shape->admin[i].in_message &&
		    admin_holds(shape, walk, &shape->admin[i], payload, end))
			return true;
	return false;
}

static __rte_always_inline void apply_admin(const struct fg_header_shape *shape,
					    const struct fg_walk_shape *walk,
					    const struct fg_protocol_admin *rule,
					    const uint8_t *payload, struct fg_feed_packet *out)
{
	/* messages_end stays: bytes after the header contradict it, see FG_WALK_TRAILING. */
	if (rule->empty && !shape->units) {
		out->n_messages = 0;
		out->count = shape->counts == FG_COUNTS_MESSAGES ? 0 : out->count;
		out->messages_off =
			out->messages_end < shape->bytes ? shape->min_bytes : shape->bytes;
	}
	if (rule->at.bytes != 0)
		out->first = fg_field_load(rule->at, payload + shape->messages_off + walk->body,
					   shape->order);
	if (shape->sequence.bytes == 4)
		out->first = (uint32_t)out->first;
	/* A heartbeat with a number of its own may be lost like data, so it is data. */
	if (rule->is == FG_FEED_HEARTBEAT && rule->number == FG_NUMBER_CONSUMES)
		return;
	out->kind = rule->is;
	if (rule->is == FG_FEED_RETRANSMISSION &&
	    repeats_admin(shape, walk, payload, out->messages_end))
		out->kind = FG_FEED_UNSEQUENCED;
	if (rule->is == FG_FEED_RETRANSMISSION || rule->is == FG_FEED_UNSEQUENCED)
		return;
	if (rule->number == FG_NUMBER_LAST)
		out->first++;
	else if (rule->number == FG_NUMBER_CONSUMES)
		out->first += out->count;
	if (shape->sequence.bytes == 4)
		out->first = (uint32_t)out->first;
	out->count = 0;
}

/*
 * Count the messages where each has a header of its own. Those with data must have consecutive
 * numbers and one session. Returns how many there are, 0 if all are admin messages, or -EBADMSG.
 */
static __rte_always_inline int count_units(const struct fg_header_shape *shape,
					   const struct fg_walk_shape *walk, const uint8_t *payload,
					   uint32_t end, struct fg_feed_packet *out)
{
	uint32_t remaining = end, count = 0;

	while (remaining >= walk->min_bytes) {
		const uint8_t *at = payload + (end - remaining);
		const uint64_t bytes =
			fg_field_load(walk->length, at, shape->order) + walk->length_bias;
		const uint64_t number = fg_field_load(shape->sequence, at, shape->order);
		const struct fg_protocol_admin *rule;

		if (bytes < walk->min_bytes || bytes > remaining || !passes_checks(shape, at))
			return -EBADMSG;
		remaining -= (uint32_t)bytes;
		rule = admin_row(shape, walk, at, (uint32_t)bytes);
		if (rule != NULL && rule->empty && bytes != shape->bytes)
			return -EBADMSG;
		if (rule != NULL)
			continue;
		if (count == 0) {
			out->first = number;
			memcpy(out->session, at + shape->session.off, shape->session.bytes);
		}
		if (number != out->first + count ||
		    memcmp(at + shape->session.off, out->session, shape->session.bytes) != 0)
			return -EBADMSG;
		count++;
	}
	out->count = count;
	return (int)count;
}

static int count_by_walking(const struct fg_protocol *protocol, const uint8_t *payload,
			    struct fg_feed_packet *out)
{
	struct fg_message message;
	struct fg_walk walk;
	uint32_t count = 0;

	fg_walk_begin(&walk, payload, out);
	while (fg_protocol_next(protocol, &walk, &message))
		count++;
	if (walk.end_reason != FG_WALK_DONE)
		return -EBADMSG;
	out->count = count;
	return (int)count;
}

/* All fields of @out, as of a data packet. The header's fields are within @end. */
static __rte_always_inline void read_fields(const struct fg_header_shape *shape,
					    const uint8_t *payload, uint32_t end,
					    struct fg_feed_packet *out)
{
	memset(out->session, 0, sizeof(out->session));
	memcpy(out->session, payload + shape->session.off, shape->session.bytes);
	out->channel = 0;
	if (shape->channel[0].bytes != 0)
		out->channel = fg_field_load(shape->channel[0], payload, shape->order);
	if (shape->channel[1].bytes != 0)
		out->channel = out->channel << (8 * shape->channel[1].bytes) |
			       fg_field_load(shape->channel[1], payload, shape->order);
	out->first = fg_field_load(shape->sequence, payload, shape->order);
	out->sequence_bits = (uint8_t)(8 * shape->sequence.bytes);
	out->messages_off = (uint16_t)(shape->messages_off < end ? shape->messages_off : end);
	out->messages_end = (uint16_t)end;
	out->n_messages = UINT16_MAX;
	if (shape->count.bytes != 0 && fg_field_end(shape->count) <= end)
		out->n_messages = (uint16_t)fg_field_load(shape->count, payload, shape->order);
	out->count = shape->counts == FG_COUNTS_PACKETS ? 1 : out->n_messages;
	out->kind = FG_FEED_DATA;
	out->digest = 0;
}

static __rte_always_inline int read_packet(const struct fg_header_shape *shape,
					   const struct fg_walk_shape *walk,
					   const struct fg_protocol *protocol,
					   const uint8_t *payload, uint32_t len,
					   struct fg_feed_packet *out)
{
	const bool counted = shape->count.bytes != 0 || shape->counts == FG_COUNTS_PACKETS;
	const struct fg_protocol_admin *rule;
	const uint32_t end = len;
	int rc = 0;

	if (unlikely(len < shape->min_bytes))
		return -EMSGSIZE;
	if (unlikely(!passes_checks(shape, payload)))
		return -EPROTO;
	if (shape->length.bytes != 0) {
		const uint64_t stated =
			fg_field_load(shape->length, payload, shape->order) + shape->length_bias;

		if (unlikely(stated < shape->min_bytes || stated > len))
			return -EMSGSIZE;
		if (unlikely(stated != len))
			return -EOVERFLOW;
	}
	rule = admin_row(shape, walk, payload, end);
	if (unlikely(end < shape->bytes && (rule == NULL || !rule->empty)))
		return -EMSGSIZE;
	read_fields(shape, payload, end, out);
	/* No packet has room for 65,535 messages: that number stands for none stated. */
	if (shape->count.bytes != 0 && (rule == NULL || !rule->empty) &&
	    unlikely((uint32_t)out->n_messages * walk->min_bytes > end - out->messages_off))
		return -ENODATA;
	if (shape->units)
		rc = count_units(shape, walk, payload, end, out);
	else if (!counted && (rule == NULL || !rule->empty))
		rc = count_by_walking(protocol, payload, out);
	if (unlikely(rc < 0))
		return rc;
	/* Where each message has its own header, a packet with any data is data. */
	if (unlikely(rule != NULL && (rc == 0 || !shape->units)))
		apply_admin(shape, walk, rule, payload, out);
	return 0;
}

typedef int read_function(const struct fg_protocol *protocol, const uint8_t *payload, uint32_t len,
			  struct fg_feed_packet *out);

static int read_any(const struct fg_protocol *protocol, const uint8_t *payload, uint32_t len,
		    struct fg_feed_packet *out)
{
	return read_packet(&protocol->header, &protocol->walk, protocol, payload, len, out);
}

#define X(name)                                                                                    \
	static int read_##name(const struct fg_protocol *protocol, const uint8_t *payload,         \
			       uint32_t len, struct fg_feed_packet *out)                           \
	{                                                                                          \
		return read_packet(&protocol_##name.header, &protocol_##name.walk, protocol,       \
				   payload, len, out);                                             \
	}
FG_PROTOCOLS(X)
#undef X

static read_function *const readers[FG_COMPILED_COUNT] = {[FG_COMPILED_NONE] = read_any,
#define X(name) [FG_COMPILED_##name] = read_##name,
							  FG_PROTOCOLS(X)
#undef X
};

int fg_protocol_read(const struct fg_protocol *protocol, const uint8_t *payload, uint16_t len,
		     struct fg_feed_packet *out)
{
	return readers[protocol->compiled](protocol, payload, len, out);
}

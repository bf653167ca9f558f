/* SPDX-License-Identifier: MIT */
/*
 * The packet header, to struct fg_feed_packet. One inline body; for the hot protocols
 * it is compiled with their constants.
 */
#include <errno.h>
#include <string.h>

#include "fg_protocol.h"
#include "fg_walk.h"
#include "hot.h"

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

/* The admin row that holds for a packet; NULL: it is data. @end: of the payload. */
static __rte_always_inline const struct fg_protocol_admin *
admin_row(const struct fg_header_shape *shape, const struct fg_walk_shape *walk,
	  const uint8_t *payload, uint32_t end)
{
#pragma GCC unroll 8
	for (unsigned int i = 0; i < shape->n_admin; i++) {
		const struct fg_protocol_admin *rule = &shape->admin[i];
		const uint32_t base =
			rule->in_message ? (uint32_t)shape->messages_off + walk->body : 0;
		uint64_t value;

		if (base + fg_field_end(rule->field) > end)
			continue;
		value = fg_field_load(rule->field, payload + base, shape->order);
		if (value < rule->min || value > rule->max)
			continue;
		if (rule->at.bytes != 0 &&
		    shape->messages_off + walk->body + fg_field_end(rule->at) > end)
			continue;
		return rule;
	}
	return NULL;
}

static __rte_always_inline void apply_admin(const struct fg_header_shape *shape,
					    const struct fg_walk_shape *walk,
					    const struct fg_protocol_admin *rule,
					    const uint8_t *payload, struct fg_feed_packet *out)
{
	/* messages_end stays: bytes after the header contradict it, see FG_WALK_TRAILING. */
	if (rule->empty)
		out->n_messages = 0;
	if (rule->at.bytes != 0)
		out->first = fg_field_load(rule->at, payload + shape->messages_off + walk->body,
					   shape->order);
	if (shape->sequence.bytes == 4)
		out->first = (uint32_t)out->first;
	/* A heartbeat with a number of its own may be lost like data, so it is data. */
	if (rule->is == FG_FEED_HEARTBEAT && rule->number == FG_NUMBER_CONSUMES)
		return;
	out->kind = rule->is;
	if (rule->is == FG_FEED_UNSEQUENCED)
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
static int count_units(const struct fg_protocol *protocol, const uint8_t *payload, uint32_t end,
		       struct fg_feed_packet *out)
{
	const struct fg_header_shape *shape = &protocol->header;
	uint32_t remaining = end, count = 0;

	while (remaining >= protocol->walk.min_bytes) {
		const uint8_t *at = payload + (end - remaining);
		const uint64_t bytes = fg_field_load(protocol->walk.length, at, shape->order) +
				       protocol->walk.length_bias;
		const uint64_t number = fg_field_load(shape->sequence, at, shape->order);

		if (bytes < protocol->walk.min_bytes || bytes > remaining)
			return -EBADMSG;
		remaining -= (uint32_t)bytes;
		if (admin_row(shape, &protocol->walk, at, (uint32_t)bytes) != NULL)
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
	uint32_t end = len;
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
		end = (uint32_t)stated;
	}
	rule = admin_row(shape, walk, payload, end);
	if (unlikely(end < shape->bytes && (rule == NULL || !rule->empty)))
		return -EMSGSIZE;
	read_fields(shape, payload, end, out);
	if (!counted && (rule == NULL || !rule->empty))
		rc = shape->units ? count_units(protocol, payload, end, out)
				  : count_by_walking(protocol, payload, out);
	if (unlikely(rc < 0))
		return rc;
	/* Where each message has its own header, a packet with any data is data. */
	if (unlikely(rule != NULL && (rc == 0 || !shape->units)))
		apply_admin(shape, walk, rule, payload, out);
	return 0;
}

/* Not inline: else the hot protocols would save the registers that this one needs. */
static __rte_noinline int read_any(const struct fg_protocol *protocol, const uint8_t *payload,
				   uint32_t len, struct fg_feed_packet *out)
{
	return read_packet(&protocol->header, &protocol->walk, protocol, payload, len, out);
}

int fg_protocol_read(const struct fg_protocol *protocol, const uint8_t *payload, uint16_t len,
		     struct fg_feed_packet *out)
{
	switch (protocol->hot) {
	case FG_HOT_MOLDUDP64:
		return read_packet(&hot_moldudp64_header, &hot_moldudp64_walk, protocol, payload,
				   len, out);
	case FG_HOT_CME_MDP3:
		return read_packet(&hot_cme_mdp3_header, &hot_cme_mdp3_walk, protocol, payload, len,
				   out);
	default:
		return read_any(protocol, payload, len, out);
	}
}

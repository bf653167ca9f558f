/* SPDX-License-Identifier: MIT */
/*
 * A packet of a protocol: its payload, its sequence numbers, and a list of its messages. Lines that
 * repack messages and the truth file read that list.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PACKET_PAYLOAD_MAX     1400u
#define PACKET_MESSAGES_MAX    64u
#define PACKET_INSTRUMENTS_MAX 64u
#define PACKET_SESSION_MAX     16u
#define PACKET_NO_TYPE         UINT32_MAX

enum packet_control {
	PACKET_DATA,
	PACKET_HEARTBEAT,
	PACKET_RESET,
	PACKET_END,
	PACKET_UNSEQUENCED,
};

/* The sequence numbers of a packet. Heartbeats, resets and ends have count 0, and first is the
 * number of the next message. */
struct packet_id {
	uint64_t made; /* the packet's number in the truth file; repacked: its first message's */
	uint64_t channel;
	uint64_t first;
	uint32_t count;
	uint32_t epoch;  /* resets of the channel before this packet */
	uint8_t control; /* enum packet_control */
	uint8_t session_bytes;
	uint8_t session[PACKET_SESSION_MAX];
};

struct packet_message {
	uint32_t type;       /* characters or number, or PACKET_NO_TYPE */
	uint16_t off, bytes; /* of its block in the payload, which may begin with a length */
	uint16_t first_instrument;
	uint8_t n_instruments;
	bool names_order_only; /* it has no instrument field: the instrument is that of the order */
	bool has_order;
	uint64_t order;
};

struct packet {
	struct packet_id id;
	uint64_t position; /* bytes of blocks in the session before this packet's */
	size_t len;
	uint32_t n_messages, n_instruments, n_claimed;
	struct packet_message messages[PACKET_MESSAGES_MAX];
	uint32_t instruments[PACKET_INSTRUMENTS_MAX];
	uint8_t payload[PACKET_PAYLOAD_MAX];
};

static inline void packet_begin(struct packet *p, size_t header_bytes)
{
	memset(&p->id, 0, sizeof(p->id));
	p->position = 0;
	p->len = header_bytes;
	p->n_messages = 0;
	p->n_instruments = 0;
	p->n_claimed = 0;
}

/* Add an instrument to the message that the next packet_message() adds. */
static inline void packet_instrument(struct packet *p, uint32_t instrument)
{
	if (p->n_instruments < PACKET_INSTRUMENTS_MAX)
		p->instruments[p->n_instruments++] = instrument;
}

/* Add the block of so many bytes at the end of the payload to the list of messages. */
static inline struct packet_message *packet_message(struct packet *p, uint32_t type, size_t bytes)
{
	struct packet_message *m = &p->messages[p->n_messages++];

	m->type = type;
	m->off = (uint16_t)p->len;
	m->bytes = (uint16_t)bytes;
	m->first_instrument = (uint16_t)p->n_claimed;
	m->n_instruments = (uint8_t)(p->n_instruments - p->n_claimed);
	m->names_order_only = false;
	m->has_order = false;
	m->order = 0;
	p->n_claimed = p->n_instruments;
	p->len += bytes;
	return m;
}

/* The number in the header, for protocols whose heartbeats have the last number, not the next. */
static inline uint64_t packet_number_before(const struct packet *p)
{
	return p->id.control == PACKET_DATA || p->id.control == PACKET_UNSEQUENCED
		       ? p->id.first
		       : p->id.first - 1;
}

#endif /* PACKET_H */

/* SPDX-License-Identifier: MIT */
/*
 * Protocols as tables: a row for each message type, with the offsets of the fields that readers
 * use. The other bytes of a message are random. A few functions of each protocol make what differs
 * between them: lengths, headers, checksums.
 */
#ifndef TABLE_H
#define TABLE_H

#include "protocol.h"
#include "rng.h"

/* A field of a message; 0 bytes: there is none. */
struct place {
	uint16_t at;
	uint8_t bytes;
};

enum row_instrument {
	ROW_NO_INSTRUMENT,
	ROW_NUMBER,
	ROW_SYMBOL,
};

/* The effect of a message on its order. */
enum row_does {
	ROW_NOTHING, /* it has an order number that is used once */
	ROW_ADDS,
	ROW_TOUCHES,
	ROW_ENDS,
	ROW_REPLACES, /* by new_order */
};

struct row {
	uint32_t type;
	uint16_t bytes;     /* of the block, with the length before the message */
	uint16_t weight;    /* share of the messages; 0: not drawn */
	uint8_t instrument; /* enum row_instrument */
	uint8_t does;       /* enum row_does */
	uint8_t kinds;      /* bits 1 << (channel % 3): channels that send it; 0: all */
	bool unsequenced;   /* only in unsequenced packets */
	struct place id, symbol, order, new_order;
};

/* A block that is made. */
struct table_block {
	const struct row *row;
	const struct packet_id *id;
	uint64_t number; /* sequence number of the message or packet */
	struct rng *rng;
};

/* The sequence number of a packet without messages. */
enum table_number {
	TABLE_NEXT,     /* that of the next message; a reset begins a session */
	TABLE_LAST,     /* that of the last message */
	TABLE_CONSUMES, /* one of its own */
};

struct table {
	const struct row *rows;      /* the last has 0 bytes */
	const struct row *directory; /* maps symbols, sent first; NULL: there is none */
	bool big;                    /* byte order of numbers */
	char pad;                    /* after short symbols */
	bool per_packet;             /* numbers count packets */
	bool begins;                 /* the first packet of a channel is a reset */
	uint8_t messages_max;
	uint8_t session_bytes;    /* more than 8: as digits */
	uint8_t heartbeat, reset; /* enum table_number; ends are as heartbeats */

	/* The number of an instrument in messages. NULL: there are no numbers. */
	uint64_t (*number)(uint32_t instrument);
	/* The channel number in packets. NULL: packets have none. */
	uint64_t (*channel)(uint32_t index);
	/* Set length and type in a random block of row->bytes; returns its bytes. */
	size_t (*block)(const struct table_block *b, uint8_t *to);
	/* Make the block of a packet without messages; returns its bytes, 0: there is no block. */
	size_t (*control)(enum packet_control control, const struct packet_id *id, uint8_t *to,
			  uint32_t *type);
	/* As in struct protocol; never NULL. */
	void (*seal)(struct packet *p, uint64_t now_ns);
};

#define TABLE_BLOCK_MAX  256u /* with the bytes that block() adds */
#define TABLE_BLOCK_ADDS 64u

int table_open(const struct protocol_conf *conf, void **state);
void table_make(void *state, uint32_t channel, enum packet_request request, uint64_t now_ns,
		struct packet *p);
void table_close(void *state);

/* Make the channel's next packet, with @p count data messages, or as many as fit. */
void table_make_data(void *state, uint32_t channel, uint32_t count, uint64_t now_ns,
		     struct packet *p);

/* Write a number as text. */
void table_text(uint64_t number, char *text);

#define TABLE_OPS .open = table_open, .make = table_make, .close = table_close
/* The addresses of the nth protocol that is a table. */
#define TABLE_LINES(n)                                                                             \
	.line = {{.src = 0xc000021f + (n),                                                         \
		  .group = 0xef400101 + ((n) << 16),                                               \
		  .src_port = 53000,                                                               \
		  .port = 31000 + 200 * (n)},                                                      \
		 {.src = 0xc633641f + (n),                                                         \
		  .group = 0xef400201 + ((n) << 16),                                               \
		  .src_port = 53000,                                                               \
		  .port = 31100 + 200 * (n)}}

#endif /* TABLE_H */

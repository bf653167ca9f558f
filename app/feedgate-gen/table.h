/* SPDX-License-Identifier: MIT */
/*
 * Protocols as tables: their messages in rows, with the places of what a reader
 * looks for; the rest of each message is random. What is peculiar to a protocol
 * (lengths, headers, checksums) is in a few functions of its own.
 */
#ifndef TABLE_H
#define TABLE_H

#include "protocol.h"
#include "rng.h"

/* A field in the message proper; no bytes: there is none. */
struct place {
	uint16_t at;
	uint8_t bytes;
};

enum row_instrument {
	ROW_NO_INSTRUMENT,
	ROW_NUMBER,
	ROW_SYMBOL,
};

/* What a message does to the order it names. */
enum row_does {
	ROW_NOTHING, /* a number that no other message has */
	ROW_ADDS,
	ROW_TOUCHES,
	ROW_ENDS,
	ROW_REPLACES, /* by the one at new_order */
};

struct row {
	uint32_t type;
	uint16_t bytes;     /* of the block, with what frames it */
	uint16_t weight;    /* of all rows' sum; 0: not among others */
	uint8_t instrument; /* enum row_instrument */
	uint8_t does;       /* enum row_does */
	uint8_t kinds;      /* 1 << (channel % 3), joined; 0: of every channel */
	bool unsequenced;   /* only in unsequenced packets */
	struct place id, symbol, order, new_order;
};

/* For a block to be made. */
struct table_block {
	const struct row *row;
	const struct packet_id *id;
	uint64_t number; /* the message's, or the packet's */
	struct rng *rng;
};

enum table_number {
	TABLE_NEXT,     /* the packet's number is the next message's, or it starts a session */
	TABLE_LAST,     /* the last one's */
	TABLE_CONSUMES, /* its own */
};

struct table {
	const struct row *rows;      /* the last has 0 bytes */
	const struct row *directory; /* its symbols are told first; NULL: it has none */
	bool big;                    /* byte order of numbers */
	char pad;                    /* behind symbols */
	bool per_packet;             /* numbers count packets */
	bool begins;                 /* the first packet of a channel is a reset */
	uint8_t messages_max;
	uint8_t session_bytes;    /* more than 8: digits */
	uint8_t heartbeat, reset; /* enum table_number; ends are taken as heartbeats */

	/* As an instrument's number in messages; NULL if none has. */
	uint64_t (*number)(uint32_t instrument);
	/* As the packets name the nth channel; NULL: they do not. */
	uint64_t (*channel)(uint32_t index);
	/* Give a random block of row->bytes its length and type; returns its bytes. */
	size_t (*block)(const struct table_block *b, uint8_t *to);
	/* The only block of a packet that is no data, or 0: it has none. */
	size_t (*control)(enum packet_control control, const struct packet_id *id, uint8_t *to,
			  uint32_t *type);
	/* As seal of struct protocol; always set. */
	void (*seal)(struct packet *p, uint64_t now_ns);
};

#define TABLE_BLOCK_MAX  256u /* with what a protocol's block() may add */
#define TABLE_BLOCK_ADDS 64u

int table_open(const struct protocol_conf *conf, void **state);
void table_make(void *state, uint32_t channel, enum packet_request request, uint64_t now_ns,
		struct packet *p);
void table_close(void *state);

/* A number as text, for struct protocol. */
void table_text(uint64_t number, char *text);

#define TABLE_OPS .open = table_open, .make = table_make, .close = table_close
/* The nth protocol that came with tables: its addresses. */
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

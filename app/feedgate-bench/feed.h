/* SPDX-License-Identifier: MIT */
/*
 * Parts of `feed`: packets to be filtered (feed_packets.c), those who filter them
 * (feed_subjects.c), and two lines to be arbitrated (feed_lines.c).
 */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_msg_filter.h>

#include "classify.h"

/* A packet's payload begins a cache line of a slot as large as an mbuf of a pool. */
#define SLOT_BYTES 2432u
/* Payloads are asked for so many packets ahead: into L2, and from there into L1. */
#define AHEAD 16u
#define NEAR  4u

struct stream {
	char name[48];
	const struct fg_protocol *protocol;
	uint8_t *slots;
	/* What is filtered, in this order, some packets several times. */
	struct turn {
		const uint8_t *payload;
		uint32_t bytes;
	} * turns;
	uint32_t n_packets, n_turns;
	uint64_t n_messages, n_entries; /* Of all turns. */
};

/* The payloads of later turns: all of each, ahead of time. */
static inline void turn_ask_ahead(const struct turn *turn)
{
	fg_msg_filter_prefetch(turn[AHEAD].payload, turn[AHEAD].bytes, false);
	fg_msg_filter_prefetch(turn[NEAR].payload, turn[NEAR].bytes, true);
}

enum stream_kind {
	STREAM_ITCH50, /* Stock locates 1 to instruments. */
	STREAM_MDP3,   /* Security ids that stream_security() gives. */
};

/*
 * @p n_packets packets, each of them @p orders times: in pool order if once, else shuffled anew
 * each time, lest the CPU learn by heart which branches come next.
 */
int stream_make(struct stream *stream, enum stream_kind kind, uint32_t instruments,
		uint32_t n_packets, uint32_t orders, int socket_id, struct fg_error *error);

/* Memory for packets that are visited in order, to be filled by whoever asks. */
int stream_take(struct stream *stream, uint32_t n_packets, uint32_t n_turns, int socket_id,
		struct fg_error *error);

void stream_free(struct stream *stream);

/* DPDK memory that streams of so many packets take, at most. */
uint64_t stream_bytes(uint32_t n_packets);

/* The number of instrument @p i. */
uint32_t stream_security(uint32_t i);

/* The types that filters want: the six of ITCH, or the incremental ones of MDP 3.0. */
const uint32_t *stream_types(enum stream_kind kind, uint32_t *count);

struct fg_arbiter;

/* One who goes over a stream. */
struct feeder {
	const char *name;
	/* One pass. @return messages wanted, or whatever must be the same in each. */
	uint64_t (*pass)(struct feeder *feeder, const struct stream *stream);
	bool answers;
	struct fg_msg_filter *filter; /* feedgate */
	struct fg_symbols *symbols;
	struct naive *naive;       /* naive */
	struct fg_arbiter **lines; /* Of each feed. */
	uint64_t sequence;         /* Numbers go on from pass to pass. */
	uint64_t now_ns;
	uint64_t answer; /* Of a pass. */
	double *ns;      /* [repeats], a packet. */
	uint32_t rounds; /* Passes of a measurement. */
};

int feeder_make_feedgate(struct feeder *feeder, const struct stream *stream, enum stream_kind kind,
			 uint32_t instruments, int socket_id, struct fg_error *error);
int feeder_make_naive(struct feeder *feeder, enum stream_kind kind, uint32_t instruments,
		      struct fg_error *error);
void feeder_make_touch(struct feeder *feeder);

#define LINES_FEEDS 96u

/* Two lines of LINES_FEEDS feeds, in turn: each number comes on one line, then on the other. */
int lines_make(struct stream *stream, int socket_id, struct fg_error *error);
/* Who reads headers, and who arbitrates as well. */
void feeder_make_headers(struct feeder *feeder);
int feeder_make_judge(struct feeder *feeder, int socket_id, struct fg_error *error);

void feeder_free(struct feeder *feeder);

#endif /* FEED_H */

/* SPDX-License-Identifier: MIT */
/*
 * Parts of `feed`: the packets (feed_packets.c), the subjects that filter them (feed_subjects.c),
 * and the arbitration of two lines (feed_lines.c).
 */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_msg_filter.h>

/* Each packet's payload begins a cache line, in a slot as large as an mbuf of a pool. */
#define SLOT_BYTES 2432u
/* Payloads are prefetched so many packets ahead: into L2, later into L1. */
#define AHEAD 16u
#define NEAR  4u

enum stream_kind {
	STREAM_ITCH50, /* Stock locates 1 to instruments. */
	STREAM_MDP3,   /* Security ids that stream_security() gives. */
};

/* Packets, and the order in which a pass visits them. */
struct stream {
	enum stream_kind kind; /* The caller sets these two. */
	int socket_id;
	const struct fg_protocol *protocol;
	uint8_t *slots;
	struct visit {
		const uint8_t *payload;
		uint32_t bytes;
	} * visits; /* [n_visits + AHEAD] */
	uint32_t n_packets, n_visits;
	uint64_t n_messages, n_entries; /* Of all visits. */
};

/* Prefetch the payloads of the visits that follow. */
static inline void visit_prefetch(const struct visit *visit)
{
	fg_msg_filter_prefetch(visit[AHEAD].payload, visit[AHEAD].bytes, false);
	fg_msg_filter_prefetch(visit[NEAR].payload, visit[NEAR].bytes, true);
}

/*
 * Make @p n_packets packets about @p instruments instruments, and @p orders visits of each. One
 * order is that of memory. Several are shuffled, so that the CPU cannot learn the branches. 0, or
 * -ENOMEM with @p error set; stream_free() in any case.
 */
int stream_make(struct stream *stream, uint32_t instruments, uint32_t n_packets, uint32_t orders,
		struct fg_error *error);

/* Two lines of LINES_FEEDS feeds, in turn: each number comes on one line, then on the other. */
int stream_make_lines(struct stream *stream, struct fg_error *error);
#define LINES_FEEDS 96u

/* Allocate packets and visits, for the caller to fill. 0, or -ENOMEM with @p error set. */
int stream_allocate(struct stream *stream, uint32_t n_packets, uint32_t n_visits,
		    struct fg_error *error);

void stream_free(struct stream *stream);

/* The most DPDK memory that a stream of @p n_packets packets takes. */
uint64_t stream_bytes(uint32_t n_packets);

/* The security id of instrument @p i. */
uint32_t stream_security(uint32_t i);

/* The message types that filters select: six of ITCH, or the incremental ones of MDP 3.0. */
const uint32_t *stream_types(enum stream_kind kind, uint32_t *count);

struct fg_arbiter;

/* A subject: it makes passes over a stream. */
struct feed_subject {
	const char *name;
	/* Make a pass. @return the number of messages that match, or of packets that pass. */
	uint64_t (*pass)(struct feed_subject *subject, const struct stream *stream);
	bool answers;                 /* The return value is checked. */
	struct fg_msg_filter *filter; /* feedgate */
	struct fg_symbols *symbols;
	struct naive *naive;          /* naive */
	struct fg_arbiter **arbiters; /* Of each feed. */
	uint64_t sequence;            /* Added to the numbers of a pass, for the next one. */
	uint64_t now_ns;
	uint64_t answer; /* Of each pass; 0: not known yet. */
	double *ns;      /* [repeats], per packet. */
	uint32_t rounds; /* Passes of a measurement. */
};

/* feedgate's message filter, which selects every second instrument, @p instruments of them. */
int feed_subject_make_feedgate(struct feed_subject *subject, const struct stream *stream,
			       uint32_t instruments, struct fg_error *error);
/* The same by a plain loop over the messages, as a first version of a program has it. */
int feed_subject_make_naive(struct feed_subject *subject, const struct stream *stream,
			    uint32_t instruments, struct fg_error *error);
/* Reads a byte of each cache line: the least that any filter can do. */
void feed_subject_make_touch(struct feed_subject *subject);

/* For stream_make_lines(): one that only reads headers, and one that arbitrates, too. */
void feed_subject_make_headers(struct feed_subject *subject);
int feed_subject_make_arbiter(struct feed_subject *subject, int socket_id, struct fg_error *error);

void feed_subject_free(struct feed_subject *subject);

#endif /* FEED_H */

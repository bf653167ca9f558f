/* SPDX-License-Identifier: MIT */
/*
 * Parts of the benchmark `feed`:
 *
 *   feed.c          measurements and results
 *   feed_cases.c    the cases
 *   feed_results.c  what is printed
 *   feed_packets.c  packets of ITCH 5.0 and MDP 3.0
 *   feed_tables.c   packets of the other protocols, by feedgate-gen's tables of messages
 *   feed_ring.c     the ring of mbufs from which every subject takes its bursts
 *   feed_stage.c    feedgate's feed stage
 *   feed_naive.c, feed_walk.c  plain loops
 */
#ifndef FEED_WORK_H
#define FEED_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include <fg_error.h>
#include <fg_feed.h>

#define FEEDS_MAX      96u /* as many as the US options feed has channels */
#define FEED_LINES_MAX 2u
#define MESSAGES_MAX   15u /* of a packet; they are 1 to this, all equally often */
#define PAYLOAD_OFF    42u /* of the UDP payload in a frame: Ethernet, IPv4, UDP */
#define PAYLOAD_MAX    1400u

/* Where packets are when a burst of them begins. */
enum feed_place { FEED_L2, FEED_L3, FEED_DRAM };

struct feed_case {
	char name[40];
	const struct fg_protocol *protocol;
	enum feed_place place;
	uint32_t feeds, lines;
	uint32_t instruments; /* in the packets, all equally often; half of them can be selected */
	uint32_t selected;    /* by the subscription */
};

/* The case number @p i. false: there are no more. */
bool feed_case_get(uint32_t i, struct feed_case *out);

/* A packet that a generator has made. */
struct made {
	uint8_t payload[PAYLOAD_MAX];
	uint32_t bytes, n_messages, n_entries;
	uint32_t n_matched; /* messages that the case's subscription matches; as the maker has it */
};

/*
 * Makes packets of a protocol. Instrument number i of the packets is selected by the subscription
 * if i is even and i / 2 < selected. open() returns 0, or -errno with @p error set.
 */
struct feed_maker {
	void *state;
	const struct feed_case *feed_case;
	void (*make)(struct feed_maker *maker, struct made *out);
	/* The text of an instrument in a subscription; at most 23 characters. */
	void (*text)(const struct feed_maker *maker, uint32_t instrument, char *text);
	void (*close)(struct feed_maker *maker);
	/* Offset of a checksum of 16 bits in the payload, the sum of all other bytes; 0: none. */
	uint16_t sum_at;
	const uint32_t *types; /* that the subscription selects; n_types 0: all */
	uint32_t n_types;
	/* Messages of an order do not name its instrument: which ones match depends on history. */
	bool by_order;
};

int feed_maker_open(struct feed_maker *maker, const struct feed_case *feed_case,
		    struct fg_error *error);
/* Its parts: ITCH 5.0, also as MoldUDP64 with any messages, and MDP 3.0; all others. */
bool feed_packets_has(const struct feed_case *feed_case);
int feed_packets_open(struct feed_maker *maker, struct fg_error *error);
int feed_tables_open(struct feed_maker *maker, struct fg_error *error);

/* The numbers of an instrument in ITCH 5.0 and MDP 3.0. */
static inline uint16_t feed_locate(uint32_t instrument)
{
	return (uint16_t)(1 + instrument);
}
uint32_t feed_security(uint32_t instrument);
/* Write the symbol of @p locate into an ITCH message whose type carries one. */
void feed_itch_symbol(uint8_t *message, uint16_t locate);

static inline bool feed_is_selected(const struct feed_case *feed_case, uint32_t instrument)
{
	return instrument % 2 == 0 && instrument / 2 < feed_case->selected;
}

/* A burst that is taken from the ring. */
struct feed_burst {
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint16_t count;
};

/* What bursts had in sum. */
struct feed_seen {
	uint64_t packets, messages, entries;
	uint64_t matched;              /* messages that the subscription matches */
	uint64_t first, first_matched; /* of packets that come first, not on the second line */
};

struct feed_ring;

/* Make a ring of about @p packets packets of @p maker. 0, or -errno with @p error set. */
int feed_ring_open(struct feed_ring **out, struct feed_maker *maker, uint32_t packets,
		   int socket_id, struct fg_error *error);
void feed_ring_close(struct feed_ring *ring);
/* Packets of a lap. */
uint32_t feed_ring_packets(const struct feed_ring *ring);

/* Begin a series of laps; @p next[FEEDS_MAX] has the sequence numbers that come next. */
void feed_ring_begin(struct feed_ring *ring, const uint64_t *next);
/* The next burst, stamped as by the rx loop; the filters are those of the feeds. Adds to @p seen.
 */
void feed_ring_take(struct feed_ring *ring, struct fg_msg_filter *const *filters, uint64_t now_ns,
		    struct feed_burst *burst, struct feed_seen *seen);
/* The burst was read: write the numbers of the packets that are half a lap ahead. */
void feed_ring_advance(struct feed_ring *ring);
/* After a series: the numbers that come next. */
void feed_ring_end(const struct feed_ring *ring, uint64_t *next);

struct naive;

/* A subject: it processes bursts. */
struct feed_subject {
	const char *name;
	void (*burst)(struct feed_subject *subject, const struct feed_burst *burst,
		      uint64_t now_ns);
	/* Check its answers since the last call; @p seen is of the same bursts, NULL: check
	 * nothing. */
	int (*check)(struct feed_subject *subject, const struct feed_seen *seen,
		     struct fg_error *error);
	void (*close)(struct feed_subject *subject);
	struct fg_msg_filter **filters; /* of each feed; NULL: none */
	void *state;
	uint64_t next[FEEDS_MAX];
	uint64_t now_ns;
	uint64_t answer;
	double *ns;                          /* [repeats], per packet */
	uint64_t packets, messages, entries; /* of the last measurement */
	uint32_t laps;
};

/* The feed stage, which arbitrates, or does not track; with @p selected instruments, 0: rules
 * without a subscription. 0, or -errno with @p error set. */
int feed_stage_open(struct feed_subject *subject, const struct feed_maker *maker, bool arbitrate,
		    uint32_t selected, int socket_id, struct fg_error *error);
/* What the subscription matches, found by a plain loop: ITCH 5.0, MDP 3.0. */
bool feed_naive_has(const struct feed_case *feed_case);
int feed_naive_open(struct feed_subject *subject, const struct feed_maker *maker,
		    struct fg_error *error);
/* From length to length, counting types: ITCH 5.0, OPRA. */
bool feed_walk_has(const struct feed_case *feed_case);
int feed_walk_open(struct feed_subject *subject, const struct feed_maker *maker,
		   struct fg_error *error);
/* Reads a byte of each cache line: the least that any filter can do. */
void feed_touch_open(struct feed_subject *subject);

#endif /* FEED_WORK_H */

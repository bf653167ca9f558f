/* SPDX-License-Identifier: MIT */
/*
 * A ring of packets in mbufs, as a NIC has them, of one or two lines. Packets come again and again;
 * on each lap their sequence numbers go on, and their order differs, so that the CPU cannot learn
 * the branches. The numbers of a packet are written half a lap before it is read, so that its cache
 * lines have left the near caches, as after a NIC wrote them.
 *
 * On the second line each packet is LAG packets later than on the first. The order of a lap differs
 * within its quarters only: so a packet was read, on both lines, before it is written again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include <fg_meta.h>
#include <fg_walk.h>

#include "classify_work.h"
#include "feed_work.h"

#define LAP_ORDERS   8u
#define LAG          32u /* packets of a line, at most */
#define FIRST_NUMBER 1000u

struct packet {
	struct rte_mbuf *m[FEED_LINES_MAX];
	uint64_t number; /* the first one, as written last */
	uint16_t bytes, n_messages, n_entries, n_matched;
	uint16_t numbers; /* how many it has */
	uint8_t feed;
};

struct feed_ring {
	const struct fg_protocol *protocol;
	struct rte_mempool *pool;
	struct packet *packets; /* [n] */
	uint32_t *orders;       /* [LAP_ORDERS][n] */
	uint32_t n, lag, lines;
	uint16_t sum_at;
	/* Positions since the beginning; `lines` of them for each packet. */
	uint64_t read, written;
	uint16_t taken;
	uint64_t next_written[FEEDS_MAX], next_read[FEEDS_MAX];
};

static struct packet *packet_at(const struct feed_ring *ring, uint64_t i)
{
	return &ring->packets[ring->orders[i / ring->n % LAP_ORDERS * ring->n + i % ring->n]];
}

/* The packet of a position, and whether it comes first or again, on the second line. */
static struct packet *packet_of(const struct feed_ring *ring, uint64_t position, uint32_t *turn)
{
	const uint64_t i = position / ring->lines;

	*turn = (uint32_t)(position % ring->lines);
	return packet_at(ring, *turn == 0 ? i : i - ring->lag);
}

/* @return by how much the sum of the bytes grows. */
static uint32_t put_number(const struct fg_header_shape *header, uint8_t *at, uint64_t number)
{
	const unsigned int bytes = header->sequence.bytes;
	uint32_t sum = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		const unsigned int byte = header->order == FG_ORDER_BIG ? bytes - 1 - i : i;
		uint8_t *to = &at[header->sequence.off + i];

		sum -= *to;
		*to = (uint8_t)(number >> 8 * byte);
		sum += *to;
	}
	return sum;
}

static void add_to_sum(uint8_t *at, uint32_t more)
{
	const uint32_t sum = ((uint32_t)at[0] << 8 | at[1]) + more;

	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

/* Where each message has a header and a number of its own, all are written. */
static void write_number(const struct feed_ring *ring, const struct packet *p, uint32_t turn)
{
	const struct fg_header_shape *header = &ring->protocol->header;
	const struct fg_walk_shape *walk = &ring->protocol->walk;
	uint8_t *payload = rte_pktmbuf_mtod_offset(p->m[turn], uint8_t *, PAYLOAD_OFF);
	uint8_t *at = payload;
	const uint32_t more = put_number(header, at, p->number);

	if (ring->sum_at != 0)
		add_to_sum(payload + ring->sum_at, more);
	for (uint32_t i = 1; header->units && i < p->n_messages; i++) {
		at += fg_field_load(walk->length, at, walk->order) + walk->length_bias;
		put_number(header, at, p->number + i);
	}
}

static void write_next(struct feed_ring *ring)
{
	uint32_t turn;
	struct packet *p = packet_of(ring, ring->written++, &turn);

	if (turn == 0) {
		p->number = ring->next_written[p->feed];
		ring->next_written[p->feed] += p->numbers;
	}
	write_number(ring, p, turn);
}

void feed_ring_begin(struct feed_ring *ring, const uint64_t *next)
{
	for (uint32_t i = 0; i < FEEDS_MAX; i++)
		ring->next_written[i] = next[i] != 0 ? next[i] : FIRST_NUMBER;
	/* The second line needs the numbers of some packets before the first one. */
	ring->written = (uint64_t)(2 * ring->n - ring->lag) * ring->lines;
	ring->read = (uint64_t)2 * ring->n * ring->lines;
	while (ring->written < ring->read + ring->n * ring->lines / 2)
		write_next(ring);
}

static inline void stamp(struct rte_mbuf *m, const struct packet *p, uint8_t line,
			 struct fg_msg_filter *filter, uint64_t now_ns)
{
	struct fg_meta *meta = fg_meta(m);

	meta->rx_ns = now_ns;
	meta->sinks = 1;
	meta->filter = filter;
	meta->rule_id = 1;
	meta->rules_version = 1;
	meta->wire_len = PAYLOAD_OFF + p->bytes;
	meta->payload_off = PAYLOAD_OFF;
	meta->payload_len = p->bytes;
	meta->feed = p->feed;
	meta->source = 0;
	meta->line = line;
	meta->flags = FG_META_DATAGRAM;
}

void feed_ring_take(struct feed_ring *ring, struct fg_msg_filter *const *filters, uint64_t now_ns,
		    struct feed_burst *burst, struct feed_seen *seen)
{
	const uint64_t lap = (uint64_t)ring->n * ring->lines;
	const uint64_t left = lap - ring->read % lap;

	burst->count = (uint16_t)RTE_MIN(left, FG_BURST_MAX);
	ring->taken = burst->count;
	for (uint16_t i = 0; i < burst->count; i++) {
		uint32_t turn;
		const struct packet *p = packet_of(ring, ring->read + i, &turn);

		burst->pkts[i] = p->m[turn];
		/* Of half of the feeds line B is the first one. */
		stamp(burst->pkts[i], p, (uint8_t)(1 + (turn ^ (p->feed & (ring->lines - 1)))),
		      filters != NULL ? filters[p->feed] : NULL, now_ns);
		seen->packets++;
		seen->messages += p->n_messages;
		seen->entries += p->n_entries;
		seen->matched += p->n_matched;
		if (turn == 0) {
			seen->first++;
			seen->first_matched += p->n_matched;
			ring->next_read[p->feed] = p->number + p->numbers;
		}
	}
}

void feed_ring_advance(struct feed_ring *ring)
{
	ring->read += ring->taken;
	for (uint16_t i = 0; i < ring->taken; i++)
		write_next(ring);
}

void feed_ring_end(const struct feed_ring *ring, uint64_t *next)
{
	memcpy(next, ring->next_read, sizeof(ring->next_read));
}

uint32_t feed_ring_packets(const struct feed_ring *ring)
{
	return ring->n * ring->lines;
}

static void make_orders(struct feed_ring *ring)
{
	struct rng rng = {.state = 1};

	for (uint32_t order = 0; order < LAP_ORDERS; order++) {
		uint32_t *at = &ring->orders[order * ring->n];

		for (uint32_t i = 0; i < ring->n; i++)
			at[i] = i;
		for (uint32_t quarter = 0; quarter < 4; quarter++, at += ring->n / 4)
			for (uint32_t i = ring->n / 4; i > 1; i--) {
				const uint32_t other = rng_below(&rng, i), swap = at[i - 1];

				at[i - 1] = at[other];
				at[other] = swap;
			}
	}
}

static int fill(struct feed_ring *ring, struct feed_maker *maker, struct fg_error *error)
{
	const bool by_messages = ring->protocol->header.counts == FG_COUNTS_MESSAGES;
	struct made made;

	for (uint32_t i = 0; i < ring->n; i++) {
		struct packet *p = &ring->packets[i];

		maker->make(maker, &made);
		p->feed = (uint8_t)(i % maker->feed_case->feeds);
		p->bytes = (uint16_t)made.bytes;
		p->n_messages = (uint16_t)made.n_messages;
		p->n_entries = (uint16_t)made.n_entries;
		p->n_matched = (uint16_t)made.n_matched;
		p->numbers = by_messages ? p->n_messages : 1;
		for (uint32_t line = 0; line < ring->lines; line++) {
			char *frame;

			p->m[line] = rte_pktmbuf_alloc(ring->pool);
			if (p->m[line] == NULL)
				return fg_error_set(error, ENOMEM, "no mbufs for %u packets",
						    ring->n * ring->lines);
			frame = rte_pktmbuf_append(p->m[line],
						   (uint16_t)(PAYLOAD_OFF + made.bytes));
			memset(frame, 0, PAYLOAD_OFF);
			memcpy(frame + PAYLOAD_OFF, made.payload, made.bytes);
		}
	}
	return 0;
}

int feed_ring_open(struct feed_ring **out, struct feed_maker *maker, uint32_t packets,
		   int socket_id, struct fg_error *error)
{
	const struct feed_case *feed_case = maker->feed_case;
	struct feed_ring *ring = calloc(1, sizeof(*ring));

	*out = ring;
	if (ring == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	ring->protocol = feed_case->protocol;
	ring->lines = feed_case->lines;
	ring->sum_at = maker->sum_at;
	ring->n = packets / ring->lines / 4 * 4;
	ring->lag = RTE_MIN(LAG, ring->n / 8);
	ring->packets = calloc(ring->n, sizeof(*ring->packets));
	ring->orders = calloc((size_t)LAP_ORDERS * ring->n, sizeof(*ring->orders));
	ring->pool = rte_pktmbuf_pool_create("feed-ring", ring->n * ring->lines, 0, FG_META_BYTES,
					     RTE_MBUF_DEFAULT_BUF_SIZE, socket_id);
	if (ring->packets == NULL || ring->orders == NULL || ring->pool == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u packets", packets);
	make_orders(ring);
	return fill(ring, maker, error);
}

void feed_ring_close(struct feed_ring *ring)
{
	if (ring == NULL)
		return;
	rte_mempool_free(ring->pool);
	free(ring->packets);
	free(ring->orders);
	free(ring);
}

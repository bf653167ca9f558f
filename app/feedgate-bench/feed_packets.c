/* SPDX-License-Identifier: MIT */
/* Packets of ITCH 5.0 and MDP 3.0 with a mix of messages as on a real day. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_malloc.h>

#include "classify_work.h"
#include "feed.h"

#define MESSAGES_MAX 15u
#define ENTRIES_MAX  5u

static void put_be16(uint8_t *at, uint32_t value)
{
	const uint16_t be = rte_cpu_to_be_16((uint16_t)value);

	memcpy(at, &be, sizeof(be));
}

static void put_be64(uint8_t *at, uint64_t value)
{
	const uint64_t be = rte_cpu_to_be_64(value);

	memcpy(at, &be, sizeof(be));
}

static void put_le16(uint8_t *at, uint32_t value)
{
	const uint16_t le = rte_cpu_to_le_16((uint16_t)value);

	memcpy(at, &le, sizeof(le));
}

static void put_le32(uint8_t *at, uint32_t value)
{
	const uint32_t le = rte_cpu_to_le_32(value);

	memcpy(at, &le, sizeof(le));
}

uint32_t stream_security(uint32_t i)
{
	return 100000 + i * 7;
}

const uint32_t *stream_types(enum stream_kind kind, uint32_t *count)
{
	static const uint32_t itch[] = {'A', 'F', 'E', 'D', 'U', 'P'};
	static const uint32_t mdp3[] = {37, 46, 47, 48, 49};

	*count = kind == STREAM_ITCH50 ? RTE_DIM(itch) : RTE_DIM(mdp3);
	return kind == STREAM_ITCH50 ? itch : mdp3;
}

/* Weights of 1000, about as on a real day. */
static const struct {
	char type;
	uint16_t bytes, weight;
} itch_mix[] = {{'A', 36, 430}, {'D', 19, 350}, {'U', 35, 90}, {'E', 31, 50},
		{'X', 23, 25},  {'F', 40, 20},  {'P', 44, 20}, {'C', 36, 8},
		{'I', 50, 4},   {'Y', 20, 2},   {'H', 25, 1}};

static uint32_t make_itch(struct rng *rng, uint32_t instruments, uint64_t number, uint8_t *payload,
			  struct stream *stream)
{
	const uint32_t count = 1 + rng_below(rng, MESSAGES_MAX);
	uint32_t bytes = 20;

	memcpy(payload, "FEEDBENCH ", 10);
	put_be64(payload + 10, number);
	put_be16(payload + 18, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t draw = rng_below(rng, 1000), row = 0;

		while (draw >= itch_mix[row].weight)
			draw -= itch_mix[row++].weight;
		put_be16(payload + bytes, itch_mix[row].bytes);
		payload[bytes + 2] = (uint8_t)itch_mix[row].type;
		put_be16(payload + bytes + 3, 1 + rng_below(rng, instruments));
		bytes += 2u + itch_mix[row].bytes;
	}
	stream->n_messages += count;
	stream->n_entries += count;
	return bytes;
}

/* Template, bytes of an entry, offset of the instrument in it, maximum of entries, weight. */
static const struct {
	uint16_t template, entry_bytes, off, max, weight;
} mdp3_mix[] = {{46, 32, 12, ENTRIES_MAX, 600},
		{47, 40, 28, ENTRIES_MAX, 200},
		{48, 32, 12, 1, 100},
		{49, 32, 12, 1, 50},
		{37, 16, 4, 2, 50}};

static uint32_t make_mdp3_message(struct rng *rng, uint32_t instruments, uint8_t *m,
				  struct stream *stream)
{
	uint32_t draw = rng_below(rng, 1000), row = 0, entries, orders, bytes = 21;

	while (draw >= mdp3_mix[row].weight)
		draw -= mdp3_mix[row++].weight;
	entries = 1 + rng_below(rng, mdp3_mix[row].max);
	put_le16(m + 2, 11);
	put_le16(m + 4, mdp3_mix[row].template);
	put_le16(m + 6, 1);
	put_le16(m + 8, 9);
	put_le16(m + bytes, mdp3_mix[row].entry_bytes);
	m[bytes + 2] = (uint8_t)entries;
	bytes += 3;
	for (uint32_t i = 0; i < entries; i++, bytes += mdp3_mix[row].entry_bytes)
		put_le32(m + bytes + mdp3_mix[row].off,
			 stream_security(rng_below(rng, instruments)));
	/* The order ids after the entries of a book. */
	if (mdp3_mix[row].template == 46) {
		orders = rng_below(rng, entries + 1);
		put_le16(m + bytes, 24);
		m[bytes + 7] = (uint8_t)orders;
		bytes += 8 + 24 * orders;
	}
	put_le16(m, bytes);
	stream->n_messages++;
	stream->n_entries += entries;
	return bytes;
}

static uint32_t make_mdp3(struct rng *rng, uint32_t instruments, uint64_t number, uint8_t *payload,
			  struct stream *stream)
{
	const uint32_t count = 1 + rng_below(rng, 3);
	uint32_t bytes = 12;

	put_le32(payload, (uint32_t)number);
	for (uint32_t i = 0; i < count; i++)
		bytes += make_mdp3_message(rng, instruments, payload + bytes, stream);
	return bytes;
}

/* One order is that of memory; several are shuffled. */
static void make_orders(struct stream *stream, struct rng *rng, const uint32_t *bytes,
			uint32_t orders)
{
	for (uint32_t order = 0; order < orders; order++) {
		struct visit *visits = &stream->visits[(size_t)order * stream->n_packets];

		for (uint32_t i = 0; i < stream->n_packets; i++)
			visits[i] =
				(struct visit){.payload = stream->slots + (size_t)i * SLOT_BYTES,
					       .bytes = bytes[i]};
		for (uint32_t i = stream->n_packets; orders > 1 && i > 1; i--) {
			const uint32_t other = rng_below(rng, i);
			const struct visit visit = visits[i - 1];

			visits[i - 1] = visits[other];
			visits[other] = visit;
		}
	}
}

uint64_t stream_bytes(uint32_t n_packets)
{
	return (uint64_t)n_packets * SLOT_BYTES + (1u << 20);
}

int stream_allocate(struct stream *stream, uint32_t n_packets, uint32_t n_visits,
		    struct fg_error *error)
{
	stream->n_packets = n_packets;
	stream->n_visits = n_visits;
	stream->slots = rte_zmalloc_socket(NULL, (size_t)n_packets * SLOT_BYTES,
					   RTE_CACHE_LINE_SIZE, stream->socket_id);
	/* The first visits are repeated at the end, to be prefetched there. */
	stream->visits = calloc((size_t)n_visits + AHEAD, sizeof(*stream->visits));
	return stream->slots != NULL && stream->visits != NULL
		       ? 0
		       : fg_error_set(error, ENOMEM, "no memory for %u packets", n_packets);
}

int stream_make(struct stream *stream, uint32_t instruments, uint32_t n_packets, uint32_t orders,
		struct fg_error *error)
{
	const bool itch50 = stream->kind == STREAM_ITCH50;
	struct rng rng = {.state = 1 + stream->kind};
	uint32_t *bytes = calloc(n_packets, sizeof(*bytes));
	int rc = stream_allocate(stream, n_packets, n_packets * orders, error);

	stream->protocol = fg_protocol_find(itch50 ? "itch50" : "cme_mdp3");
	if (rc == 0 && bytes == NULL)
		rc = fg_error_set(error, ENOMEM, "no memory for %u packets", n_packets);
	for (uint32_t i = 0; rc == 0 && i < n_packets; i++) {
		uint8_t *payload = stream->slots + (size_t)i * SLOT_BYTES;

		bytes[i] = itch50 ? make_itch(&rng, instruments, i, payload, stream)
				  : make_mdp3(&rng, instruments, i, payload, stream);
	}
	if (rc == 0) {
		make_orders(stream, &rng, bytes, orders);
		memcpy(&stream->visits[stream->n_visits], stream->visits,
		       AHEAD * sizeof(*stream->visits));
		stream->n_messages *= orders;
		stream->n_entries *= orders;
	}
	free(bytes);
	return rc;
}

void stream_free(struct stream *stream)
{
	rte_free(stream->slots);
	free(stream->visits);
	*stream = (struct stream){0};
}

/* SPDX-License-Identifier: MIT */
/* Packets of ITCH 5.0 and MDP 3.0 with a mix of messages as on a real day. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "classify_work.h"
#include "feed_work.h"

#define MDP3_MESSAGES_MAX 3u
#define ENTRIES_MAX       5u

struct mix {
	struct rng rng;
};

static void put_be16(uint8_t *at, uint32_t value)
{
	const uint16_t be = rte_cpu_to_be_16((uint16_t)value);

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

/* Security ids that have nothing in common but their range. */
uint32_t feed_security(uint32_t instrument)
{
	return 100000 + instrument * 7;
}

static const uint32_t itch_types[] = {'A', 'F', 'E', 'D', 'U', 'P'};
static const uint32_t mdp3_types[] = {37, 46, 47, 48, 49};

/* Weights of 1000, about as on a real day. */
static const struct {
	char type;
	uint16_t bytes, weight;
} itch_mix[] = {{'A', 36, 430}, {'D', 19, 350}, {'U', 35, 90}, {'E', 31, 50},
		{'X', 23, 25},  {'F', 40, 20},  {'P', 44, 20}, {'C', 36, 8},
		{'I', 50, 4},   {'Y', 20, 2},   {'H', 25, 1}};

/* The symbol that a locate stands for: messages that carry it agree. */
void feed_itch_symbol(uint8_t *message, uint16_t locate)
{
	static const struct {
		char type;
		uint8_t at;
	} fields[] = {{'A', 24}, {'F', 24}, {'P', 24}, {'I', 28}, {'Y', 11}, {'H', 11}};
	char text[9];

	snprintf(text, sizeof(text), "S%-7u", (unsigned int)locate);
	for (size_t i = 0; i < RTE_DIM(fields); i++)
		if (message[0] == (uint8_t)fields[i].type)
			memcpy(message + fields[i].at, text, 8);
}

static void make_itch(struct feed_maker *maker, struct made *out)
{
	struct rng *rng = &((struct mix *)maker->state)->rng;
	/* As MoldUDP64 with any messages they have no instruments. */
	const bool any =
		maker->feed_case->selected == 0 || maker->feed_case->protocol->messages->count == 0;
	const uint32_t count = 1 + rng_below(rng, MESSAGES_MAX);
	uint8_t *payload = out->payload;
	uint32_t bytes = 20;

	memset(out, 0, sizeof(*out));
	memcpy(payload, "FEEDBENCH ", 10);
	put_be16(payload + 18, count);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t instrument = rng_below(rng, maker->feed_case->instruments);
		uint32_t draw = rng_below(rng, 1000), row = 0;
		bool matched = any || feed_is_selected(maker->feed_case, instrument);

		while (draw >= itch_mix[row].weight)
			draw -= itch_mix[row++].weight;
		put_be16(payload + bytes, itch_mix[row].bytes);
		payload[bytes + 2] = (uint8_t)itch_mix[row].type;
		put_be16(payload + bytes + 3, feed_locate(instrument));
		for (uint32_t b = 0; b < 8; b++) /* the order */
			payload[bytes + 2 + 11 + b] = (uint8_t)rng_below(rng, 256);
		feed_itch_symbol(payload + bytes + 2, feed_locate(instrument));
		matched &= strchr("AFEDUP", itch_mix[row].type) != NULL;
		out->n_matched += matched;
		bytes += 2u + itch_mix[row].bytes;
	}
	out->bytes = bytes;
	out->n_messages = count;
	out->n_entries = count;
}

/* Template, bytes of an entry, offset of the instrument in it, maximum of entries, weight. */
static const struct {
	uint16_t template, entry_bytes, off, max, weight;
} mdp3_mix[] = {{46, 32, 12, ENTRIES_MAX, 600},
		{47, 40, 28, ENTRIES_MAX, 200},
		{48, 32, 12, 1, 100},
		{49, 32, 12, 1, 50},
		{37, 16, 4, 2, 50}};

/* @return bytes of the message @m. */
static uint32_t make_mdp3_message(struct feed_maker *maker, uint8_t *m, struct made *out)
{
	struct rng *rng = &((struct mix *)maker->state)->rng;
	uint32_t draw = rng_below(rng, 1000), row = 0, entries, orders, bytes = 21;
	bool matched = maker->feed_case->selected == 0;

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
	for (uint32_t i = 0; i < entries; i++, bytes += mdp3_mix[row].entry_bytes) {
		const uint32_t instrument = rng_below(rng, maker->feed_case->instruments);

		put_le32(m + bytes + mdp3_mix[row].off, feed_security(instrument));
		matched |= feed_is_selected(maker->feed_case, instrument);
	}
	/* The order ids after the entries of a book. */
	if (mdp3_mix[row].template == 46) {
		orders = rng_below(rng, entries + 1);
		put_le16(m + bytes, 24);
		m[bytes + 7] = (uint8_t)orders;
		bytes += 8 + 24 * orders;
	}
	put_le16(m, bytes);
	out->n_messages++;
	out->n_entries += entries;
	out->n_matched += matched;
	return bytes;
}

static void make_mdp3(struct feed_maker *maker, struct made *out)
{
	struct rng *rng = &((struct mix *)maker->state)->rng;
	const uint32_t count = 1 + rng_below(rng, MDP3_MESSAGES_MAX);

	memset(out, 0, sizeof(*out));
	out->bytes = 12;
	for (uint32_t i = 0; i < count; i++)
		out->bytes += make_mdp3_message(maker, out->payload + out->bytes, out);
}

static void text_itch(const struct feed_maker *maker, uint32_t instrument, char *text)
{
	(void)maker;
	sprintf(text, "%" PRIu32, feed_locate(instrument));
}

static void text_mdp3(const struct feed_maker *maker, uint32_t instrument, char *text)
{
	(void)maker;
	sprintf(text, "%" PRIu32, feed_security(instrument));
}

static void close_mix(struct feed_maker *maker)
{
	free(maker->state);
}

int feed_packets_open(struct feed_maker *maker, struct fg_error *error)
{
	struct mix *mix = calloc(1, sizeof(*mix));

	maker->close = close_mix;
	maker->state = mix;
	if (mix == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	mix->rng.state = 1;
	if (strcmp(maker->feed_case->protocol->name, "cme_mdp3") == 0) {
		maker->make = make_mdp3;
		maker->text = text_mdp3;
		maker->types = mdp3_types;
		maker->n_types = RTE_DIM(mdp3_types);
		return 0;
	}
	maker->make = make_itch;
	maker->text = text_itch;
	maker->types = itch_types;
	maker->n_types = RTE_DIM(itch_types);
	return 0;
}

bool feed_packets_has(const struct feed_case *feed_case)
{
	const char *name = feed_case->protocol->name;

	return strcmp(name, "itch50") == 0 || strcmp(name, "moldudp64") == 0 ||
	       strcmp(name, "cme_mdp3") == 0;
}

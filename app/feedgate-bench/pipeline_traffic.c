/* SPDX-License-Identifier: MIT */
/*
 * ITCH 5.0 in MoldUDP64 on 96 feeds of two lines: packets of 1 to 15 messages, 8 on average. This
 * is the mean of the US options feed's worst millisecond (23.7 M packets/s, 187 M messages/s).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "feed_work.h"
#include "groups.h"
#include "pipeline.h"

#define PACKETS      (PIPELINE_FEEDS * PIPELINE_ROUNDS) /* of a line */
#define LAG          64u                                /* packets by which line B is later */
#define INSTRUMENTS  8000u
#define MOLD_BYTES   20u
#define FIRST_NUMBER UINT64_C(1000000)
#define FRAME_MAX    (FRAME_HEADERS + MOLD_BYTES + MESSAGES_MAX * 52u)

/* Weights of 1000, and bytes. */
static const struct {
	char type;
	uint16_t weight;
	uint8_t bytes;
} mix[] = {{'A', 430, 36}, {'D', 350, 19}, {'U', 90, 35}, {'E', 50, 31}, {'X', 25, 23},
	   {'F', 20, 40},  {'P', 22, 44},  {'C', 8, 36},  {'I', 5, 50}};

static uint32_t hash(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(x >> 32);
}

static void put_be(uint8_t *at, uint64_t value, unsigned int bytes)
{
	while (bytes-- > 0) {
		at[bytes] = (uint8_t)value;
		value >>= 8;
	}
}

/* The number of messages of a feed's packet @p round. */
static uint32_t message_count(uint32_t feed, uint32_t round)
{
	return 1 + hash((uint64_t)feed << 32 | (round + 1)) % MESSAGES_MAX;
}

/* Sequence numbers of a feed before a round. */
static uint32_t numbers_before(uint32_t feed, uint32_t round)
{
	uint32_t n = 0;

	for (uint32_t r = 0; r < round; r++)
		n += message_count(feed, r);
	return n;
}

double pipeline_messages(void)
{
	uint32_t n = 0;

	for (uint32_t feed = 0; feed < PIPELINE_FEEDS; feed++)
		n += numbers_before(feed, PIPELINE_ROUNDS);
	return (double)n / PACKETS;
}

static uint32_t put_message(uint8_t *at, uint64_t seed)
{
	const uint16_t locate = (uint16_t)(1 + hash(~seed) % INSTRUMENTS);
	uint32_t draw = hash(seed) % 1000;
	size_t i = 0;

	while (draw >= mix[i].weight)
		draw -= mix[i++].weight;
	put_be(at, mix[i].bytes, 2);
	at[2] = (uint8_t)mix[i].type;
	put_be(at + 3, locate, 2);
	for (uint32_t b = 5; b < 2u + mix[i].bytes; b++)
		at[b] = (uint8_t)(seed + b);
	feed_itch_symbol(at + 2, locate);
	return 2u + mix[i].bytes;
}

/* The feed of packet @p i of a line: each round has all feeds of the share, in an order of its own.
 */
static uint32_t feed_of(uint32_t i, uint32_t share, uint32_t shares)
{
	const uint32_t feeds = PIPELINE_FEEDS / shares;

	return (i * 35 + i / feeds) % feeds * shares + share;
}

uint32_t pipeline_packet_count(uint32_t shares)
{
	return 2 * PACKETS / shares;
}

void pipeline_packet_make(struct pipeline_packet *p, uint32_t i, uint32_t share, uint32_t shares)
{
	const uint32_t lap = PACKETS / shares, line = i % 2, position = i / 2;
	/* The first packets of line B are the last ones of the lap before. */
	const bool before = line == 1 && position < LAG;
	const uint32_t at = line == 0 ? position : (position + lap - LAG) % lap;
	const uint32_t feed = feed_of(at, share, shares);
	const uint32_t round = at / (PIPELINE_FEEDS / shares);
	uint8_t body[FRAME_MAX];
	uint8_t *frame = rte_pktmbuf_mtod(p->m, uint8_t *);
	uint32_t bytes = MOLD_BYTES;

	p->advance = numbers_before(feed, PIPELINE_ROUNDS);
	p->first = FIRST_NUMBER + numbers_before(feed, round) - (before ? p->advance : 0);
	snprintf((char *)body, sizeof(body), "PIPELINE%05u", feed);
	put_be(body + 10, p->first, 8);
	put_be(body + 18, message_count(feed, round), 2);
	for (uint32_t m = 0; m < message_count(feed, round); m++)
		bytes += put_message(body + bytes, ((uint64_t)at << 8) + m);
	p->bytes = (uint16_t)(FRAME_HEADERS + bytes);
	frame_make_long(frame, p->bytes, at, group_address(feed + line * PIPELINE_FEEDS),
			group_port(feed));
	memcpy(frame + FRAME_HEADERS, body, bytes);
}

char *pipeline_feeds_text(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (uint32_t i = 0; i < PIPELINE_FEEDS; i++)
		fprintf(out,
			"- {name: f-%u, protocol: itch50, arbitrate: true, learn: false, channels: "
			"1}\n",
			i);
	return fclose(out) == 0 ? text : NULL;
}

char *pipeline_rules_text(enum pipeline_depth depth)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (uint32_t i = 0; i < 2 * PIPELINE_FEEDS; i++) {
		const struct in_addr group = {htonl(group_address(i))};
		char address[INET_ADDRSTRLEN];

		fprintf(out, "- {name: r-%u, match: {ipv4: {dst: %s}, udp: {dst: %u}}, ", i,
			inet_ntop(AF_INET, &group, address, sizeof(address)),
			group_port(i % PIPELINE_FEEDS));
		if (depth >= PIPELINE_ARBITRATE)
			fprintf(out, "feed: f-%u, line: %c, ", i % PIPELINE_FEEDS,
				i < PIPELINE_FEEDS ? 'A' : 'B');
		if (depth >= PIPELINE_FILTER) {
			fputs("messages: [A, F, E, C, X, D], instruments: [", out);
			for (uint32_t n = 1; n <= PIPELINE_INSTRUMENTS; n++)
				fprintf(out, "%u, ", n * (INSTRUMENTS / PIPELINE_INSTRUMENTS));
			fputs("], ", out);
		}
		fputs(depth == PIPELINE_RX ? "drop: true}\n" : "to: seen}\n", out);
	}
	return fclose(out) == 0 ? text : NULL;
}

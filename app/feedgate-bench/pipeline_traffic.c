/* SPDX-License-Identifier: MIT */
/*
 * ITCH 5.0 in MoldUDP64 on 96 feeds of two lines: packets of 1 to 15 messages, 8 on average. This
 * is the mean of the US options feed's worst millisecond (23.7 M packets/s, 187 M messages/s).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "pipeline.h"

#define PACKETS      (PIPELINE_FEEDS * PIPELINE_ROUNDS) /* of a line */
#define LAG          64u                                /* packets by which line B is later */
#define MESSAGES_MAX 15u
#define INSTRUMENTS  8000u
#define MOLD_BYTES   20u
#define FIRST_NUMBER UINT64_C(1000000)
#define FRAME_MAX    (FRAME_HEADERS + MOLD_BYTES + MESSAGES_MAX * 52u)

struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_bytes, link;
};

struct pcap_record {
	uint32_t seconds, nanoseconds, captured, bytes;
};

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
static uint32_t message_count(uint32_t round)
{
	return 1 + hash(round + 1) % MESSAGES_MAX;
}

uint64_t pipeline_numbers(void)
{
	uint64_t n = 0;

	for (uint32_t round = 0; round < PIPELINE_ROUNDS; round++)
		n += message_count(round);
	return n;
}

static uint32_t put_message(uint8_t *at, uint64_t seed)
{
	uint32_t draw = hash(seed) % 1000;
	size_t i = 0;

	while (draw >= mix[i].weight)
		draw -= mix[i++].weight;
	put_be(at, mix[i].bytes, 2);
	at[2] = (uint8_t)mix[i].type;
	put_be(at + 3, 1 + hash(~seed) % INSTRUMENTS, 2);
	for (uint32_t b = 5; b < 2u + mix[i].bytes; b++)
		at[b] = (uint8_t)(seed + b);
	return 2u + mix[i].bytes;
}

/* The feed of a line's packet @p i: each round has all feeds, in an order of its own. */
static uint32_t feed_of(uint32_t i)
{
	return (i * 35 + i / PIPELINE_FEEDS) % PIPELINE_FEEDS;
}

/* Make packet @p i of a line; the sequence numbers begin at @p first. @return its bytes. */
static uint32_t make_packet(uint8_t *frame, uint32_t i, unsigned int line, uint64_t first)
{
	const uint32_t round = i / PIPELINE_FEEDS, feed = feed_of(i);
	uint8_t body[FRAME_MAX];
	uint32_t bytes = MOLD_BYTES;

	for (uint32_t r = 0; r < round; r++)
		first += message_count(r);
	snprintf((char *)body, sizeof(body), "PIPELINE%05u", feed);
	put_be(body + 10, first, 8);
	put_be(body + 18, message_count(round), 2);
	for (uint32_t m = 0; m < message_count(round); m++)
		bytes += put_message(body + bytes, ((uint64_t)i << 8) + m);
	frame_make_long(frame, FRAME_HEADERS + bytes, i,
			group_address(feed + line * PIPELINE_FEEDS), group_port(feed));
	memcpy(frame + FRAME_HEADERS, body, bytes);
	return FRAME_HEADERS + bytes;
}

static void write_packets(FILE *file, uint32_t share, uint32_t shares)
{
	const struct pcap_header header = {
		.magic = 0xa1b23c4d, .major = 2, .minor = 4, .snap_bytes = 65535, .link = 1};
	const uint64_t numbers = pipeline_numbers();
	uint8_t frame[FRAME_MAX];

	fwrite(&header, sizeof(header), 1, file);
	for (uint32_t k = 0; k < 2 * PACKETS; k++) {
		const unsigned int line = k % 2;
		const uint32_t position = k / 2;
		/* The first packets of line B are the last ones of the repetition before. */
		const bool before = line == 1 && position < LAG;
		const uint32_t i = line == 0 ? position : (position + PACKETS - LAG) % PACKETS;
		struct pcap_record record = {.seconds = 1700000000, .nanoseconds = k * 20};

		if (feed_of(i) % shares != share)
			continue;
		record.bytes = make_packet(frame, i, line, FIRST_NUMBER - (before ? numbers : 0));
		record.captured = record.bytes;
		fwrite(&record, sizeof(record), 1, file);
		fwrite(frame, record.bytes, 1, file);
	}
}

int pipeline_capture_write(const char *path, uint32_t share, uint32_t shares,
			   struct fg_error *error)
{
	FILE *file = fopen(path, "we");
	int code = 0;

	if (file == NULL)
		return fg_error_set(error, errno, "%s: %s", path, strerror(errno));
	errno = 0;
	write_packets(file, share, shares);
	if (ferror(file) != 0)
		code = errno != 0 ? errno : EIO;
	if (fclose(file) != 0 && code == 0)
		code = errno;
	return code == 0 ? 0 : fg_error_set(error, code, "%s: %s", path, strerror(code));
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

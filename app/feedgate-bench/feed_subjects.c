/* SPDX-License-Identifier: MIT */
/*
 * Who filters: feedgate; a plain walk, as anybody writes it first; and who only
 * reads a byte of each cache line. All ask for payloads equally far ahead.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include <fg_arbiter.h>

#include "feed.h"

static uint64_t pass_feedgate(struct feeder *feeder, const struct stream *stream)
{
	struct fg_msg_filter *filter = feeder->filter;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < stream->n_turns; i++) {
		const struct turn *turn = &stream->turns[i];
		struct fg_msg_filter_result result;
		struct fg_feed_packet packet;

		turn_ask_ahead(turn);
		if (unlikely(fg_protocol_read(stream->protocol, turn->payload,
					      (uint16_t)turn->bytes, &packet) != 0))
			continue;
		fg_msg_filter_match(filter, turn->payload, &packet, &result);
		sum += result.n_matched;
	}
	return sum;
}

static uint64_t pass_touch(struct feeder *feeder, const struct stream *stream)
{
	uint64_t sum = 0;

	(void)feeder;
	for (uint32_t i = 0; i < stream->n_turns; i++) {
		const struct turn *turn = &stream->turns[i];

		turn_ask_ahead(turn);
		for (uint32_t off = 0; off < turn->bytes; off += RTE_CACHE_LINE_SIZE)
			sum += turn->payload[off];
	}
	return sum;
}

/* What the plain walk looks things up in. */
struct naive {
	bool types[65536];
	uint64_t locates[1024];
	uint32_t mask;
	uint32_t *ids; /* [mask + 1], open addressing */
};

static bool naive_has(const struct naive *naive, uint32_t id)
{
	uint32_t i = id * 2654435761u & naive->mask;

	while (naive->ids[i] != 0 && naive->ids[i] != id)
		i = (i + 1) & naive->mask;
	return naive->ids[i] == id;
}

static uint32_t naive_itch(const struct naive *naive, const uint8_t *payload, uint32_t bytes)
{
	const uint8_t *at = payload + 20, *end = payload + bytes;
	uint32_t wanted = 0;
	uint16_t count;

	if (bytes < 20)
		return 0;
	memcpy(&count, payload + 18, sizeof(count));
	count = rte_be_to_cpu_16(count);
	for (uint32_t i = 0; i < count && end - at >= 2; i++) {
		uint16_t length, locate;

		memcpy(&length, at, sizeof(length));
		length = rte_be_to_cpu_16(length);
		at += 2;
		if (length > end - at)
			break;
		if (length >= 3 && naive->types[at[0]]) {
			memcpy(&locate, at + 1, sizeof(locate));
			locate = rte_be_to_cpu_16(locate);
			if (locate == 0 || (naive->locates[locate / 64] >> locate % 64 & 1) != 0)
				wanted++;
		}
		at += length;
	}
	return wanted;
}

static uint64_t pass_naive_itch(struct feeder *feeder, const struct stream *stream)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < stream->n_turns; i++) {
		turn_ask_ahead(&stream->turns[i]);
		sum += naive_itch(feeder->naive, stream->turns[i].payload, stream->turns[i].bytes);
	}
	return sum;
}

static bool naive_entries(const struct naive *naive, const uint8_t *m, uint32_t size,
			  uint32_t template)
{
	const uint32_t off = template == 47 ? 28 : template == 37 ? 4 : 12;
	uint16_t root, stride;
	uint32_t at;

	memcpy(&root, m + 2, sizeof(root));
	at = 10u + rte_le_to_cpu_16(root);
	if (at + 3 > size)
		return false;
	memcpy(&stride, m + at, sizeof(stride));
	stride = rte_le_to_cpu_16(stride);
	for (uint32_t i = 0, entry = at + 3; i < m[at + 2] && entry + off + 4 <= size;
	     i++, entry += stride) {
		uint32_t id;

		memcpy(&id, m + entry + off, sizeof(id));
		if (naive_has(naive, rte_le_to_cpu_32(id)))
			return true;
	}
	return false;
}

static uint32_t naive_mdp3(const struct naive *naive, const uint8_t *payload, uint32_t bytes)
{
	const uint8_t *at = payload + 12, *end = payload + bytes;
	uint32_t wanted = 0;

	while (end - at >= 10) {
		uint16_t size, template;

		memcpy(&size, at, sizeof(size));
		memcpy(&template, at + 4, sizeof(template));
		size = rte_le_to_cpu_16(size);
		if (size < 10 || size > end - at)
			break;
		if (naive->types[rte_le_to_cpu_16(template)])
			wanted += naive_entries(naive, at, size, rte_le_to_cpu_16(template));
		at += size;
	}
	return wanted;
}

static uint64_t pass_naive_mdp3(struct feeder *feeder, const struct stream *stream)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < stream->n_turns; i++) {
		turn_ask_ahead(&stream->turns[i]);
		sum += naive_mdp3(feeder->naive, stream->turns[i].payload, stream->turns[i].bytes);
	}
	return sum;
}

/* Wanted are the first, third, fifth, ... instrument; as many as @p instruments says. */
static uint32_t wanted_number(enum stream_kind kind, uint32_t i)
{
	return kind == STREAM_ITCH50 ? 1 + 2 * i : stream_security(2 * i);
}

static int make_filter(struct feeder *feeder, const struct stream *stream, enum stream_kind kind,
		       const char *const *texts, uint32_t instruments, int socket_id,
		       struct fg_error *error)
{
	const struct fg_symbols_conf symbols = {.protocol = stream->protocol,
						.socket_id = socket_id};
	struct fg_msg_filter_conf conf = {.protocol = stream->protocol,
					  .instruments = texts,
					  .n_instruments = instruments,
					  .socket_id = socket_id};
	int rc = fg_symbols_create(&symbols, &feeder->symbols, error);

	conf.symbols = feeder->symbols;
	conf.types = stream_types(kind, &conf.n_types);
	if (rc == 0)
		rc = fg_msg_filter_create(&conf, &feeder->filter, error);
	return rc;
}

int feeder_make_feedgate(struct feeder *feeder, const struct stream *stream, enum stream_kind kind,
			 uint32_t instruments, int socket_id, struct fg_error *error)
{
	char(*digits)[16] = calloc(instruments, sizeof(*digits));
	const char **texts = calloc(instruments, sizeof(*texts));
	int rc;

	feeder->pass = pass_feedgate;
	feeder->answers = true;
	for (uint32_t i = 0; digits != NULL && texts != NULL && i < instruments; i++) {
		snprintf(digits[i], sizeof(*digits), "%u", wanted_number(kind, i));
		texts[i] = digits[i];
	}
	rc = digits == NULL || texts == NULL
		     ? fg_error_set(error, ENOMEM, "no memory for %u instruments", instruments)
		     : make_filter(feeder, stream, kind, texts, instruments, socket_id, error);
	free(texts);
	free(digits);
	return rc;
}

int feeder_make_naive(struct feeder *feeder, enum stream_kind kind, uint32_t instruments,
		      struct fg_error *error)
{
	struct naive *naive = calloc(1, sizeof(*naive));
	uint32_t n_types;
	const uint32_t *types = stream_types(kind, &n_types);

	feeder->pass = kind == STREAM_ITCH50 ? pass_naive_itch : pass_naive_mdp3;
	feeder->answers = true;
	feeder->naive = naive;
	if (naive == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the plain walk");
	naive->mask = rte_align32pow2(4 * instruments) - 1;
	naive->ids = calloc((size_t)naive->mask + 1, sizeof(*naive->ids));
	if (naive->ids == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the plain walk");
	for (uint32_t i = 0; i < n_types; i++)
		naive->types[types[i]] = true;
	for (uint32_t i = 0; i < instruments; i++) {
		const uint32_t number = wanted_number(kind, i);
		uint32_t at = number * 2654435761u & naive->mask;

		if (kind == STREAM_ITCH50)
			naive->locates[number / 64] |= UINT64_C(1) << number % 64;
		while (naive->ids[at] != 0)
			at = (at + 1) & naive->mask;
		naive->ids[at] = number;
	}
	return 0;
}

void feeder_make_touch(struct feeder *feeder)
{
	feeder->pass = pass_touch;
}

void feeder_free(struct feeder *feeder)
{
	for (uint32_t i = 0; feeder->lines != NULL && i < LINES_FEEDS; i++)
		fg_arbiter_free(feeder->lines[i]);
	free(feeder->lines);
	fg_msg_filter_free(feeder->filter);
	fg_symbols_free(feeder->symbols);
	if (feeder->naive != NULL)
		free(feeder->naive->ids);
	free(feeder->naive);
	*feeder = (struct feeder){0};
}

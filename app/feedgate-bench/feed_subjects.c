/* SPDX-License-Identifier: MIT */
/*
 * The subjects that filter messages: feedgate, and a plain loop; and `touch`, which only reads a
 * byte of each cache line. All prefetch payloads equally far ahead.
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

static uint64_t pass_filter(struct feed_subject *subject, const struct stream *stream)
{
	struct fg_msg_filter *filter = subject->filter;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < stream->n_visits; i++) {
		const struct visit *visit = &stream->visits[i];
		struct fg_msg_filter_result result;
		struct fg_feed_packet packet;

		visit_prefetch(visit);
		if (unlikely(fg_protocol_read(stream->protocol, visit->payload,
					      (uint16_t)visit->bytes, &packet) != 0))
			continue;
		fg_msg_filter_match(filter, visit->payload, &packet, &result);
		sum += result.n_matched;
	}
	return sum;
}

static uint64_t pass_touch(struct feed_subject *subject, const struct stream *stream)
{
	uint64_t sum = 0;

	(void)subject;
	for (uint32_t i = 0; i < stream->n_visits; i++) {
		const struct visit *visit = &stream->visits[i];

		visit_prefetch(visit);
		for (uint32_t off = 0; off < visit->bytes; off += RTE_CACHE_LINE_SIZE)
			sum += visit->payload[off];
	}
	return sum;
}

/* Types and instruments that the plain loop selects. */
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
	uint32_t matched = 0;
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
				matched++;
		}
		at += length;
	}
	return matched;
}

static uint64_t pass_naive_itch(struct feed_subject *subject, const struct stream *stream)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < stream->n_visits; i++) {
		visit_prefetch(&stream->visits[i]);
		sum += naive_itch(subject->naive, stream->visits[i].payload,
				  stream->visits[i].bytes);
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
	uint32_t matched = 0;

	while (end - at >= 10) {
		uint16_t size, template;

		memcpy(&size, at, sizeof(size));
		memcpy(&template, at + 4, sizeof(template));
		size = rte_le_to_cpu_16(size);
		if (size < 10 || size > end - at)
			break;
		if (naive->types[rte_le_to_cpu_16(template)])
			matched += naive_entries(naive, at, size, rte_le_to_cpu_16(template));
		at += size;
	}
	return matched;
}

static uint64_t pass_naive_mdp3(struct feed_subject *subject, const struct stream *stream)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < stream->n_visits; i++) {
		visit_prefetch(&stream->visits[i]);
		sum += naive_mdp3(subject->naive, stream->visits[i].payload,
				  stream->visits[i].bytes);
	}
	return sum;
}

/* The number of selected instrument @p i: every second instrument of the stream is selected. */
static uint32_t instrument_number(enum stream_kind kind, uint32_t i)
{
	return kind == STREAM_ITCH50 ? 1 + 2 * i : stream_security(2 * i);
}

static int make_filter(struct feed_subject *subject, const struct stream *stream,
		       const char *const *texts, uint32_t instruments, struct fg_error *error)
{
	const struct fg_symbols_conf symbols = {.protocol = stream->protocol,
						.socket_id = stream->socket_id};
	struct fg_msg_filter_conf conf = {.protocol = stream->protocol,
					  .instruments = texts,
					  .n_instruments = instruments,
					  .socket_id = stream->socket_id};
	int rc = fg_symbols_create(&symbols, &subject->symbols, error);

	conf.symbols = subject->symbols;
	conf.types = stream_types(stream->kind, &conf.n_types);
	if (rc == 0)
		rc = fg_msg_filter_create(&conf, &subject->filter, error);
	return rc;
}

int feed_subject_make_feedgate(struct feed_subject *subject, const struct stream *stream,
			       uint32_t instruments, struct fg_error *error)
{
	char(*digits)[16] = calloc(instruments, sizeof(*digits));
	const char **texts = calloc(instruments, sizeof(*texts));
	int rc;

	subject->pass = pass_filter;
	subject->answers = true;
	for (uint32_t i = 0; digits != NULL && texts != NULL && i < instruments; i++) {
		snprintf(digits[i], sizeof(*digits), "%u", instrument_number(stream->kind, i));
		texts[i] = digits[i];
	}
	rc = digits == NULL || texts == NULL
		     ? fg_error_set(error, ENOMEM, "no memory for %u instruments", instruments)
		     : make_filter(subject, stream, texts, instruments, error);
	free(texts);
	free(digits);
	return rc;
}

int feed_subject_make_naive(struct feed_subject *subject, const struct stream *stream,
			    uint32_t instruments, struct fg_error *error)
{
	const enum stream_kind kind = stream->kind;
	struct naive *naive = calloc(1, sizeof(*naive));
	uint32_t n_types;
	const uint32_t *types = stream_types(kind, &n_types);

	subject->pass = kind == STREAM_ITCH50 ? pass_naive_itch : pass_naive_mdp3;
	subject->answers = true;
	subject->naive = naive;
	if (naive == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the plain loop");
	naive->mask = rte_align32pow2(4 * instruments) - 1;
	naive->ids = calloc((size_t)naive->mask + 1, sizeof(*naive->ids));
	if (naive->ids == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the plain loop");
	for (uint32_t i = 0; i < n_types; i++)
		naive->types[types[i]] = true;
	for (uint32_t i = 0; i < instruments; i++) {
		const uint32_t number = instrument_number(kind, i);
		uint32_t at = number * 2654435761u & naive->mask;

		if (kind == STREAM_ITCH50)
			naive->locates[number / 64] |= UINT64_C(1) << number % 64;
		while (naive->ids[at] != 0)
			at = (at + 1) & naive->mask;
		naive->ids[at] = number;
	}
	return 0;
}

void feed_subject_make_touch(struct feed_subject *subject)
{
	subject->pass = pass_touch;
}

void feed_subject_free(struct feed_subject *subject)
{
	for (uint32_t i = 0; subject->arbiters != NULL && i < LINES_FEEDS; i++)
		fg_arbiter_free(subject->arbiters[i]);
	free(subject->arbiters);
	fg_msg_filter_free(subject->filter);
	fg_symbols_free(subject->symbols);
	if (subject->naive != NULL)
		free(subject->naive->ids);
	free(subject->naive);
	*subject = (struct feed_subject){0};
}

/* SPDX-License-Identifier: MIT */
/* Two lines of many feeds: the time that arbitration adds to reading the header. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include <fg_arbiter.h>

#include "feed.h"

#define ROUNDS    86u /* Over all feeds; an even number. */
#define PACKET_NS 100u
#define LEAD      16u /* Consecutive numbers that arrive first on the same line. */

int stream_make_lines(struct stream *stream, struct fg_error *error)
{
	const uint32_t count = LINES_FEEDS * ROUNDS;
	const int rc = stream_allocate(stream, count, count, error);

	stream->protocol = fg_protocol_find("itch50");
	for (uint32_t i = 0; rc == 0 && i < count + AHEAD; i++) {
		uint8_t *payload = stream->slots + (size_t)(i % count) * SLOT_BYTES;
		const uint64_t number_be = rte_cpu_to_be_64(i % count / (2 * LINES_FEEDS));

		memcpy(payload, "FEEDBENCH ", 10);
		memcpy(payload + 10, &number_be, sizeof(number_be));
		payload[19] = 1;
		payload[21] = 19;
		payload[22] = 'D';
		stream->visits[i] = (struct visit){.payload = payload, .bytes = 41};
	}
	return rc;
}

static __rte_always_inline uint64_t pass(struct feed_subject *subject, const struct stream *stream,
					 bool arbitrate)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < stream->n_visits; i++) {
		const struct visit *visit = &stream->visits[i];
		const uint32_t round = i / LINES_FEEDS, feed = i % LINES_FEEDS;
		struct fg_arbiter_result result;
		struct fg_feed_packet packet;

		visit_prefetch(visit);
		if (unlikely(fg_protocol_read(stream->protocol, visit->payload,
					      (uint16_t)visit->bytes, &packet) != 0))
			continue;
		packet.first += subject->sequence;
		subject->now_ns += PACKET_NS;
		if (!arbitrate) {
			sum += packet.first & 1;
			continue;
		}
		/* After LEAD numbers the other line is first. */
		fg_arbiter_arbitrate(subject->arbiters[feed],
				     (round ^ (uint32_t)(packet.first / LEAD)) & 1, subject->now_ns,
				     &packet, NULL, &result);
		sum += result.disposition == FG_ARBITER_PASS;
	}
	subject->sequence += ROUNDS / 2;
	return sum;
}

static uint64_t pass_headers(struct feed_subject *subject, const struct stream *stream)
{
	return pass(subject, stream, false);
}

static uint64_t pass_arbiter(struct feed_subject *subject, const struct stream *stream)
{
	return pass(subject, stream, true);
}

void feed_subject_make_headers(struct feed_subject *subject)
{
	subject->pass = pass_headers;
	subject->sequence = 1;
}

int feed_subject_make_arbiter(struct feed_subject *subject, int socket_id, struct fg_error *error)
{
	const struct fg_arbiter_conf conf = {.n_lines = 2, .socket_id = socket_id};
	int rc = 0;

	subject->pass = pass_arbiter;
	subject->sequence = 1;
	subject->now_ns = 1;
	subject->answer = LINES_FEEDS * ROUNDS / 2;
	subject->answers = true;
	subject->arbiters = calloc(LINES_FEEDS, sizeof(struct fg_arbiter *));
	if (subject->arbiters == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u feeds", LINES_FEEDS);
	for (uint32_t i = 0; rc == 0 && i < LINES_FEEDS; i++)
		rc = fg_arbiter_create(&conf, &subject->arbiters[i], error);
	return rc;
}

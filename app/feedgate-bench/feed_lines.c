/* SPDX-License-Identifier: MIT */
/* Two lines of many feeds, each number on both: what arbitration adds to reading the header. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include <fg_arbiter.h>

#include "feed.h"

#define ROUNDS    86u /* Over all feeds; an even number. */
#define PACKET_NS 100u
#define LEAD      16u /* Numbers in a row that one line brings first. */

int lines_make(struct stream *stream, int socket_id, struct fg_error *error)
{
	const uint32_t count = LINES_FEEDS * ROUNDS;
	const int rc = stream_take(stream, count, count, socket_id, error);

	stream->protocol = fg_protocol_find("itch50");
	for (uint32_t i = 0; rc == 0 && i < count + AHEAD; i++) {
		uint8_t *payload = stream->slots + (size_t)(i % count) * SLOT_BYTES;
		const uint64_t number_be = rte_cpu_to_be_64(i % count / (2 * LINES_FEEDS));

		memcpy(payload, "FEEDBENCH ", 10);
		memcpy(payload + 10, &number_be, sizeof(number_be));
		payload[19] = 1;
		payload[21] = 19;
		payload[22] = 'D';
		stream->turns[i] = (struct turn){.payload = payload, .bytes = 41};
	}
	return rc;
}

static __rte_always_inline uint64_t pass(struct feeder *feeder, const struct stream *stream,
					 bool judge)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < stream->n_turns; i++) {
		const struct turn *turn = &stream->turns[i];
		const uint32_t round = i / LINES_FEEDS, feed = i % LINES_FEEDS;
		struct fg_arbiter_result result;
		struct fg_feed_packet packet;

		turn_ask_ahead(turn);
		if (unlikely(fg_protocol_read(stream->protocol, turn->payload,
					      (uint16_t)turn->bytes, &packet) != 0))
			continue;
		packet.first += feeder->sequence;
		feeder->now_ns += PACKET_NS;
		if (!judge) {
			sum += packet.first & 1;
			continue;
		}
		/* Which line is first changes every so often. */
		fg_arbiter_arbitrate(feeder->lines[feed],
				     (round ^ (uint32_t)(packet.first / LEAD)) & 1, feeder->now_ns,
				     &packet, NULL, &result);
		sum += result.disposition == FG_ARBITER_PASS;
	}
	feeder->sequence += ROUNDS / 2;
	return sum;
}

static uint64_t pass_headers(struct feeder *feeder, const struct stream *stream)
{
	return pass(feeder, stream, false);
}

static uint64_t pass_judge(struct feeder *feeder, const struct stream *stream)
{
	return pass(feeder, stream, true);
}

void feeder_make_headers(struct feeder *feeder)
{
	feeder->pass = pass_headers;
	feeder->sequence = 1;
}

int feeder_make_judge(struct feeder *feeder, int socket_id, struct fg_error *error)
{
	const struct fg_arbiter_conf conf = {.n_lines = 2, .socket_id = socket_id};
	int rc = 0;

	feeder->pass = pass_judge;
	feeder->sequence = 1;
	feeder->now_ns = 1;
	feeder->answer = LINES_FEEDS * ROUNDS / 2;
	feeder->answers = true;
	feeder->lines = calloc(LINES_FEEDS, sizeof(struct fg_arbiter *));
	if (feeder->lines == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u feeds", LINES_FEEDS);
	for (uint32_t i = 0; rc == 0 && i < LINES_FEEDS; i++)
		rc = fg_arbiter_create(&conf, &feeder->lines[i], error);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "feed_loops.h"

static uint32_t touch(struct naive *naive, const uint8_t *payload, uint32_t bytes)
{
	uint32_t sum = 0;

	(void)naive;
	for (uint32_t off = 0; off < bytes; off += RTE_CACHE_LINE_SIZE)
		sum += payload[off];
	return sum;
}

static void burst_touch(struct feed_subject *subject, const struct feed_burst *burst,
			uint64_t now_ns)
{
	(void)now_ns;
	loop_each(burst, NULL, &subject->answer, touch);
}

/* @return messages; counts their types. */
static uint32_t walk_itch(struct naive *naive, const uint8_t *payload, uint32_t bytes)
{
	const uint8_t *at = payload + 20, *end = payload + bytes;
	uint32_t i = 0;

	for (const uint32_t count = load_be16(payload + 18); i < count && end - at > 2; i++) {
		naive->counts[at[2]]++;
		at += 2u + load_be16(at);
	}
	return i;
}

static uint32_t walk_opra(struct naive *naive, const uint8_t *payload, uint32_t bytes)
{
	static const uint8_t lengths[256] = {
		['C'] = 14, ['H'] = 12, ['R'] = 155, ['Y'] = 27, ['a'] = 43,
		['d'] = 30, ['f'] = 72, ['k'] = 43,  ['q'] = 29};
	static const uint8_t appendages[256] = {
		['M'] = 10, ['N'] = 10, ['P'] = 10, ['C'] = 10, ['G'] = 10, ['K'] = 10, ['O'] = 20};
	const uint8_t *at = payload + 21, *end = payload + bytes;
	uint32_t i = 0;

	for (const uint32_t count = payload[10]; i < count && end - at >= 12; i++) {
		const uint8_t type = at[1];

		naive->counts[type]++;
		if (type == 'k' || type == 'q')
			at += lengths[type] + appendages[at[3]];
		else if (type == 'C')
			at += lengths[type] + load_be16(at + 12);
		else if (type == 'Y' && at[2] == 'I')
			at += lengths[type] + 4;
		else
			at += lengths[type];
	}
	return i;
}

static void burst_walk_itch(struct feed_subject *subject, const struct feed_burst *burst,
			    uint64_t now_ns)
{
	(void)now_ns;
	loop_each(burst, subject->state, &subject->answer, walk_itch);
}

static void burst_walk_opra(struct feed_subject *subject, const struct feed_burst *burst,
			    uint64_t now_ns)
{
	(void)now_ns;
	loop_each(burst, subject->state, &subject->answer, walk_opra);
}

static int check_walked(struct feed_subject *subject, const struct feed_seen *seen,
			struct fg_error *error)
{
	return loop_check(subject, seen, seen != NULL ? seen->messages : 0, error);
}

int loop_check(struct feed_subject *subject, const struct feed_seen *seen, uint64_t expected,
	       struct fg_error *error)
{
	const struct naive *naive = subject->state;
	const uint64_t answer = subject->answer;

	subject->answer = 0;
	if (seen == NULL || answer == expected)
		return 0;
	return fg_error_set(error, EBADMSG,
			    "%s: %s: wrong answer: %" PRIu64 " messages, expected %" PRIu64,
			    naive->feed_case->name, subject->name, answer, expected);
}

static void close_naive(struct feed_subject *subject)
{
	struct naive *naive = subject->state;

	free(naive->ids);
	free(naive);
}

int loop_open(struct feed_subject *subject, const struct feed_maker *maker, struct fg_error *error)
{
	const uint32_t selected = maker->feed_case->selected;
	struct naive *naive = calloc(1, sizeof(*naive));

	if (naive == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the plain loop");
	subject->state = naive;
	subject->close = close_naive;
	naive->feed_case = maker->feed_case;
	naive->mask = rte_align32pow2(4 * RTE_MAX(selected, 1u)) - 1;
	naive->ids = calloc((size_t)naive->mask + 1, sizeof(*naive->ids));
	if (naive->ids == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the plain loop");
	for (uint32_t i = 0; i < maker->n_types; i++)
		naive->types[maker->types[i]] = true;
	return 0;
}

bool feed_walk_has(const struct feed_case *feed_case)
{
	return loop_is_of(feed_case, "itch50") || loop_is_of(feed_case, "opra");
}

int feed_walk_open(struct feed_subject *subject, const struct feed_maker *maker,
		   struct fg_error *error)
{
	subject->burst = loop_is_of(maker->feed_case, "itch50") ? burst_walk_itch : burst_walk_opra;
	subject->check = check_walked;
	return loop_open(subject, maker, error);
}

void feed_touch_open(struct feed_subject *subject)
{
	subject->burst = burst_touch;
}

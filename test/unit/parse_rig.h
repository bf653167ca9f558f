/* SPDX-License-Identifier: MIT */
/* For tests of parse: frames from hexadecimal text, packets of several segments, bursts of one. */
#ifndef PARSE_RIG_H
#define PARSE_RIG_H

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include <fg_parse.h>
#include <fg_stats.h>

#define FRAME_MAX 8192u

static struct rte_mempool *pool;

static inline uint32_t read_hex(const char *text, uint8_t *out)
{
	uint32_t length = 0;

	while (*text != '\0') {
		char *end = NULL;

		if (*text == ' ') {
			text++;
		} else if (*text == '{') {
			const unsigned long count = strtoul(text + 1, &end, 10);

			assert_true(*end == '}' && length + count <= FRAME_MAX);
			memset(out + length, 0xee, count);
			length += (uint32_t)count;
			text = end + 1;
		} else {
			const char digits[3] = {text[0], text[1], '\0'};

			out[length++] = (uint8_t)strtoul(digits, &end, 16);
			assert_true(end == digits + 2);
			text += 2;
		}
	}
	return length;
}

static inline struct rte_mbuf *append(struct rte_mbuf *head, const uint8_t *bytes, uint32_t length)
{
	struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);

	assert_non_null(segment);
	memcpy(rte_pktmbuf_append(segment, (uint16_t)length), bytes, length);
	if (head == NULL)
		return segment;
	assert_int_equal(rte_pktmbuf_chain(head, segment), 0);
	return head;
}

/* A packet whose first segments have the lengths given (0 ends them); one more takes the rest. */
static inline struct rte_mbuf *packet(const uint8_t *frame, uint32_t length, uint32_t first,
				      uint32_t second)
{
	struct rte_mbuf *pkt;

	first = RTE_MIN(first, length);
	second = RTE_MIN(second, length - first);
	pkt = append(NULL, frame, first);
	if (second != 0)
		pkt = append(pkt, frame + first, second);
	for (uint32_t at = first + second; at < length; at += 2000)
		pkt = append(pkt, frame + at, RTE_MIN(length - at, 2000u));
	return pkt;
}

/* Parse as a burst of one; the result is what was counted. */
static inline enum fg_drop parse_packet(const struct fg_parse *parse, struct rte_mbuf *pkt,
					struct fg_key *key)
{
	struct fg_lcore_stats *stats = fg_lcore_stats_alloc(-1);
	enum fg_drop result = FG_DROP_COUNT;
	uint16_t left;

	assert_non_null(stats);
	memset(key, 0x5a, sizeof(*key));
	left = fg_parse_burst(parse, &pkt, 1, key, stats);
	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		if (fg_counter_read(&stats->dropped[reason]) != 0) {
			assert_int_equal(result, FG_DROP_COUNT);
			assert_int_equal(fg_counter_read(&stats->dropped[reason]), 1);
			result = (enum fg_drop)reason;
		}
	assert_int_equal(left, result == FG_DROP_COUNT);
	if (left == 1)
		rte_pktmbuf_free(pkt);
	fg_lcore_stats_free(stats);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	return result;
}

#endif /* PARSE_RIG_H */

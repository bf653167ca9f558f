/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Private to parse: the general parser, which reads every shape of packet. The
 * fast one, for the shape that feeds have, is in fast.h.
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include <fg_parse.h>

/** A frame, as far as it is at hand. */
struct frame {
	const uint8_t *data;
	uint32_t length; /**< Bytes at data. */
	uint32_t total;  /**< Bytes of the whole frame; at least length. */
};

/**
 * What the general parser answers: a reason to drop, or one of these. BEYOND:
 * a header lies in the frame, but not in the part that is at hand.
 */
enum verdict {
	VERDICT_PASS = FG_DROP_COUNT,
	VERDICT_BEYOND,
};

/** Whether @p size bytes at @p offset are there: PASS, FG_DROP_truncated or BEYOND. */
static inline int frame_need(const struct frame *frame, uint32_t offset, uint32_t size)
{
	if (likely(offset + size <= frame->length))
		return VERDICT_PASS;
	return offset + size > frame->total ? (int)FG_DROP_truncated : (int)VERDICT_BEYOND;
}

static inline uint16_t read_be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/** Read any frame. @return a reason to drop, or enum verdict. */
int parse_general(const struct fg_parse *parse, const struct frame *frame, struct fg_key *key);

/**
 * Read the IP datagram at @p offset; all of @p key before protocol is filled.
 * @return a reason to drop, or enum verdict.
 */
int parse_ipv4(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
	       struct fg_key *key);
int parse_ipv6(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
	       struct fg_key *key);

#endif /* PARSE_H */

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Private to parse: the general parser, which reads packets of every shape and defines what a key
 * is. The fast parser for the usual shape is in fast.h.
 */
#ifndef PARSE_GENERAL_H
#define PARSE_GENERAL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include <fg_parse.h>

struct rte_mbuf;

/** A frame, or its contiguous beginning. */
struct frame {
	const uint8_t *data;
	uint32_t length; /**< Bytes at data. */
	uint32_t total;  /**< Bytes of the whole frame; at least length. */
};

/** Result of the general parser: an enum fg_drop, or one of these. */
enum parse_result {
	PARSE_OK = FG_DROP_COUNT,
	PARSE_BEYOND, /**< A header lies in the frame, but beyond frame.length. */
};

/** Are @p size bytes at @p offset available? @return PARSE_OK, FG_DROP_truncated or PARSE_BEYOND.
 */
static inline int frame_need(const struct frame *frame, uint32_t offset, uint32_t size)
{
	if (likely(offset + size <= frame->length))
		return PARSE_OK;
	return offset + size > frame->total ? (int)FG_DROP_truncated : (int)PARSE_BEYOND;
}

static inline uint16_t read_be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/** Read a packet, of one segment or several. @return a reason to drop, or PARSE_OK. */
int parse_any(const struct fg_parse *parse, const struct rte_mbuf *pkt, struct fg_key *key);

/** Read a frame. @return a reason to drop, or enum parse_result. */
int parse_general(const struct fg_parse *parse, const struct frame *frame, struct fg_key *key);

/**
 * Read the IP datagram at @p offset. The caller has filled the Ethernet fields of @p key.
 * @return a reason to drop, or enum parse_result.
 */
int parse_ipv4(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
	       struct fg_key *key);
int parse_ipv6(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
	       struct fg_key *key);

/** Length of an extension header of type @p protocol whose length field is @p length; 0: it is
 * none.
 */
uint32_t extension_bytes(unsigned int protocol, unsigned int length);

#endif /* PARSE_GENERAL_H */

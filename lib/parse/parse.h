/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Private to parse: the general parser, which reads every shape of packet, and
 * the fast one, which reads the shape that feeds have and leaves the others.
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

/** Bytes of Ethernet, IPv4 without options and UDP: what the fast parser reads. */
#define FAST_BYTES 42u

#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN

static inline uint32_t load32(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline uint64_t load64(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline void store64(struct fg_key *key, size_t offset, uint64_t word)
{
	memcpy((uint8_t *)key + offset, &word, sizeof(word));
}

/** First eight bytes of the fast parser's keys but payload_len: the same in all of a burst. */
static inline uint64_t fast_head(const struct fg_parse *parse)
{
	return 17u | 17u << 8 | (uint32_t)FG_FAMILY_IPV4 << 16 | (uint64_t)parse->source << 32 |
	       (uint64_t)parse->line << 40;
}

/**
 * Read a whole UDP datagram in IPv4 without options in Ethernet without tags:
 * few wide loads, one branch, and every byte of the key written in order. The
 * key is the one that parse_general() would write.
 *
 * @param data   At least FAST_BYTES.
 * @param total  Length of the frame, at least FAST_BYTES.
 * @return false for any other shape and for anything that looks wrong: then
 *         the general parser decides, and nothing is written.
 */
static inline bool fast_key(uint64_t head, const uint8_t *data, uint32_t total, struct fg_key *key)
{
	const uint64_t mac_mask = 0x0000ffffffffffff;
	/* EtherType 0x0800, version and IHL 0x45; no MF, no offset, protocol 17: as they lie. */
	const uint32_t shape = ((load32(data + 12) & 0x00ffffff) ^ 0x00450008) |
			       ((load32(data + 20) & 0xff00ff3f) ^ 0x11000000);
	const uint32_t ip_payload = (uint32_t)read_be16(data + 16) - 28;
	const uint32_t payload = (uint32_t)read_be16(data + 38) - 8;

	/* A length below its header's wraps to a huge number, so one comparison sees both ends. */
	if (unlikely((shape != 0) | (ip_payload > total - FAST_BYTES) | (payload > ip_payload)))
		return false;
	store64(key, 0, head | (uint64_t)payload << 48);
	store64(key, 8, load32(data + 34) | 0xffffffff00000000);
	store64(key, 16, load32(data + 26));
	store64(key, 24, 0);
	store64(key, 32, load32(data + 30));
	store64(key, 40, 0);
	store64(key, 48, (load64(data) & mac_mask) | (uint64_t)0x0008 << 48);
	store64(key, 56, (load64(data + 6) & mac_mask) | (uint64_t)FAST_BYTES << 48);
	return true;
}

#else

static inline uint64_t fast_head(const struct fg_parse *parse)
{
	(void)parse;
	return 0;
}

/* The fast parser composes words as a little-endian machine stores them. */
static inline bool fast_key(uint64_t head, const uint8_t *data, uint32_t total, struct fg_key *key)
{
	(void)head, (void)data, (void)total, (void)key;
	return false;
}

#endif

#endif /* PARSE_H */

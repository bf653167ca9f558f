/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Private to parse: the fast parser. It reads the shape of market data packets: Ethernet with at
 * most one VLAN tag, IPv4 without options, a whole UDP datagram. It leaves other shapes, and faulty
 * packets, to the general parser. The keys of both are the same.
 *
 * There are two variants: 8-byte words, for any little-endian machine, and 16-byte vectors, from
 * SSE4.2 on. fast_key is the better variant for ISA_WIDTH, the instruction set of the translation
 * unit. It does not depend on what else the compiler may use, so that a variant is the same in
 * every build.
 */
#ifndef PARSE_FAST_H
#define PARSE_FAST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_config.h>

/* A file compiled only once uses the baseline of every x86 that DPDK supports. */
#ifndef ISA_WIDTH
#ifdef RTE_ARCH_X86
#define ISA_WIDTH 1
#else
#define ISA_WIDTH 0
#endif
#endif

#if ISA_WIDTH >= 1
#include <immintrin.h>
#endif

#include <fg_parse.h>

#include "general.h"

/** Bytes that the fast parser reads: Ethernet, IPv4 without options, UDP. */
#define FAST_BYTES     42u
#define FAST_TAG_BYTES 4u /**< One VLAN tag. */

static_assert(offsetof(struct fg_key, payload_len) == 6 &&
		      offsetof(struct fg_key, src_port_be) == 8 &&
		      offsetof(struct fg_key, vlan_be) == 12 &&
		      offsetof(struct fg_key, src_ip) == 16 &&
		      offsetof(struct fg_key, dst_ip) == 32 &&
		      offsetof(struct fg_key, dst_mac) == 48 &&
		      offsetof(struct fg_key, ethertype_be) == 54 &&
		      offsetof(struct fg_key, src_mac) == 56 &&
		      offsetof(struct fg_key, payload_off) == 62,
	      "the fast parser writes keys by words and vectors");

#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN

static inline uint16_t load16(const uint8_t *bytes)
{
	uint16_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

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

/** First 16 bytes of a key without payload_len, ports and tag: the same in a whole burst. */
struct fast_head {
	uint64_t words[2];
} __attribute__((aligned(16)));

static inline struct fast_head fast_head(const struct fg_parse *parse)
{
	return (struct fast_head){{
		17u | 17u << 8 | (uint32_t)FG_FAMILY_IPV4 << 16 | (uint64_t)parse->source << 32 |
			(uint64_t)parse->line << 40,
		0xffffffff00000000, /* No tags. */
	}};
}

/** Is it one of the TPIDs, in network order, that the general parser accepts? */
static inline bool fast_is_tag(uint16_t tpid_be)
{
	return tpid_be == 0x0081 || tpid_be == 0xa888 || tpid_be == 0x0091;
}

/** Lengths of a datagram, as its headers state them. */
struct fast_lengths {
	uint32_t ip;  /**< IPv4 payload without the UDP header. */
	uint32_t udp; /**< UDP payload. */
};

static inline struct fast_lengths fast_read_lengths(const uint8_t *ip)
{
	return (struct fast_lengths){
		.ip = (uint32_t)read_be16(ip + 2) - 28,
		.udp = (uint32_t)read_be16(ip + 24) - 8,
	};
}

/**
 * Are the lengths valid in a frame with @p max bytes after the UDP header? A length below its
 * header's wraps to a huge number, so that one comparison checks both bounds.
 */
static inline bool fast_lengths_fit(struct fast_lengths lengths, uint32_t max)
{
	return likely(lengths.ip <= max) && likely(lengths.udp <= lengths.ip);
}

/**
 * Read a packet.
 *
 * @param head   From fast_head().
 * @param data   At least FAST_BYTES, and FAST_TAG_BYTES more with a tag.
 * @param total  Length of the frame; no less than that.
 * @param tag    0 or FAST_TAG_BYTES: the shape to read.
 * @return false if the packet has another shape; then nothing is written.
 */
static inline bool fast_key_words(const struct fast_head *head, const uint8_t *data, uint32_t total,
				  struct fg_key *key, const uint32_t tag)
{
	const uint64_t mac_mask = 0x0000ffffffffffff;
	const uint8_t *ip = data + 14 + tag;
	/* EtherType 0x0800, version and IHL 0x45, no MF, no offset, protocol 17, in network order.
	 */
	const uint32_t shape = ((load32(ip - 2) & 0x00ffffff) ^ 0x00450008) |
			       ((load32(ip + 6) & 0xff00ff3f) ^ 0x11000000);
	const struct fast_lengths lengths = fast_read_lengths(ip);
	const uint64_t vlan = tag != 0 ? load16(data + 14) & 0xff0f : FG_VLAN_NONE_BE;

	if (unlikely(shape != 0) || !fast_lengths_fit(lengths, total - FAST_BYTES - tag))
		return false;
	if (tag != 0 && !fast_is_tag(load16(data + 12)))
		return false;
	store64(key, 0, head->words[0] | (uint64_t)lengths.udp << 48);
	store64(key, 8, load32(ip + 20) | vlan << 32 | (uint64_t)FG_VLAN_NONE_BE << 48);
	store64(key, 16, load32(ip + 12));
	store64(key, 24, 0);
	store64(key, 32, load32(ip + 16));
	store64(key, 40, 0);
	store64(key, 48, (load64(data) & mac_mask) | (uint64_t)0x0008 << 48);
	store64(key, 56, (load64(data + 6) & mac_mask) | (uint64_t)(FAST_BYTES + tag) << 48);
	return true;
}

#if ISA_WIDTH >= 1

/** The same with 16-byte vectors: four for the key, shuffled from two of the packet. */
static inline bool fast_key_vector(const struct fast_head *head, const uint8_t *data,
				   uint32_t total, struct fg_key *key, const uint32_t tag)
{
	const uint8_t *ip = data + 14 + tag;
	/* The fields from the EtherType on that fast_key_words() checks. */
	const __m128i shape = _mm_setr_epi8(8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0);
	const __m128i shape_mask =
		_mm_setr_epi8(-1, -1, -1, 0, 0, 0, 0, 0, 0x3f, -1, 0, -1, 0, 0, 0, 0);
	/* Where the key has addresses and ports: bytes 12 to 23 from the IP header on. */
	const __m128i to_ports =
		_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 8, 9, 10, 11, -1, -1, -1, -1);
	const __m128i to_src =
		_mm_setr_epi8(0, 1, 2, 3, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
	const __m128i to_dst =
		_mm_setr_epi8(4, 5, 6, 7, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
	const __m128i to_macs = _mm_setr_epi8(0, 1, 2, 3, 4, 5, -1, -1, 6, 7, 8, 9, 10, 11, -1, -1);
	const __m128i link = _mm_loadu_si128((const __m128i *)data);
#if ISA_WIDTH >= 2
	const __m256i both =
		_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(ip + 12)));
	const __m128i ends = _mm256_castsi256_si128(both);
#else
	const __m128i ends = _mm_loadu_si128((const __m128i *)(ip + 12));
#endif
	const struct fast_lengths lengths = fast_read_lengths(ip);
	const __m128i differs = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(ip - 2)), shape);
	__m128i first, last;

	if (unlikely(!_mm_testz_si128(differs, shape_mask)))
		return false;
	if (!fast_lengths_fit(lengths, total - FAST_BYTES - tag))
		return false;
	if (tag != 0 && !fast_is_tag(load16(data + 12)))
		return false;
	first = _mm_or_si128(_mm_shuffle_epi8(ends, to_ports),
			     _mm_load_si128((const __m128i *)head));
	first = _mm_insert_epi16(first, (int)lengths.udp, 3);
	if (tag != 0)
		first = _mm_insert_epi16(first, load16(data + 14) & 0xff0f, 6);
	last = _mm_or_si128(
		_mm_shuffle_epi8(link, to_macs),
		_mm_set_epi64x((long long)(FAST_BYTES + tag) << 48, (long long)0x0008 << 48));
	_mm_storeu_si128((__m128i *)key, first);
#if ISA_WIDTH >= 2
	_mm256_storeu_si256((__m256i *)((uint8_t *)key + 16),
			    _mm256_shuffle_epi8(both, _mm256_set_m128i(to_dst, to_src)));
#else
	_mm_storeu_si128((__m128i *)key + 1, _mm_shuffle_epi8(ends, to_src));
	_mm_storeu_si128((__m128i *)key + 2, _mm_shuffle_epi8(ends, to_dst));
#endif
	_mm_storeu_si128((__m128i *)key + 3, last);
	return true;
}

#endif

#if ISA_WIDTH >= 1
#define fast_key fast_key_vector
#else
#define fast_key fast_key_words
#endif

#else

struct fast_head {
	uint64_t words[2];
};

static inline struct fast_head fast_head(const struct fg_parse *parse)
{
	(void)parse;
	return (struct fast_head){{0}};
}

/* Big-endian machines use the general parser only. */
static inline bool fast_key_words(const struct fast_head *head, const uint8_t *data, uint32_t total,
				  struct fg_key *key, const uint32_t tag)
{
	(void)head, (void)data, (void)total, (void)key, (void)tag;
	return false;
}

#define fast_key fast_key_words

#endif

#endif /* PARSE_FAST_H */

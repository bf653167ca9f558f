/* SPDX-License-Identifier: MIT */
#include "pcapng_block.h"

#include <string.h>

#include <fg_meta.h>

enum {
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0A0D0D0A,
};

enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_SHB_USERAPPL = 4,
	OPTION_IF_NAME = 2,
	OPTION_IF_TSRESOL = 9,
	OPTION_ISB_STARTTIME = 2,
	OPTION_ISB_IFRECV = 4,
	OPTION_ISB_IFDROP = 5,
	OPTION_ISB_FILTERACCEPT = 6,
	OPTION_ISB_USRDELIV = 8,
};

#define LINKTYPE_ETHERNET 1
#define PACKET_HEAD_BYTES 28u  /* up to the frame itself */
#define NAME_MAX_BYTES    255u /* of a source or rule; configuration allows 64 */
#define RULE_PREFIX       "rule="

static size_t padded(size_t length)
{
	return (length + 3u) & ~(size_t)3u;
}

static uint8_t *put_u16(uint8_t *at, unsigned int value)
{
	const uint16_t v = (uint16_t)value;

	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

/* A time: the upper half comes first in either byte order. */
static uint8_t *put_halves(uint8_t *at, uint64_t value)
{
	return put_u32(put_u32(at, (uint32_t)(value >> 32)), (uint32_t)value);
}

static uint8_t *put_padding(uint8_t *at, size_t length)
{
	const size_t zeros = padded(length) - length;

	memset(at, 0, zeros);
	return at + zeros;
}

static uint8_t *put_option(uint8_t *at, unsigned int code, const void *value, size_t length)
{
	at = put_u16(put_u16(at, code), (unsigned int)length);
	if (length > 0)
		memcpy(at, value, length);
	return put_padding(at + length, length);
}

static uint8_t *block_begin(uint8_t *block, uint32_t type)
{
	return put_u32(put_u32(block, type), 0);
}

/* The length is at both ends, so that readers can go backwards. */
static size_t block_end(uint8_t *block, uint8_t *at)
{
	const uint32_t total = (uint32_t)(at - block) + 4u;

	put_u32(block + 4, total);
	put_u32(at, total);
	return total;
}

size_t pcapng_section(uint8_t *out)
{
	static const char application[] = "feedgate " FG_VERSION;
	uint8_t *at = block_begin(out, BLOCK_SECTION);

	_Static_assert(sizeof(application) < 64, "fits PCAPNG_SECTION_MAX_BYTES");
	at = put_u32(at, 0x1A2B3C4D);    /* byte order magic */
	at = put_u16(put_u16(at, 1), 0); /* version 1.0 */
	at = put_halves(at, UINT64_MAX); /* section length: unknown */
	at = put_option(at, OPTION_SHB_USERAPPL, application, sizeof(application) - 1);
	at = put_option(at, OPTION_END, NULL, 0);
	return block_end(out, at);
}

size_t pcapng_interface(uint8_t *out, const char *name)
{
	static const uint8_t nanoseconds = 9;
	uint8_t *at = block_begin(out, BLOCK_INTERFACE);

	at = put_u16(put_u16(at, LINKTYPE_ETHERNET), 0);
	at = put_u32(at, 0); /* snaplen: no limit */
	at = put_option(at, OPTION_IF_NAME, name, strnlen(name, NAME_MAX_BYTES));
	at = put_option(at, OPTION_IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	at = put_option(at, OPTION_END, NULL, 0);
	return block_end(out, at);
}

size_t pcapng_packet_max(const struct rte_mbuf *mbuf, const char *rule)
{
	const size_t comment = strlen(RULE_PREFIX) + strnlen(rule, NAME_MAX_BYTES);

	return PACKET_HEAD_BYTES + padded(rte_pktmbuf_pkt_len(mbuf)) + 4 + padded(comment) + 4 + 4;
}

/* Copy all segments, but never more than pkt_len, for which there is room. */
static uint32_t put_frame(uint8_t *at, const struct rte_mbuf *mbuf)
{
	const uint32_t room = rte_pktmbuf_pkt_len(mbuf);
	uint32_t copied = 0;

	for (const struct rte_mbuf *seg = mbuf; seg != NULL; seg = seg->next) {
		const uint32_t bytes = RTE_MIN((uint32_t)rte_pktmbuf_data_len(seg), room - copied);

		memcpy(at + copied, rte_pktmbuf_mtod(seg, const void *), bytes);
		copied += bytes;
	}
	return copied;
}

size_t pcapng_packet(uint8_t *out, struct rte_mbuf *mbuf, const char *rule)
{
	const struct fg_meta *meta = fg_meta(mbuf);
	const uint32_t captured = put_frame(out + PACKET_HEAD_BYTES, mbuf);
	const size_t rule_bytes = strnlen(rule, NAME_MAX_BYTES);
	char comment[sizeof(RULE_PREFIX) + NAME_MAX_BYTES] = RULE_PREFIX;
	uint8_t *at = block_begin(out, BLOCK_PACKET);

	memcpy(comment + strlen(RULE_PREFIX), rule, rule_bytes);
	at = put_u32(at, meta->source);
	at = put_halves(at, meta->rx_ns);
	at = put_u32(at, captured);
	at = put_u32(at, RTE_MAX(meta->wire_len, captured));
	at = put_padding(at + captured, captured);
	at = put_option(at, OPTION_COMMENT, comment, strlen(RULE_PREFIX) + rule_bytes);
	at = put_option(at, OPTION_END, NULL, 0);
	return block_end(out, at);
}

size_t pcapng_statistics(uint8_t *out, uint32_t interface,
			 const struct pcapng_statistics *statistics)
{
	uint8_t *at = block_begin(out, BLOCK_STATISTICS);
	uint8_t begin[8];

	at = put_u32(at, interface);
	at = put_halves(at, statistics->time_ns);
	put_halves(begin, statistics->begin_ns);
	at = put_option(at, OPTION_ISB_STARTTIME, begin, sizeof(begin));
	if (statistics->has_received)
		at = put_option(at, OPTION_ISB_IFRECV, &statistics->received, 8);
	if (statistics->has_dropped)
		at = put_option(at, OPTION_ISB_IFDROP, &statistics->dropped, 8);
	at = put_option(at, OPTION_ISB_FILTERACCEPT, &statistics->accepted, 8);
	at = put_option(at, OPTION_ISB_USRDELIV, &statistics->delivered, 8);
	at = put_option(at, OPTION_END, NULL, 0);
	return block_end(out, at);
}

static uint32_t get_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

size_t pcapng_block_bytes(const uint8_t *block)
{
	return get_u32(block + 4);
}

bool pcapng_block_is_packet(const uint8_t *block, uint32_t *captured, uint8_t *interface)
{
	if (get_u32(block) != BLOCK_PACKET)
		return false;
	*interface = (uint8_t)get_u32(block + 8);
	*captured = get_u32(block + 20);
	return true;
}

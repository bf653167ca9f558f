/* SPDX-License-Identifier: MIT */
/*
 * Checksums (RFC 1071): the ones' complement sum of 16-bit words. It is the same in any byte order,
 * so words are added as they lie in memory, 8 bytes at a time.
 */
#include "checksum.h"

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_mbuf.h>

#include "general.h"

#define ETHERNET_BYTES  14u
#define TAG_BYTES       4u
#define IPV4_BYTES      20u
#define IPV4_BYTES_MAX  60u
#define IPV6_BYTES      40u
#define EXTENSION_BYTES 8u
#define GOOD_SUM        0xffffu /* Of words with their checksum among them. */

#define PROTOCOL_TCP         6u
#define PROTOCOL_UDP         17u
#define PROTOCOL_ROUTING     43u
#define PROTOCOL_DESTINATION 60u

#define OPTION_PAD1         0u
#define OPTION_HOME_ADDRESS 201u

/* UDP or TCP in a packet. */
struct transport {
	uint32_t offset;
	uint32_t size;
	uint16_t sum; /* Of the pseudo header. */
};

static inline uint64_t add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

static inline uint16_t fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & UINT32_MAX);
	sum = (sum >> 32) + (sum & UINT32_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	return (uint16_t)sum;
}

static inline uint64_t load_word(const uint8_t *bytes, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, bytes, size);
	return word;
}

static uint16_t sum_bytes(const uint8_t *bytes, uint32_t length)
{
	uint64_t even = 0, odd = 0;

	for (; length >= 16; length -= 16, bytes += 16) {
		even = add(even, load_word(bytes, 8));
		odd = add(odd, load_word(bytes + 8, 8));
	}
	even = add(even, odd);
	if ((length & 8) != 0) {
		even = add(even, load_word(bytes, 8));
		bytes += 8;
	}
	if ((length & 4) != 0) {
		even = add(even, load_word(bytes, 4));
		bytes += 4;
	}
	if ((length & 2) != 0) {
		even = add(even, load_word(bytes, 2));
		bytes += 2;
	}
	/* A last odd byte counts as if a zero byte followed. */
	return fold((length & 1) != 0 ? add(even, load_word(bytes, 1)) : even);
}

/* Bytes of the packet, from @buffer if they do not lie together. NULL: it is shorter. */
static const uint8_t *read_bytes(const struct checksum_packet *packet, uint32_t offset,
				 uint32_t size, uint8_t *buffer)
{
	if (likely(offset + size <= packet->length))
		return packet->data + offset;
	return packet->pkt != NULL ? rte_pktmbuf_read(packet->pkt, offset, size, buffer) : NULL;
}

/* Are all these bytes there? */
static bool has_range(const struct checksum_packet *packet, uint32_t offset, uint32_t size)
{
	return offset + size <= packet->length || packet->pkt != NULL;
}

/*
 * Over several segments. Those that begin at an odd byte have their words swapped. (DPDK 22.11's
 * rte_raw_cksum_mbuf() loses a carry there.)
 */
static uint16_t sum_segments(const struct rte_mbuf *segment, uint32_t offset, uint32_t size)
{
	uint64_t sum = 0;
	bool odd = false;

	for (; size > 0 && segment != NULL; segment = segment->next) {
		const uint32_t length = rte_pktmbuf_data_len(segment);
		uint32_t part;
		uint16_t words;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		part = RTE_MIN(length - offset, size);
		words = sum_bytes(rte_pktmbuf_mtod_offset(segment, const uint8_t *, offset), part);
		sum += odd ? rte_bswap16(words) : words;
		odd = odd != ((part & 1) != 0);
		size -= part;
		offset = 0;
	}
	return fold(sum);
}

static uint16_t sum_range(const struct checksum_packet *packet, uint32_t offset, uint32_t size)
{
	if (likely(offset + size <= packet->length))
		return sum_bytes(packet->data + offset, size);
	return sum_segments(packet->pkt, offset, size);
}

static bool ipv4_is_good(const struct checksum_packet *packet, const struct fg_key *key,
			 uint32_t offset, struct transport *transport)
{
	uint8_t buffer[IPV4_BYTES_MAX];
	const uint8_t *ip = read_bytes(packet, offset, IPV4_BYTES, buffer);
	uint32_t header;

	if (ip == NULL) /* Cannot be: the parser has read it. */
		return false;
	header = (ip[0] & 0x0f) * 4u;
	transport->offset = offset + header;
	transport->size = read_be16(ip + 2) - header;
	transport->sum =
		fold(load_word(key->src_ip, 4) + load_word(key->dst_ip, 4)); /* Not its length. */
	return !has_range(packet, offset, header) || sum_range(packet, offset, header) == GOOD_SUM;
}

/* Is a Home Address option among the @size bytes of a Destination Options header? */
static bool has_home_address(const uint8_t *header, uint32_t size)
{
	for (uint32_t at = 2; at + 1 < size;) {
		if (header[at] == OPTION_HOME_ADDRESS)
			return true;
		at += header[at] == OPTION_PAD1 ? 1 : 2u + header[at + 1];
	}
	return false;
}

/* Does an extension header of type @protocol replace an address in the pseudo header? */
static bool replaces_address(unsigned int protocol, const uint8_t *header, uint32_t size)
{
	return (protocol == PROTOCOL_ROUTING && header[3] != 0) ||
	       (protocol == PROTOCOL_DESTINATION && has_home_address(header, size));
}

/* Find UDP or TCP. The parser has found all headers right. false: its checksum cannot be checked.
 */
static bool ipv6_find(const struct checksum_packet *packet, const struct fg_key *key,
		      uint32_t offset, struct transport *transport)
{
	uint8_t buffer[FG_PARSE_LINEAR_MAX];
	const uint8_t *ip = read_bytes(packet, offset, IPV6_BYTES, buffer);
	unsigned int protocol;
	uint32_t end, size;

	if (ip == NULL)
		return false;
	protocol = ip[6];
	end = offset + IPV6_BYTES + read_be16(ip + 4);
	offset += IPV6_BYTES;
	while (extension_bytes(protocol, 0) != 0) {
		const uint8_t *header = read_bytes(packet, offset, EXTENSION_BYTES, buffer);

		if (header == NULL)
			return false;
		size = extension_bytes(protocol, header[1]);
		header = size <= sizeof(buffer) ? read_bytes(packet, offset, size, buffer) : NULL;
		if (header == NULL || replaces_address(protocol, header, size))
			return false;
		protocol = header[0];
		offset += size;
	}
	transport->offset = offset;
	transport->size = end - offset;
	transport->sum = fold(add(add(load_word(key->src_ip, 8), load_word(key->src_ip + 8, 8)),
				  add(load_word(key->dst_ip, 8), load_word(key->dst_ip + 8, 8))));
	return true;
}

/* Is the checksum of UDP or TCP right? */
static bool transport_is_good(const struct fg_parse *parse, const struct checksum_packet *packet,
			      const struct fg_key *key, const struct transport *transport)
{
	const bool udp = key->l4 == PROTOCOL_UDP;
	uint8_t buffer[18];
	const uint8_t *header =
		read_bytes(packet, transport->offset, udp ? 8 : sizeof(buffer), buffer);
	uint32_t size = transport->size;
	uint16_t checksum, pseudo;

	if (header == NULL)
		return true;
	if (udp)
		size = read_be16(header + 4);
	if (!has_range(packet, transport->offset, size))
		return true;
	checksum = (uint16_t)load_word(header + (udp ? 6 : 16), 2);
	if (udp && checksum == 0)
		return key->family == FG_FAMILY_IPV4; /* None; IPv6 requires one (RFC 8200). */
	pseudo = fold((uint64_t)transport->sum + rte_cpu_to_be_16((uint16_t)size) +
		      rte_cpu_to_be_16(key->l4));
	if (parse->uncomputed && checksum == pseudo)
		return true;
	return fold((uint64_t)pseudo + sum_range(packet, transport->offset, size)) == GOOD_SUM;
}

static uint32_t ip_offset(const struct fg_key *key)
{
	uint32_t offset = ETHERNET_BYTES;

	for (unsigned int i = 0; i < FG_PARSE_VLANS_MAX; i++)
		offset += key->vlan_be[i] != FG_VLAN_NONE_BE ? TAG_BYTES : 0;
	return offset;
}

bool checksum_is_good(const struct fg_parse *parse, const struct checksum_packet *packet,
		      const struct fg_key *key)
{
	const uint64_t flags = packet->pkt != NULL ? packet->pkt->ol_flags : 0;
	struct transport transport = {0};

	if (key->family == FG_FAMILY_IPV4) {
		if (!ipv4_is_good(packet, key, ip_offset(key), &transport) &&
		    (flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) != RTE_MBUF_F_RX_IP_CKSUM_NONE)
			return false;
	} else if (key->family != FG_FAMILY_IPV6 || key->l4 == 0 ||
		   !ipv6_find(packet, key, ip_offset(key), &transport)) {
		return true;
	}
	if (key->l4 == 0 || (key->flags & FG_KEY_FRAGMENT) != 0 ||
	    (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return true;
	return transport_is_good(parse, packet, key, &transport);
}

/*
 * Has the NIC found a bad checksum? Some report a UDP checksum of 0, which is none, and those of
 * fragments, which cannot be right.
 */
static bool nic_accepts(const struct rte_mbuf *pkt, const struct fg_key *key)
{
	uint8_t buffer[2];
	const uint8_t *checksum;

	if (key->family == FG_FAMILY_IPV4 &&
	    (pkt->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD)
		return false;
	if ((pkt->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) != RTE_MBUF_F_RX_L4_CKSUM_BAD ||
	    key->l4 == 0 || (key->flags & FG_KEY_FRAGMENT) != 0)
		return true;
	if (key->l4 != PROTOCOL_UDP || key->family != FG_FAMILY_IPV4)
		return false;
	checksum = rte_pktmbuf_read(pkt, key->payload_off - 2u, sizeof(buffer), buffer);
	return checksum != NULL && load_word(checksum, 2) == 0;
}

static bool is_accepted(const struct fg_parse *parse, const struct rte_mbuf *pkt,
			const struct fg_key *key)
{
	const struct checksum_packet packet = {
		.data = rte_pktmbuf_mtod(pkt, const uint8_t *),
		.length = RTE_MIN(rte_pktmbuf_data_len(pkt), rte_pktmbuf_pkt_len(pkt)),
		.pkt = pkt,
	};

	if (parse->conf.checksums == FG_CHECKSUMS_NIC)
		return nic_accepts(pkt, key);
	return checksum_is_good(parse, &packet, key);
}

uint16_t checksum_check_burst(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			      struct fg_key *keys, struct drops *drops)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (unlikely(!is_accepted(parse, pkts[i], &keys[i]))) {
			drops_add(drops, pkts[i], FG_DROP_bad_checksum);
			continue;
		}
		if (kept != i) {
			pkts[kept] = pkts[i];
			keys[kept] = keys[i];
		}
		kept++;
	}
	return kept;
}

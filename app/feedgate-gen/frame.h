/* SPDX-License-Identifier: MIT */
/*
 * Ethernet frames, built from front to back: frame_begin(), an IP header, extension headers if
 * any, then UDP, TCP or raw bytes, then frame_end(), which sets the IP length and the header
 * checksum and pads the frame to the Ethernet minimum.
 *
 * IPv4 addresses and ports are numbers in host byte order. IPv6 and MAC addresses are bytes as on
 * the wire. Callers limit payloads to FRAME_PAYLOAD_MAX bytes, so that a frame fits in FRAME_MAX.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX         2048u
#define FRAME_PAYLOAD_MAX 1900u
#define FRAME_MIN         60u /* without the FCS, which captures do not contain */

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_QINQ 0x88a8

#define IP_PROTOCOL_ICMP   1
#define IP_PROTOCOL_IGMP   2
#define IP_PROTOCOL_TCP    6
#define IP_PROTOCOL_UDP    17
#define IP_PROTOCOL_ICMPV6 58

#define IPV4_DF 0x4000
#define IPV4_MF 0x2000

struct frame {
	uint32_t len;         /* on the wire */
	uint32_t cap_len;     /* in the file; less than len where a snap length cut it */
	uint32_t l3_off;      /* IP header, 0 if none */
	uint32_t l4_off;      /* what follows the IP headers */
	uint64_t address_sum; /* of both IP addresses, for the checksum of the pseudo header */
	uint8_t data[FRAME_MAX];
};

struct ipv4 {
	uint32_t src, dst;
	uint16_t id;
	uint16_t fragment; /* IPV4_DF, IPV4_MF, offset in units of 8 bytes */
	uint8_t ttl, protocol;
	const uint8_t *options;
	uint8_t options_len; /* a multiple of 4 */
};

struct ipv6 {
	const uint8_t *src, *dst; /* 16 bytes each */
	uint8_t hop_limit, next_header;
};

struct udp {
	uint16_t src_port, dst_port;
	const void *payload;
	size_t bytes; /* of the payload */
};

struct tcp {
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags;
};

/* The destination of unicast frames, and the source of the frames of a line. */
void frame_host_mac(uint8_t *mac);
void frame_line_mac(uint8_t *mac, unsigned int line);
/* 01:00:5e... for a multicast group, else frame_host_mac(). */
void frame_mac_ipv4(uint8_t *mac, uint32_t dst);
/* 33:33:... for a multicast group, else frame_host_mac(). */
void frame_mac_ipv6(uint8_t *mac, const uint8_t *dst);

void frame_begin(struct frame *f, const uint8_t *dst, const uint8_t *src, uint16_t ethertype);
void frame_ipv4(struct frame *f, const struct ipv4 *ip);
void frame_ipv6(struct frame *f, const struct ipv6 *ip);
/* Append n bytes, zeros if data is NULL. Returns their place in the frame. */
uint8_t *frame_append(struct frame *f, const void *data, size_t n);
void frame_udp(struct frame *f, const struct udp *udp);
void frame_tcp(struct frame *f, const struct tcp *tcp, const void *payload, size_t n);
/* Write the checksum of the bytes from l4_off on to l4_off + at, without pseudo header. */
void frame_checksum(struct frame *f, size_t at);
/* The same with the pseudo header of an IP protocol. */
void frame_checksum_pseudo(struct frame *f, size_t at, uint8_t protocol);
void frame_end(struct frame *f);

/* Set the IPv4 total length to a wrong value, with a right header checksum. */
void frame_ipv4_lie(struct frame *f, uint16_t total_len);
/* Insert a VLAN tag before the ethertype; the last one is the outermost. */
void frame_push_tag(struct frame *f, uint16_t tpid, uint16_t tci);

/* Make a whole frame of a UDP datagram over IPv4, as a line sends it. */
void frame_udp_ipv4(struct frame *f, unsigned int line, const struct ipv4 *ip,
		    const struct udp *udp);

#endif /* FRAME_H */

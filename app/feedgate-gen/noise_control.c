/* SPDX-License-Identifier: MIT */
/* Control protocols: ARP, ICMP, IGMP, spanning tree. */
#include <string.h>

#include "bytes.h"
#include "noise.h"
#include "protocol.h"

#define GATEWAY_HOST 254u

static uint32_t address(const struct noise *n, uint32_t host)
{
	return UINT32_C(0x0a140000) + (n->line << 8) + host;
}

static void begin(struct noise *n, struct frame *f, const uint8_t *dst, uint16_t ethertype)
{
	uint8_t src[6];

	frame_line_mac(src, n->line);
	frame_begin(f, dst, src, ethertype);
}

void noise_arp(struct noise *n, struct frame *f)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t head[] = {0x00, 0x01, 0x08, 0x00, 6, 4, 0};
	uint8_t reply = (uint8_t)rng_below(&n->rng, 2);
	uint8_t host[6];
	uint8_t *p;

	frame_host_mac(host);
	begin(n, f, reply ? host : broadcast, ETHERTYPE_ARP);
	p = frame_append(f, NULL, 28);
	memcpy(p, head, sizeof(head));
	p[7] = (uint8_t)(1 + reply);
	frame_line_mac(p + 8, n->line);
	put_be32(p + 14, address(n, GATEWAY_HOST));
	if (reply)
		memcpy(p + 18, host, 6);
	put_be32(p + 24, address(n, rng_between(&n->rng, 1, 6)));
	frame_end(f);
}

void noise_icmp4(struct noise *n, struct frame *f)
{
	struct ipv4 ip = {.src = address(n, GATEWAY_HOST),
			  .dst = address(n, 1),
			  .id = ++n->ip_id,
			  .ttl = 64,
			  .protocol = IP_PROTOCOL_ICMP};
	uint8_t host[6];
	uint8_t *p;

	frame_host_mac(host);
	begin(n, f, host, ETHERTYPE_IPV4);
	frame_ipv4(f, &ip);
	p = frame_append(f, NULL, 8);
	p[0] = 8; /* echo request */
	put_be16(p + 4, 0x4647);
	put_be16(p + 6, ++n->echo_seq);
	frame_append(f, noise_text(n), 56);
	frame_checksum(f, 2);
	frame_end(f);
}

/* Neighbour solicitation: who has 2001:db8:LINE::N? */
void noise_icmp6(struct noise *n, struct frame *f)
{
	uint8_t target = (uint8_t)rng_between(&n->rng, 1, 6);
	uint8_t src[16] = {0x20, 0x01, 0x0d, 0xb8, [5] = (uint8_t)n->line, [15] = 0xfe};
	uint8_t dst[16] = {0xff, 0x02, [11] = 0x01, [12] = 0xff, [15] = target};
	struct ipv6 ip = {
		.src = src, .dst = dst, .hop_limit = 255, .next_header = IP_PROTOCOL_ICMPV6};
	uint8_t mac[6];
	uint8_t *p;

	frame_mac_ipv6(mac, dst);
	begin(n, f, mac, ETHERTYPE_IPV6);
	frame_ipv6(f, &ip);
	p = frame_append(f, NULL, 32);
	p[0] = 135;
	memcpy(p + 8, src, 16);
	p[23] = target;
	p[24] = 1; /* source link-layer address */
	p[25] = 1;
	frame_line_mac(p + 26, n->line);
	frame_checksum_pseudo(f, 2, IP_PROTOCOL_ICMPV6);
	frame_end(f);
}

/* IGMPv2 report for groups of the first feed: the address is that of a feed, the protocol is not.
 */
void noise_igmp(struct noise *n, struct frame *f)
{
	static const uint8_t router_alert[] = {0x94, 0x04, 0x00, 0x00};
	uint32_t group = protocols[0]->line[n->line].group + rng_below(&n->rng, 4);
	struct ipv4 ip = {.src = address(n, 1),
			  .dst = group,
			  .id = ++n->ip_id,
			  .ttl = 1,
			  .protocol = IP_PROTOCOL_IGMP,
			  .options = router_alert,
			  .options_len = sizeof(router_alert)};
	uint8_t mac[6];
	uint8_t *p;

	frame_mac_ipv4(mac, group);
	begin(n, f, mac, ETHERTYPE_IPV4);
	frame_ipv4(f, &ip);
	p = frame_append(f, NULL, 8);
	p[0] = 0x16;
	put_be32(p + 4, group);
	frame_checksum(f, 2);
	frame_end(f);
}

/* An 802.1D configuration BPDU: LLC, so its third field is a length. */
void noise_stp(struct noise *n, struct frame *f)
{
	static const uint8_t bridges[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};
	static const uint8_t llc[3] = {0x42, 0x42, 0x03};
	uint8_t *p;

	begin(n, f, bridges, 3 + 35);
	frame_append(f, llc, sizeof(llc));
	p = frame_append(f, NULL, 35);
	put_be16(p + 5, 0x8000); /* root */
	frame_line_mac(p + 7, n->line);
	put_be16(p + 17, 0x8000); /* this bridge: the root itself */
	frame_line_mac(p + 19, n->line);
	put_be16(p + 25, 0x8001);
	put_be16(p + 29, 20 << 8);
	put_be16(p + 31, 2 << 8);
	put_be16(p + 33, 15 << 8);
	frame_end(f);
}

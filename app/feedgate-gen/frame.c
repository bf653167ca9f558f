/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <arpa/inet.h>
#include <string.h>

#include "bytes.h"

/*
 * A one's complement sum does not depend on the byte order, if words are read and the result is
 * written in the same order: here the machine's, and numbers go through htons().
 */
static uint64_t sum_bytes(uint64_t sum, const uint8_t *p, size_t n)
{
	uint32_t word = 0;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	word = 0;
	if (n > 0)
		memcpy(&word, p, n);
	return sum + word;
}

static uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void frame_host_mac(uint8_t *mac)
{
	static const uint8_t host[6] = {0x02, 0xfe, 0xed, 0x00, 0x00, 0x01};

	memcpy(mac, host, sizeof(host));
}

void frame_line_mac(uint8_t *mac, unsigned int line)
{
	frame_host_mac(mac);
	mac[5] = (uint8_t)(0x0a + line);
}

void frame_mac_ipv4(uint8_t *mac, uint32_t dst)
{
	if (dst >> 28 != 0xe) {
		frame_host_mac(mac);
		return;
	}
	mac[0] = 0x01;
	mac[1] = 0x00;
	put_be32(mac + 2, UINT32_C(0x5e000000) | (dst & 0x7fffff));
}

void frame_mac_ipv6(uint8_t *mac, const uint8_t *dst)
{
	if (dst[0] != 0xff) {
		frame_host_mac(mac);
		return;
	}
	mac[0] = 0x33;
	mac[1] = 0x33;
	memcpy(mac + 2, dst + 12, 4);
}

uint8_t *frame_append(struct frame *f, const void *data, size_t n)
{
	uint8_t *to = f->data + f->len;

	if (data)
		memcpy(to, data, n);
	else
		memset(to, 0, n);
	f->len += (uint32_t)n;
	return to;
}

void frame_begin(struct frame *f, const uint8_t *dst, const uint8_t *src, uint16_t ethertype)
{
	f->len = 0;
	f->l3_off = 0;
	f->address_sum = 0;
	frame_append(f, dst, 6);
	frame_append(f, src, 6);
	put_be16(frame_append(f, NULL, 2), ethertype);
	f->l4_off = f->len;
}

void frame_ipv4(struct frame *f, const struct ipv4 *ip)
{
	uint8_t *p = frame_append(f, NULL, 20);

	f->l3_off = (uint32_t)(p - f->data);
	p[0] = (uint8_t)(0x45 + ip->options_len / 4);
	put_be16(p + 4, ip->id);
	put_be16(p + 6, ip->fragment);
	p[8] = ip->ttl;
	p[9] = ip->protocol;
	put_be32(p + 12, ip->src);
	put_be32(p + 16, ip->dst);
	f->address_sum = sum_bytes(0, p + 12, 8);
	if (ip->options_len > 0)
		frame_append(f, ip->options, ip->options_len);
	f->l4_off = f->len;
}

void frame_ipv6(struct frame *f, const struct ipv6 *ip)
{
	uint8_t *p = frame_append(f, NULL, 40);

	f->l3_off = (uint32_t)(p - f->data);
	p[0] = 0x60;
	p[6] = ip->next_header;
	p[7] = ip->hop_limit;
	memcpy(p + 8, ip->src, 16);
	memcpy(p + 24, ip->dst, 16);
	f->address_sum = sum_bytes(0, p + 8, 32);
	f->l4_off = f->len;
}

void frame_checksum(struct frame *f, size_t at)
{
	uint16_t value = sum_fold(sum_bytes(0, f->data + f->l4_off, f->len - f->l4_off));

	memcpy(f->data + f->l4_off + at, &value, sizeof(value));
}

void frame_checksum_pseudo(struct frame *f, size_t at, uint8_t protocol)
{
	uint32_t len = f->len - f->l4_off;
	uint64_t sum = f->address_sum + htons(protocol) + htons((uint16_t)len);
	uint16_t value = sum_fold(sum_bytes(sum, f->data + f->l4_off, len));

	/* In UDP zero means "no checksum"; all ones is the same number. */
	if (value == 0 && protocol == IP_PROTOCOL_UDP)
		value = 0xffff;
	memcpy(f->data + f->l4_off + at, &value, sizeof(value));
}

void frame_udp(struct frame *f, const struct udp *udp)
{
	uint8_t *p = frame_append(f, NULL, 8);

	f->l4_off = (uint32_t)(p - f->data);
	put_be16(p, udp->src_port);
	put_be16(p + 2, udp->dst_port);
	put_be16(p + 4, (uint16_t)(8 + udp->bytes));
	frame_append(f, udp->payload, udp->bytes);
	frame_checksum_pseudo(f, 6, IP_PROTOCOL_UDP);
}

void frame_tcp(struct frame *f, const struct tcp *tcp, const void *payload, size_t n)
{
	uint8_t *p = frame_append(f, NULL, 20);

	f->l4_off = (uint32_t)(p - f->data);
	put_be16(p, tcp->src_port);
	put_be16(p + 2, tcp->dst_port);
	put_be32(p + 4, tcp->seq);
	put_be32(p + 8, tcp->ack);
	p[12] = 0x50;
	p[13] = tcp->flags;
	put_be16(p + 14, 0x7fff);
	frame_append(f, payload, n);
	frame_checksum_pseudo(f, 16, IP_PROTOCOL_TCP);
}

static void ipv4_set_len(struct frame *f, uint16_t total_len)
{
	uint8_t *p = f->data + f->l3_off;
	uint16_t value;

	put_be16(p + 2, total_len);
	put_be16(p + 10, 0);
	value = sum_fold(sum_bytes(0, p, (p[0] & 15u) * 4u));
	memcpy(p + 10, &value, sizeof(value));
}

void frame_end(struct frame *f)
{
	uint32_t len = f->len - f->l3_off;

	if (f->l3_off > 0 && f->data[f->l3_off] >> 4 == 4)
		ipv4_set_len(f, (uint16_t)len);
	else if (f->l3_off > 0)
		put_be16(f->data + f->l3_off + 4, (uint16_t)(len - 40));
	if (f->len < FRAME_MIN)
		frame_append(f, NULL, FRAME_MIN - f->len);
	f->cap_len = f->len;
}

void frame_ipv4_lie(struct frame *f, uint16_t total_len)
{
	ipv4_set_len(f, total_len);
}

void frame_push_tag(struct frame *f, uint16_t tpid, uint16_t tci)
{
	memmove(f->data + 16, f->data + 12, f->len - 12);
	put_be16(f->data + 12, tpid);
	put_be16(f->data + 14, tci);
	f->len += 4;
	f->cap_len += 4;
	f->l3_off += 4;
	f->l4_off += 4;
}

void frame_udp_ipv4(struct frame *f, unsigned int line, const struct ipv4 *ip,
		    const struct udp *udp)
{
	uint8_t dst[6], src[6];

	frame_mac_ipv4(dst, ip->dst);
	frame_line_mac(src, line);
	frame_begin(f, dst, src, ETHERTYPE_IPV4);
	frame_ipv4(f, ip);
	frame_udp(f, udp);
	frame_end(f);
}

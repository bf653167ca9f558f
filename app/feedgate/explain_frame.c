/* SPDX-License-Identifier: MIT */
#include "explain_frame.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <fg_capture_file.h>

#include "explain_fields.h"

#define LATER_OFFSET_UNITS 185u /* of eight bytes: 1480, as after a full first part */
#define FRAGMENT_HEADER    44u
#define NO_NEXT_HEADER     59u
#define EXPERIMENTAL       253u

/* A frame under construction; it has room for whatever explain makes. */
struct frame {
	uint8_t *bytes;
	uint32_t length;
};

static void *add(struct frame *frame, uint32_t bytes)
{
	void *at = frame->bytes + frame->length;

	memset(at, 0, bytes);
	frame->length += bytes;
	return at;
}

static void add_be16(struct frame *frame, uint16_t value)
{
	const uint16_t be = rte_cpu_to_be_16(value);

	memcpy(add(frame, sizeof(be)), &be, sizeof(be));
}

/* As given; else the MAC address of the multicast group, or of some host. */
static void fill_dst_mac(const struct explain_fields *f, uint8_t *mac)
{
	static const uint8_t host[] = {2, 0, 0, 0, 0, 2};

	if (f->has_dst_mac) {
		memcpy(mac, f->dst_mac, sizeof(f->dst_mac));
	} else if (f->family == 4 && f->dst_ip[0] >> 4 == 0xe) {
		memcpy(mac, "\x01\x00\x5e", 3);
		memcpy(mac + 3, f->dst_ip + 1, 3);
		mac[3] &= 0x7f;
	} else if (f->family == 6 && f->dst_ip[0] == 0xff) {
		memcpy(mac, "\x33\x33", 2);
		memcpy(mac + 2, f->dst_ip + 12, 4);
	} else {
		memcpy(mac, host, sizeof(host));
	}
}

static void add_link(struct frame *frame, const struct explain_fields *f)
{
	static const uint8_t sender[] = {2, 0, 0, 0, 0, 1};

	fill_dst_mac(f, add(frame, 6));
	memcpy(add(frame, 6), f->has_src_mac ? f->src_mac : sender, 6);
	for (unsigned int i = 0; i < f->n_vlans; i++) {
		add_be16(frame,
			 i == 0 && f->n_vlans == 2 ? RTE_ETHER_TYPE_QINQ : RTE_ETHER_TYPE_VLAN);
		add_be16(frame, f->vlans[i]);
	}
	add_be16(frame, f->ethertype);
}

/* UDP or TCP header if there is one, and the payload. @return where it begins. */
static void *add_transport(struct frame *frame, const struct explain_fields *f)
{
	const bool has_header = f->fragment != FRAGMENT_LATER;
	void *begin = frame->bytes + frame->length;

	if (has_header && f->protocol == IPPROTO_UDP) {
		struct rte_udp_hdr udp = {
			.src_port = rte_cpu_to_be_16(f->src_port),
			.dst_port = rte_cpu_to_be_16(f->dst_port),
			.dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(udp) + f->payload_bytes)),
		};

		memcpy(add(frame, sizeof(udp)), &udp, sizeof(udp));
	} else if (has_header && f->protocol == IPPROTO_TCP) {
		struct rte_tcp_hdr tcp = {
			.src_port = rte_cpu_to_be_16(f->src_port),
			.dst_port = rte_cpu_to_be_16(f->dst_port),
			.data_off = (sizeof(tcp) / 4) << 4,
			.tcp_flags = RTE_TCP_ACK_FLAG,
			.rx_win = UINT16_MAX,
		};

		memcpy(add(frame, sizeof(tcp)), &tcp, sizeof(tcp));
	}
	memcpy(add(frame, f->payload_bytes), f->payload, f->payload_bytes);
	return begin;
}

/* Only whole datagrams get one: a fragment's checksum covers data of other fragments. */
static void set_checksum(const struct explain_fields *f, const void *ip, uint8_t *transport)
{
	const size_t at = f->protocol == IPPROTO_UDP ? offsetof(struct rte_udp_hdr, dgram_cksum)
						     : offsetof(struct rte_tcp_hdr, cksum);
	rte_be16_t sum;

	if (f->fragment != FRAGMENT_NONE ||
	    (f->protocol != IPPROTO_UDP && f->protocol != IPPROTO_TCP))
		return;
	sum = f->family == 4 ? rte_ipv4_udptcp_cksum(ip, transport)
			     : rte_ipv6_udptcp_cksum(ip, transport);
	memcpy(transport + at, &sum, sizeof(sum));
}

static void add_ipv4(struct frame *frame, const struct explain_fields *f)
{
	struct rte_ipv4_hdr *ip = add(frame, sizeof(*ip));
	void *transport = add_transport(frame, f);

	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length =
		rte_cpu_to_be_16((uint16_t)(frame->bytes + frame->length - (uint8_t *)ip));
	if (f->fragment == FRAGMENT_FIRST)
		ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG);
	else if (f->fragment == FRAGMENT_LATER)
		ip->fragment_offset = rte_cpu_to_be_16(LATER_OFFSET_UNITS);
	ip->time_to_live = 64;
	ip->next_proto_id = f->protocol >= 0 ? (uint8_t)f->protocol : EXPERIMENTAL;
	memcpy(&ip->src_addr, f->src_ip, 4);
	memcpy(&ip->dst_addr, f->dst_ip, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	set_checksum(f, ip, transport);
}

static void add_ipv6(struct frame *frame, const struct explain_fields *f)
{
	const uint8_t protocol = f->protocol >= 0 ? (uint8_t)f->protocol : NO_NEXT_HEADER;
	struct rte_ipv6_hdr *ip = add(frame, sizeof(*ip));
	uint8_t *part = f->fragment != FRAGMENT_NONE ? add(frame, 8) : NULL;
	void *transport = add_transport(frame, f);
	const size_t payload = (size_t)(frame->bytes + frame->length - (uint8_t *)(ip + 1));

	ip->vtc_flow = rte_cpu_to_be_32(UINT32_C(6) << 28);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)payload);
	ip->proto = protocol;
	ip->hop_limits = 64;
	memcpy((void *)&ip->src_addr, f->src_ip, 16);
	memcpy((void *)&ip->dst_addr, f->dst_ip, 16);
	set_checksum(f, ip, transport);
	if (part == NULL)
		return;
	ip->proto = FRAGMENT_HEADER;
	part[0] = protocol;
	if (f->fragment == FRAGMENT_FIRST) {
		part[3] = 1; /* more fragments */
		return;
	}
	part[2] = LATER_OFFSET_UNITS * 8 >> 8;
	part[3] = LATER_OFFSET_UNITS * 8 & 0xff;
}

uint32_t explain_frame_make(const struct explain_fields *fields, uint8_t *bytes)
{
	struct frame frame = {.bytes = bytes};

	add_link(&frame, fields);
	if (fields->family == 4)
		add_ipv4(&frame, fields);
	else if (fields->family == 6)
		add_ipv6(&frame, fields);
	else
		memcpy(add(&frame, fields->payload_bytes), fields->payload, fields->payload_bytes);
	return frame.length;
}

static_assert(FG_CAPTURE_FRAME_MAX <= EXPLAIN_FRAME_BYTES, "a packet of a file fits");

static int find_packet(struct fg_capture_file *capture, const struct explain_fields *f,
		       uint8_t *frame, uint32_t *length, struct fg_error *error)
{
	struct fg_capture_packet packet = {0};

	if (f->number == 0)
		return fg_error_set(error, EINVAL, "%s: packets are numbered from 1", f->path);
	for (uint64_t n = 0; n < f->number; n++) {
		const int rc = fg_capture_file_next(capture, &packet, error);

		if (rc == 0)
			return fg_error_set(error, EINVAL, "%s: has %lu packets", f->path,
					    (unsigned long)n);
		if (rc < 0)
			return rc;
	}
	memcpy(frame, packet.data, packet.length);
	*length = packet.length;
	return 0;
}

int explain_frame_load(const struct explain_fields *fields, uint8_t *frame, uint32_t *length,
		       struct fg_error *error)
{
	struct fg_capture_file *capture;
	int rc = fg_capture_file_open(fields->path, &capture, error);

	if (rc != 0)
		return rc;
	rc = find_packet(capture, fields, frame, length, error);
	fg_capture_file_close(capture);
	return rc;
}

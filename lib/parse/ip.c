/* SPDX-License-Identifier: MIT */
/*
 * Each header is judged in the same order: its fixed part is there, it does not
 * contradict itself, what it says is there. So the verdict of a packet with
 * several faults is that of the outermost header with one.
 */
#include "parse.h"

#define IPV4_BYTES 20u /* Without options. */
#define IPV6_BYTES 40u
#define UDP_BYTES  8u
#define TCP_BYTES  20u /* Without options. */

/* The shortest extension header, and the unit in which most of them count. */
#define EXTENSION_BYTES 8u

enum protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AUTHENTICATION = 51,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_MOBILITY = 135,
	PROTOCOL_HIP = 139,
	PROTOCOL_SHIM6 = 140,
};

static void set_payload(struct fg_key *key, uint32_t offset, uint32_t size)
{
	/* At most 22 + 40 + 16 * 2048 bytes of headers, and 65535 of datagram: both fit. */
	key->payload_off = (uint16_t)offset;
	key->payload_len = (uint16_t)size;
}

static void set_ports(struct fg_key *key, const uint8_t *ports)
{
	key->l4 = key->protocol;
	memcpy(&key->src_port_be, ports, sizeof(key->src_port_be));
	memcpy(&key->dst_port_be, ports + 2, sizeof(key->dst_port_be));
}

/* @p size: what the IP datagram holds from @p offset on. */
static int parse_udp(const struct frame *frame, uint32_t offset, uint32_t size, struct fg_key *key)
{
	uint32_t length;
	int verdict;

	if (size < UDP_BYTES)
		return FG_DROP_truncated;
	verdict = frame_need(frame, offset, UDP_BYTES);
	if (verdict != VERDICT_PASS)
		return verdict;
	length = read_be16(frame->data + offset + 4);
	if (length < UDP_BYTES)
		return FG_DROP_malformed;
	if (length > size) {
		if ((key->flags & FG_KEY_FRAGMENT) == 0)
			return FG_DROP_malformed;
		length = size;
	}
	set_ports(key, frame->data + offset);
	set_payload(key, offset + UDP_BYTES, length - UDP_BYTES);
	return VERDICT_PASS;
}

static int parse_tcp(const struct frame *frame, uint32_t offset, uint32_t size, struct fg_key *key)
{
	uint32_t header;
	int verdict;

	if (size < TCP_BYTES)
		return FG_DROP_truncated;
	verdict = frame_need(frame, offset, TCP_BYTES);
	if (verdict != VERDICT_PASS)
		return verdict;
	header = (frame->data[offset + 12] >> 4) * 4u;
	if (header < TCP_BYTES)
		return FG_DROP_malformed;
	if (header > size)
		return FG_DROP_truncated;
	set_ports(key, frame->data + offset);
	set_payload(key, offset + header, size - header);
	return VERDICT_PASS;
}

/* Protocol and flags are known. */
static int parse_transport(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
			   uint32_t size, struct fg_key *key)
{
	const bool later = (key->flags & FG_KEY_LATER_PART) != 0;

	if (key->flags != 0 && (parse->conf.fragments == FG_FRAGMENTS_DROP ||
				(later && parse->conf.fragments == FG_FRAGMENTS_FIRST)))
		return FG_DROP_fragment;
	if (!later && key->protocol == PROTOCOL_UDP)
		return parse_udp(frame, offset, size, key);
	if (!later && key->protocol == PROTOCOL_TCP)
		return parse_tcp(frame, offset, size, key);
	set_payload(key, offset, size);
	return VERDICT_PASS;
}

int parse_ipv4(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
	       struct fg_key *key)
{
	const uint8_t *ip = frame->data + offset;
	const int verdict = frame_need(frame, offset, IPV4_BYTES);
	uint32_t header, length, part;

	if (verdict != VERDICT_PASS)
		return verdict;
	header = (ip[0] & 0x0f) * 4u;
	length = read_be16(ip + 2);
	part = read_be16(ip + 6);
	if (ip[0] >> 4 != 4 || header < IPV4_BYTES || length < header)
		return FG_DROP_malformed;
	if (length > frame->total - offset)
		return FG_DROP_truncated;
	key->family = FG_FAMILY_IPV4;
	key->protocol = ip[9];
	memcpy(key->src_ip, ip + 12, 4);
	memcpy(key->dst_ip, ip + 16, 4);
	if ((part & 0x1fff) != 0)
		key->flags = FG_KEY_FRAGMENT | FG_KEY_LATER_PART;
	else if ((part & 0x2000) != 0)
		key->flags = FG_KEY_FRAGMENT;
	return parse_transport(parse, frame, offset + header, length - header, key);
}

/* Bytes of the extension header of kind @p protocol; 0 if it is none. */
static uint32_t extension_bytes(unsigned int protocol, unsigned int length)
{
	switch (protocol) {
	case PROTOCOL_FRAGMENT:
		return EXTENSION_BYTES;
	case PROTOCOL_AUTHENTICATION:
		return (length + 2) * 4;
	case PROTOCOL_HOP_BY_HOP:
	case PROTOCOL_ROUTING:
	case PROTOCOL_DESTINATION:
	case PROTOCOL_MOBILITY:
	case PROTOCOL_HIP:
	case PROTOCOL_SHIM6:
		return (length + 1) * EXTENSION_BYTES;
	default:
		return 0;
	}
}

/*
 * Walk the extension headers from @p offset to @p end, where the datagram ends.
 * key->protocol goes in as the first one's kind and comes out as that of what
 * follows them. In a later part, what follows the fragment header is data.
 */
static int skip_extensions(const struct frame *frame, uint32_t *offset, uint32_t end,
			   struct fg_key *key)
{
	for (unsigned int count = 0; extension_bytes(key->protocol, 0) != 0; count++) {
		const uint8_t *header = frame->data + *offset;
		uint32_t size;
		int verdict;

		if (count == FG_PARSE_EXTENSIONS_MAX || end - *offset < EXTENSION_BYTES)
			return FG_DROP_malformed;
		verdict = frame_need(frame, *offset, EXTENSION_BYTES);
		if (verdict != VERDICT_PASS)
			return verdict;
		size = extension_bytes(key->protocol, header[1]);
		if (size > end - *offset)
			return FG_DROP_malformed;
		*offset += size;
		if (key->protocol == PROTOCOL_FRAGMENT) {
			const uint16_t part = read_be16(header + 2);

			/* Neither offset nor M: a whole datagram (RFC 6946). */
			if ((part & 0xfff9) != 0)
				key->flags |= FG_KEY_FRAGMENT;
			if ((part & 0xfff8) != 0)
				key->flags |= FG_KEY_LATER_PART;
		}
		key->protocol = header[0];
		if ((key->flags & FG_KEY_LATER_PART) != 0)
			break;
	}
	return VERDICT_PASS;
}

int parse_ipv6(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
	       struct fg_key *key)
{
	const uint8_t *ip = frame->data + offset;
	int verdict = frame_need(frame, offset, IPV6_BYTES);
	uint32_t end;

	if (verdict != VERDICT_PASS)
		return verdict;
	if (ip[0] >> 4 != 6)
		return FG_DROP_malformed;
	offset += IPV6_BYTES;
	end = offset + read_be16(ip + 4);
	if (end > frame->total)
		return FG_DROP_truncated;
	key->family = FG_FAMILY_IPV6;
	key->protocol = ip[6];
	memcpy(key->src_ip, ip + 8, sizeof(key->src_ip));
	memcpy(key->dst_ip, ip + 24, sizeof(key->dst_ip));
	verdict = skip_extensions(frame, &offset, end, key);
	if (verdict != VERDICT_PASS)
		return verdict;
	return parse_transport(parse, frame, offset, end - offset, key);
}

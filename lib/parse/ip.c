/* SPDX-License-Identifier: MIT */
/*
 * The general parser: IPv4, IPv6, UDP, TCP. fg_parse.h defines the order of checks: the result of a
 * packet with several faults is that of the outermost header with one.
 */
#include "general.h"

#define IPV4_BYTES 20u /* Without options. */
#define IPV6_BYTES 40u
#define UDP_BYTES  8u
#define TCP_BYTES  20u /* Without options. */

/* Length of the shortest extension header, and unit of most lengths. */
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
	/* Both fit: headers have at most 22 + 40 + 16 * 2048 bytes, a datagram 65535. */
	key->payload_off = (uint16_t)offset;
	key->payload_len = (uint16_t)size;
}

static void set_ports(struct fg_key *key, const uint8_t *ports)
{
	key->l4 = key->protocol;
	memcpy(&key->src_port_be, ports, sizeof(key->src_port_be));
	memcpy(&key->dst_port_be, ports + 2, sizeof(key->dst_port_be));
}

/* @size: bytes of the IP datagram from @offset on. */
static int parse_udp(const struct frame *frame, uint32_t offset, uint32_t size, struct fg_key *key)
{
	uint32_t length;
	int result;

	if (size < UDP_BYTES)
		return FG_DROP_truncated;
	result = frame_need(frame, offset, UDP_BYTES);
	if (result != PARSE_OK)
		return result;
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
	return PARSE_OK;
}

static int parse_tcp(const struct frame *frame, uint32_t offset, uint32_t size, struct fg_key *key)
{
	uint32_t header;
	int result;

	if (size < TCP_BYTES)
		return FG_DROP_truncated;
	result = frame_need(frame, offset, TCP_BYTES);
	if (result != PARSE_OK)
		return result;
	header = (frame->data[offset + 12] >> 4) * 4u;
	if (header < TCP_BYTES)
		return FG_DROP_malformed;
	if (header > size)
		return FG_DROP_truncated;
	set_ports(key, frame->data + offset);
	set_payload(key, offset + header, size - header);
	return PARSE_OK;
}

/* The caller has set key->protocol and key->flags. */
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
	return PARSE_OK;
}

int parse_ipv4(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
	       struct fg_key *key)
{
	const uint8_t *ip = frame->data + offset;
	const int result = frame_need(frame, offset, IPV4_BYTES);
	uint32_t header, length, part;

	if (result != PARSE_OK)
		return result;
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

uint32_t extension_bytes(unsigned int protocol, unsigned int length)
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
 * Skip the extension headers from @offset to at most @end, where the datagram ends. key->protocol
 * is the type of the first, and then of what follows the last. In a later fragment the payload
 * follows the fragment header.
 */
static int skip_extensions(const struct frame *frame, uint32_t *offset, uint32_t end,
			   struct fg_key *key)
{
	for (unsigned int count = 0; extension_bytes(key->protocol, 0) != 0; count++) {
		const uint8_t *header = frame->data + *offset;
		uint32_t size;
		int result;

		if (count == FG_PARSE_EXTENSIONS_MAX || end - *offset < EXTENSION_BYTES)
			return FG_DROP_malformed;
		result = frame_need(frame, *offset, EXTENSION_BYTES);
		if (result != PARSE_OK)
			return result;
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
	return PARSE_OK;
}

int parse_ipv6(const struct fg_parse *parse, const struct frame *frame, uint32_t offset,
	       struct fg_key *key)
{
	const uint8_t *ip = frame->data + offset;
	int result = frame_need(frame, offset, IPV6_BYTES);
	uint32_t end;

	if (result != PARSE_OK)
		return result;
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
	result = skip_extensions(frame, &offset, end, key);
	if (result != PARSE_OK)
		return result;
	return parse_transport(parse, frame, offset, end - offset, key);
}

/* SPDX-License-Identifier: MIT */
/*
 * Link types, as https://www.tcpdump.org/linktypes.html describes them. Those that carry IP without
 * Ethernet get an Ethernet header with the right type and, where the capture does not know them,
 * addresses of zeros.
 */
#include "link_type.h"

#include <pcap/pcap.h>

#include <rte_ether.h>

enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12,     /* RAW, of programs that wrote their own system's number. */
	LINK_RAW_OPENBSD = 14, /* The same. */
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_ERF = 197,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276,
};

/* Where a Linux cooked header has its fields. */
struct cooked {
	const char *name;
	uint32_t bytes, device_at, address_bytes_at, address_at, protocol_at;
	bool short_length; /* The address's length has one byte. */
};

static const struct cooked sll = {"LINUX_SLL", 16, 2, 4, 6, 14, false};
static const struct cooked sll2 = {"LINUX_SLL2", 20, 8, 11, 12, 0, true};

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static int too_short(const struct fg_capture_file *file, const char *name, uint32_t bytes,
		     const struct link_frame *frame, struct fg_error *error)
{
	return capture_refuse(file, error, "%u bytes, but a header of link type %s has %u",
			      frame->length, name, bytes);
}

/* Replace the first @bytes by an Ethernet header. @source: NULL, or its source address. */
static void replace_header(struct link_frame *frame, uint32_t bytes, uint16_t type,
			   const uint8_t *source)
{
	struct rte_ether_hdr header = {.ether_type = rte_cpu_to_be_16(type)};
	const uint64_t wire_len = (uint64_t)frame->wire_len - bytes + sizeof(header);

	if (source != NULL)
		memcpy(&header.src_addr, source, sizeof(header.src_addr));
	frame->data += bytes;
	frame->data -= sizeof(header);
	memcpy(frame->data, &header, sizeof(header));
	frame->length = frame->length - bytes + (uint32_t)sizeof(header);
	frame->wire_len = (uint32_t)RTE_MIN(wire_len, (uint64_t)UINT32_MAX);
}

/* IP without a header. What is neither version goes on as IPv4, and is dropped as malformed. */
static void add_header(struct link_frame *frame)
{
	const bool is_ipv6 = frame->length > 0 && frame->data[0] >> 4 == 6;

	replace_header(frame, 0, is_ipv6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4, NULL);
}

/* BSD loopback: the protocol family, in the capturing machine's byte order (NULL) or not (LOOP). */
static int from_loopback(const struct fg_capture_file *file, struct link_frame *frame,
			 struct fg_error *error)
{
	uint16_t type;
	uint32_t family;

	if (frame->length < sizeof(family))
		return too_short(file, "NULL", sizeof(family), frame, error);
	memcpy(&family, frame->data, sizeof(family));
	if (family > UINT16_MAX)
		family = rte_bswap32(family);
	switch (family) {
	case 2:
		type = RTE_ETHER_TYPE_IPV4;
		break;
	case 10: /* AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS. */
	case 23:
	case 24:
	case 28:
	case 30:
		type = RTE_ETHER_TYPE_IPV6;
		break;
	default:
		return capture_refuse(file, error,
				      "protocol family %u of a loopback, expected IPv4 or IPv6",
				      family);
	}
	replace_header(frame, sizeof(family), type, NULL);
	return 0;
}

/* Devices whose protocol field is not an Ethernet type. */
static bool has_other_protocols(uint16_t device)
{
	return device == 770 || (device >= 801 && device <= 803) || device == 824;
}

static int from_cooked(const struct fg_capture_file *file, const struct cooked *cooked,
		       struct link_frame *frame, struct fg_error *error)
{
	const uint8_t *at = frame->data;
	uint8_t source[6];
	uint16_t address_bytes, type;

	if (frame->length < cooked->bytes)
		return too_short(file, cooked->name, cooked->bytes, frame, error);
	if (has_other_protocols(be16(at + cooked->device_at)))
		return capture_refuse(file, error, "device type %u of %s, expected Ethernet or IP",
				      be16(at + cooked->device_at), cooked->name);
	type = be16(at + cooked->protocol_at);
	/* Not a type, but a kind of 802.3 frame: these have a length there. */
	if (type < 0x600)
		type = (uint16_t)RTE_MIN(frame->wire_len - cooked->bytes, 1500u);
	address_bytes = cooked->short_length ? at[cooked->address_bytes_at]
					     : be16(at + cooked->address_bytes_at);
	memcpy(source, at + cooked->address_at, sizeof(source));
	replace_header(frame, cooked->bytes, type, address_bytes == sizeof(source) ? source : NULL);
	return 0;
}

/* Endace's records: a header, extension headers, for Ethernet two bytes, then the frame. */
static int from_erf(const struct fg_capture_file *file, struct link_frame *frame,
		    struct fg_error *error)
{
	enum { HEADER = 16, EXTENSION = 8, ETHERNET_PAD = 2 };
	uint32_t bytes = HEADER, record_bytes;
	uint8_t type, more;

	if (frame->length < HEADER)
		return too_short(file, "ERF", HEADER, frame, error);
	type = frame->data[8] & 0x7f;
	record_bytes = be16(frame->data + 10);
	for (more = frame->data[8] & 0x80; more != 0; bytes += EXTENSION) {
		if (frame->length - bytes < EXTENSION)
			return too_short(file, "ERF", bytes + EXTENSION, frame, error);
		more = frame->data[bytes] & 0x80;
	}
	switch (type) {
	case 2: /* Ethernet, and its kinds with a colour, a hash or both. */
	case 11:
	case 16:
	case 20:
		bytes += ETHERNET_PAD;
		break;
	case 22:
	case 23:
		break;
	default:
		return capture_refuse(file, error, "ERF record type %u, expected Ethernet or IP",
				      type);
	}
	if (frame->length < bytes || record_bytes < bytes)
		return too_short(file, "ERF", bytes, frame, error);
	frame->wire_len = be16(frame->data + 14);
	/* Padding follows the frame. */
	frame->length = RTE_MIN(RTE_MIN(frame->length, record_bytes) - bytes, frame->wire_len);
	frame->data += bytes;
	if (type >= 22)
		replace_header(frame, 0, type == 22 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6,
			       NULL);
	return 0;
}

int link_check(const struct fg_capture_file *file, uint32_t link, struct fg_error *error)
{
	const char *name;

	switch (link) {
	case LINK_NULL:
	case LINK_ETHERNET:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
	case LINK_LOOP:
	case LINK_SLL:
	case LINK_ERF:
	case LINK_IPV4:
	case LINK_IPV6:
	case LINK_SLL2:
		return 0;
	default:
		/* libpcap's own numbers are those of files, but for some that are read here. */
		name = pcap_datalink_val_to_name((int)link);
		return capture_refuse(file, error,
				      "link type is %s (%u), expected Ethernet, LINUX_SLL, "
				      "LINUX_SLL2, RAW, IPV4, IPV6, NULL, LOOP or ERF",
				      name != NULL ? name : "unknown", link);
	}
}

int link_to_ethernet(const struct fg_capture_file *file, uint32_t link, struct link_frame *frame,
		     struct fg_error *error)
{
	switch (link) {
	case LINK_ETHERNET:
		return 0;
	case LINK_NULL:
	case LINK_LOOP:
		return from_loopback(file, frame, error);
	case LINK_SLL:
		return from_cooked(file, &sll, frame, error);
	case LINK_SLL2:
		return from_cooked(file, &sll2, frame, error);
	case LINK_ERF:
		return from_erf(file, frame, error);
	case LINK_IPV4:
	case LINK_IPV6:
		replace_header(frame, 0,
			       link == LINK_IPV4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, NULL);
		return 0;
	default:
		add_header(frame);
		return 0;
	}
}

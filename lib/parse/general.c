/* SPDX-License-Identifier: MIT */
/* The general parser: Ethernet and VLAN tags, and packets of several segments. */
#include "general.h"

#include <rte_common.h>
#include <rte_mbuf.h>

#define MAC_BYTES      6u
#define ETHERNET_BYTES 14u
#define TAG_BYTES      4u

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu

static bool is_tag(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* Read the VLAN tags. Sets key->vlan_be, @ethertype, and @offset to the first byte after them. */
static int read_tags(const struct frame *frame, uint32_t *offset, uint16_t *ethertype,
		     struct fg_key *key)
{
	*offset = ETHERNET_BYTES;
	*ethertype = read_be16(frame->data + 2 * MAC_BYTES);
	for (unsigned int i = 0; i < FG_PARSE_VLANS_MAX && is_tag(*ethertype); i++) {
		const uint8_t *tag = frame->data + *offset;
		const int result = frame_need(frame, *offset, TAG_BYTES);

		if (result != PARSE_OK)
			return result;
		key->vlan_be[i] = rte_cpu_to_be_16(read_be16(tag) & 0x0fff);
		*ethertype = read_be16(tag + 2);
		*offset += TAG_BYTES;
	}
	key->ethertype_be = rte_cpu_to_be_16(*ethertype);
	return PARSE_OK;
}

int parse_general(const struct fg_parse *parse, const struct frame *frame, struct fg_key *key)
{
	uint32_t offset;
	uint16_t ethertype;
	int result = frame_need(frame, 0, ETHERNET_BYTES);

	if (result != PARSE_OK)
		return result;
	*key = (struct fg_key){
		.source = parse->source,
		.line = parse->line,
		.vlan_be = {FG_VLAN_NONE_BE, FG_VLAN_NONE_BE},
	};
	memcpy(key->dst_mac, frame->data, MAC_BYTES);
	memcpy(key->src_mac, frame->data + MAC_BYTES, MAC_BYTES);
	result = read_tags(frame, &offset, &ethertype, key);
	if (result != PARSE_OK)
		return result;
	if (ethertype == ETHERTYPE_IPV4)
		return parse_ipv4(parse, frame, offset, key);
	if (ethertype == ETHERTYPE_IPV6)
		return parse_ipv6(parse, frame, offset, key);
	key->payload_off = (uint16_t)offset;
	key->payload_len = (uint16_t)RTE_MIN(frame->total - offset, (uint32_t)UINT16_MAX);
	return PARSE_OK;
}

/* Headers nearly always lie in the first segment: the beginning is copied only if they do not. */
int parse_any(const struct fg_parse *parse, const struct rte_mbuf *pkt, struct fg_key *key)
{
	uint8_t linear[FG_PARSE_LINEAR_MAX];
	struct frame frame = {
		.data = rte_pktmbuf_mtod(pkt, const uint8_t *),
		.length = RTE_MIN(rte_pktmbuf_data_len(pkt), rte_pktmbuf_pkt_len(pkt)),
		.total = rte_pktmbuf_pkt_len(pkt),
	};
	int result = parse_general(parse, &frame, key);

	if (likely(result != PARSE_BEYOND))
		return result;
	frame.length = RTE_MIN(frame.total, FG_PARSE_LINEAR_MAX);
	frame.data = rte_pktmbuf_read(pkt, 0, frame.length, linear);
	if (frame.data != NULL)
		result = parse_general(parse, &frame, key);
	return result == PARSE_BEYOND ? (int)FG_DROP_malformed : result;
}

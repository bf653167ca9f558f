/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include <rte_common.h>

#include "burst.h"
#include "fast.h"
#include "parse.h"

#define MAC_BYTES      6u
#define ETHERNET_BYTES 14u
#define TAG_BYTES      4u

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu

const struct fg_option fg_parse_options[] = {
	{.name = "fragments",
	 .type = FG_OPTION_NAME,
	 .offset = offsetof(struct fg_parse_conf, fragments),
	 .names = (const char *const[]){"pass", "first-only", "drop", NULL},
	 .value = "pass",
	 .help = "IP fragments: pass (judge them; later parts have no ports), first-only, drop"},
	{0},
};

static bool is_tag(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* Read the tags after the addresses. Sets vlan_be and ethertype, and moves offset behind them. */
static int read_tags(const struct frame *frame, uint32_t *offset, uint16_t *ethertype,
		     struct fg_key *key)
{
	*offset = ETHERNET_BYTES;
	*ethertype = read_be16(frame->data + 2 * MAC_BYTES);
	for (unsigned int i = 0; i < FG_PARSE_VLANS_MAX && is_tag(*ethertype); i++) {
		const uint8_t *tag = frame->data + *offset;
		const int verdict = frame_need(frame, *offset, TAG_BYTES);

		if (verdict != VERDICT_PASS)
			return verdict;
		key->vlan_be[i] = rte_cpu_to_be_16(read_be16(tag) & 0x0fff);
		*ethertype = read_be16(tag + 2);
		*offset += TAG_BYTES;
	}
	key->ethertype_be = rte_cpu_to_be_16(*ethertype);
	return VERDICT_PASS;
}

int parse_general(const struct fg_parse *parse, const struct frame *frame, struct fg_key *key)
{
	uint32_t offset;
	uint16_t ethertype;
	int verdict = frame_need(frame, 0, ETHERNET_BYTES);

	if (verdict != VERDICT_PASS)
		return verdict;
	*key = (struct fg_key){
		.source = parse->source,
		.line = parse->line,
		.vlan_be = {FG_VLAN_NONE_BE, FG_VLAN_NONE_BE},
	};
	memcpy(key->dst_mac, frame->data, MAC_BYTES);
	memcpy(key->src_mac, frame->data + MAC_BYTES, MAC_BYTES);
	verdict = read_tags(frame, &offset, &ethertype, key);
	if (verdict != VERDICT_PASS)
		return verdict;
	if (ethertype == ETHERTYPE_IPV4)
		return parse_ipv4(parse, frame, offset, key);
	if (ethertype == ETHERTYPE_IPV6)
		return parse_ipv6(parse, frame, offset, key);
	key->payload_off = (uint16_t)offset;
	key->payload_len = (uint16_t)RTE_MIN(frame->total - offset, (uint32_t)UINT16_MAX);
	return VERDICT_PASS;
}

enum fg_drop fg_parse_packet(const struct fg_parse *parse, const uint8_t *data, uint32_t length,
			     uint32_t total, struct fg_key *key)
{
	const struct frame frame = {.data = data, .length = length, .total = total};
	const struct fast_head head = fast_head(parse);
	int verdict;

	for (uint32_t tag = 0; tag <= FAST_TAG_BYTES; tag += FAST_TAG_BYTES)
		if (length >= FAST_BYTES + tag && fast_key(&head, data, total, key, tag))
			return FG_DROP_COUNT;
	verdict = parse_general(parse, &frame, key);
	return verdict == VERDICT_BEYOND ? FG_DROP_malformed : (enum fg_drop)verdict;
}

uint16_t fg_parse_burst(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			struct fg_key *keys, struct fg_lcore_stats *stats)
{
	static parse_burst_fn *const forms[FG_ISA_COUNT] = {
		[FG_ISA_SCALAR] = burst_scalar,
#ifdef RTE_ARCH_X86
		[FG_ISA_SSE] = burst_sse,
		[FG_ISA_AVX2] = burst_avx2,
		[FG_ISA_AVX512] = burst_avx512,
#endif
	};

	return forms[parse->isa](parse, pkts, count, keys, stats);
}

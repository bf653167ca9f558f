/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include <rte_mbuf.h>

#include <fg_stats.h>

#include "burst.h"
#include "checksum.h"
#include "drops.h"
#include "fast.h"
#include "general.h"

const struct fg_option fg_parse_options[] = {
	{.name = "fragments",
	 .type = FG_OPTION_NAME,
	 .offset = offsetof(struct fg_parse_conf, fragments),
	 .names = (const char *const[]){"pass", "first-only", "drop", NULL},
	 .value = "pass",
	 .help = "IP fragments: pass (classify them; later fragments have no ports), first-only, "
		 "drop"},
	{.name = "checksums",
	 .type = FG_OPTION_NAME,
	 .offset = offsetof(struct fg_parse_conf, checksums),
	 .names = (const char *const[]){"nic", "verify", "ignore", NULL},
	 .value = "nic",
	 .help = "drop packets whose IPv4, UDP or TCP checksum is wrong: nic (where the NIC "
		 "reports "
		 "it), verify (compute them), ignore"},
	{0},
};

static int parse_linear(const struct fg_parse *parse, const uint8_t *data, uint32_t length,
			uint32_t total, struct fg_key *key)
{
	const struct frame frame = {.data = data, .length = length, .total = total};
	const struct fast_head head = fast_head(parse);

	for (uint32_t tag = 0; tag <= FAST_TAG_BYTES; tag += FAST_TAG_BYTES)
		if (length >= FAST_BYTES + tag && fast_key(&head, data, total, key, tag))
			return PARSE_OK;
	return parse_general(parse, &frame, key);
}

enum fg_drop fg_parse_packet(const struct fg_parse *parse, const uint8_t *data, uint32_t length,
			     uint32_t total, struct fg_key *key)
{
	const struct checksum_packet packet = {.data = data, .length = length};
	const int result = parse_linear(parse, data, length, total, key);

	if (result == PARSE_BEYOND)
		return FG_DROP_malformed;
	if (result == PARSE_OK && parse->conf.checksums == FG_CHECKSUMS_VERIFY &&
	    !checksum_is_good(parse, &packet, key))
		return FG_DROP_bad_checksum;
	return (enum fg_drop)result;
}

uint16_t fg_parse_burst(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			struct fg_key *keys, struct fg_lcore_stats *stats)
{
	static parse_burst_fn *const variants[FG_ISA_COUNT] = {
		[FG_ISA_SCALAR] = burst_scalar,
#ifdef RTE_ARCH_X86
		[FG_ISA_SSE] = burst_sse,
		[FG_ISA_AVX2] = burst_avx2,
#endif
	};

	return variants[parse->isa](parse, pkts, count, keys, stats);
}

void drops_settle(struct drops *drops, struct fg_lcore_stats *stats)
{
	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		if (drops->reasons[reason] != 0)
			fg_counter_add(&stats->dropped[reason], drops->reasons[reason]);
	rte_pktmbuf_free_bulk(drops->pkts, drops->count);
}

/* SPDX-License-Identifier: MIT */
/*
 * fg_parse_burst(). meson compiles this file once for each set of vector instructions, with the
 * function names burst_scalar(), burst_sse(), ... Hot: all of it.
 */
#include "burst.h"

#include <rte_common.h>
#include <rte_mbuf.h>

#include "checksum.h"
#include "drops.h"
#include "fast.h"
#include "general.h"

#define BURST_PASTE(name) burst_##name
#define BURST_NAME(name)  BURST_PASTE(name)

/*
 * Read the packets from @from to @end, to @keys and @to, up to the first one that has not the fast
 * shape (see fast.h), with a VLAN tag or without. Calls no function, so that constants stay in
 * registers. @return that first packet, or @end.
 */
static inline struct rte_mbuf **parse_run(const struct fast_head *head, struct rte_mbuf **from,
					  struct rte_mbuf **const end, struct rte_mbuf **to,
					  struct fg_key *keys, const uint32_t tag)
{
	const ptrdiff_t up = from - to;

	for (; from < end; from++, keys++) {
		struct rte_mbuf *pkt = *from;

		from[-up] = pkt;
		if (unlikely(rte_pktmbuf_data_len(pkt) < FAST_BYTES + tag) ||
		    !fast_key(head, rte_pktmbuf_mtod(pkt, const uint8_t *),
			      rte_pktmbuf_pkt_len(pkt), keys, tag))
			break;
	}
	return from;
}

/* Must checksums of the burst be checked? With nic: only if the NIC has found one that is bad. */
static inline bool must_check(const struct fg_parse *parse, struct rte_mbuf *const *pkts,
			      uint16_t count)
{
	uint64_t flags = 0;

	if (parse->conf.checksums != FG_CHECKSUMS_NIC)
		return parse->conf.checksums == FG_CHECKSUMS_VERIFY;
#pragma GCC unroll 8
	for (uint16_t i = 0; i < count; i++)
		flags |= pkts[i]->ol_flags;
	return (flags & (RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD)) != 0;
}

uint16_t BURST_NAME(VARIANT)(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			     struct fg_key *keys, struct fg_lcore_stats *stats)
{
	const struct fast_head head = fast_head(parse);
	struct rte_mbuf **const end = pkts + count;
	struct rte_mbuf **from = pkts;
	unsigned int kept = 0;
	struct drops drops;
	const bool check = must_check(parse, pkts, count);

	drops.count = 0;
	while (from < end) {
		struct rte_mbuf **const plain =
			parse_run(&head, from, end, pkts + kept, keys + kept, 0);
		struct rte_mbuf **tagged;
		int result;

		kept += (unsigned int)(plain - from);
		tagged = parse_run(&head, plain, end, pkts + kept, keys + kept, FAST_TAG_BYTES);
		kept += (unsigned int)(tagged - plain);
		from = tagged;
		/* After tagged packets plain ones may follow. Only a packet that is neither is
		 * left. */
		if (from == end || tagged > plain)
			continue;
		result = parse_any(parse, *from, &keys[kept]);
		if (result == PARSE_OK)
			pkts[kept++] = *from;
		else
			drops_add(&drops, *from, result);
		from++;
	}
	if (unlikely(check))
		kept = checksum_check_burst(parse, pkts, (uint16_t)kept, keys, &drops);
	if (unlikely(drops.count != 0))
		drops_settle(&drops, stats);
	return (uint16_t)kept;
}

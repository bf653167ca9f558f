/* SPDX-License-Identifier: MIT */
/* The sink that only counts: fg_sink_put() counts, and the packets are freed here. */
#include <rte_mbuf.h>

#include "kinds.h"

static const struct fg_option count_options[] = {{0}};

static uint16_t count_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			  uint16_t count)
{
	(void)sink;
	(void)lane;
	rte_pktmbuf_free_bulk(pkts, count);
	return count;
}

const struct fg_sink_ops fg_sink_count = {
	.name = "count",
	.help = "counts and frees",
	.options = count_options,
	.put = count_put,
};

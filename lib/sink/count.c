/* SPDX-License-Identifier: MIT */
/* The sink that only counts: fg_sink_put() does so, here the packets end. */
#include <rte_mbuf.h>

#include "kinds.h"

static const struct fg_option count_options[] = {{0}};

static int count_open(struct fg_sink *sink, const void *conf, struct fg_error *error)
{
	(void)conf;
	(void)error;
	sink->priv = NULL;
	return 0;
}

static int count_start(struct fg_sink *sink, struct fg_error *error)
{
	(void)sink;
	(void)error;
	return 0;
}

static uint16_t count_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			  uint16_t count)
{
	(void)sink;
	(void)lane;
	rte_pktmbuf_free_bulk(pkts, count);
	return count;
}

static int count_stop(struct fg_sink *sink, struct fg_error *error)
{
	(void)sink;
	(void)error;
	return 0;
}

static void count_close(struct fg_sink *sink)
{
	(void)sink;
}

const struct fg_sink_ops fg_sink_count = {
	.name = "count",
	.help = "counts and frees",
	.options = count_options,
	.conf_bytes = 1, /* no options; but a struct of no bytes may be allocated as NULL */
	.open = count_open,
	.start = count_start,
	.put = count_put,
	.stop = count_stop,
	.close = count_close,
};

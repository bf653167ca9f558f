/* SPDX-License-Identifier: MIT */
/*
 * The sink that sends packets out of a DPDK port without copying them; each lane
 * has a tx queue of its own. Packets are only read, since other sinks may hold
 * them too. A packet in memory that the device cannot reach (a kernel's ring) is
 * copied to an mbuf of its pool.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include <fg_burst.h>
#include <fg_log.h>
#include <fg_pool.h>
#include <fg_port.h>

#include "kinds.h"

struct port_conf {
	char *device;
};

static const struct fg_option port_options[] = {
	{.name = "device",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct port_conf, device),
	 .help = "PCI address or vdev name"},
	{0},
};

static int port_open(struct fg_sink *sink, const void *conf, struct fg_error *error)
{
	const struct port_conf *port_conf = conf;
	struct fg_error reason = {0};
	struct fg_port *port = NULL;
	const int rc = fg_port_claim_tx(port_conf->device, sink->n_lanes, &port, &reason);

	if (rc != 0)
		return fg_error_set(error, -rc, "sink %s (%u tx queues, one per lcore): %s",
				    sink->name, sink->n_lanes,
				    reason.text[0] != '\0' ? reason.text : strerror(-rc));
	if (sink->hold_max != 0)
		port->tx_descriptors_max = sink->hold_max / sink->n_lanes;
	sink->priv = port;
	return 0;
}

static int port_start(struct fg_sink *sink, struct fg_error *error)
{
	struct fg_port *port = sink->priv;
	struct fg_error reason = {0};
	const int rc = fg_port_start(port, &reason);

	if (rc != 0)
		return fg_error_set(error, -rc, "sink %s: %s", sink->name,
				    reason.text[0] != '\0' ? reason.text : strerror(-rc));
	return 0;
}

/*
 * What to send for @p pkts: they themselves, or copies of those out of reach.
 * @return how many; fewer than @p count if there is no mbuf for a copy.
 */
static uint16_t within_reach(struct rte_mbuf *const *pkts, uint16_t count, struct rte_mbuf **out)
{
	for (uint16_t i = 0; i < count; i++) {
		out[i] = pkts[i];
		if (unlikely(fg_packet_in_kernel(pkts[i]))) {
			out[i] = rte_pktmbuf_copy(pkts[i], pkts[i]->pool, 0, UINT32_MAX);
			if (out[i] == NULL)
				return i;
		}
	}
	return count;
}

static uint16_t port_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			 uint16_t count)
{
	struct fg_port *port = sink->priv;
	struct rte_mbuf *out[FG_BURST_MAX];
	uint16_t sent, ready;

	if (!fg_port_enter(port, lane))
		return 0; /* The device is gone. */
	ready = within_reach(pkts, (uint16_t)RTE_MIN(count, FG_BURST_MAX), out);
	sent = rte_eth_tx_burst(port->id, lane, out, ready);
	fg_port_leave(port, lane);
	/* Of a packet and its copy one is left: the original if the copy was sent, else the copy.
	 */
	for (uint16_t i = 0; i < ready; i++)
		if (unlikely(out[i] != pkts[i]))
			rte_pktmbuf_free(i < sent ? pkts[i] : out[i]);
	return sent;
}

/* Free what the device has sent; stopping the port frees the rest. */
static int port_stop(struct fg_sink *sink, struct fg_error *error)
{
	struct fg_port *port = sink->priv;

	(void)error;
	for (uint16_t lane = 0; lane < sink->n_lanes && !port->shut; lane++) {
		const int rc = rte_eth_tx_done_cleanup(port->id, lane, 0);

		if (rc < 0 && rc != -ENOTSUP)
			fg_log(WARNING, "sink %s: %s: tx queue %u: cleaning up: %s", sink->name,
			       port->name, lane, strerror(-rc));
	}
	fg_port_stop(port);
	return 0;
}

static void port_close(struct fg_sink *sink)
{
	fg_port_put(sink->priv);
	sink->priv = NULL;
}

const struct fg_sink_ops fg_sink_port = {
	.name = "port",
	.help = "sends packets out of a DPDK port",
	.options = port_options,
	.conf_bytes = sizeof(struct port_conf),
	.holds = true,
	.open = port_open,
	.start = port_start,
	.put = port_put,
	.stop = port_stop,
	.close = port_close,
};

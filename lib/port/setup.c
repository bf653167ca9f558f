/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>

#include <fg_log.h>
#include <fg_meta.h>

#include "device.h"

#define TX_DESCRIPTORS 1024u
/* For a queue that no lcore polls: the minimum that drivers accept. */
#define OWN_DESCRIPTORS 64u

/* Numbers of queues to configure. */
struct shape {
	uint16_t n_rx, n_tx;
};

static void set_rss(const struct device *d, const struct rte_eth_dev_info *info,
		    struct rte_eth_conf *conf)
{
	const uint64_t requested = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;
	const uint64_t hash = requested & info->flow_type_rss_offloads;

	if (d->rx == NULL || !d->rx_conf.rss || d->rx_conf.n_queues < 2)
		return;
	if (hash == 0) {
		fg_log(WARNING,
		       "port %s: driver %s has no RSS: it spreads packets over queues in its own "
		       "way",
		       d->port.name, d->port.driver);
		return;
	}
	/* No key: the driver's default. */
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = hash;
}

uint16_t device_max_mtu(const struct rte_eth_dev_info *info)
{
	const bool stated = info->max_mtu != 0 && info->max_mtu != UINT16_MAX;
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	if (stated && info->max_rx_pktlen > info->max_mtu)
		overhead = info->max_rx_pktlen - info->max_mtu;
	if (info->max_rx_pktlen <= overhead || info->max_rx_pktlen - overhead > UINT16_MAX)
		return stated ? info->max_mtu : UINT16_MAX;
	return (uint16_t)(info->max_rx_pktlen - overhead);
}

/*
 * Configuring with MTU 0 would set 1500. To leave the MTU unchanged the present value is
 * configured, unless it is outside of the range that the driver reports.
 */
static uint32_t choose_mtu(const struct device *d, const struct rte_eth_dev_info *info)
{
	uint16_t mtu = d->rx != NULL ? d->rx_conf.mtu : 0;

	if (mtu != 0)
		return mtu;
	if (rte_eth_dev_get_mtu(d->port.id, &mtu) != 0 || mtu < info->min_mtu ||
	    mtu > device_max_mtu(info))
		return 0;
	return mtu;
}

static int configure(struct device *d, const struct rte_eth_dev_info *info, struct shape shape,
		     struct fg_error *error)
{
	struct rte_eth_conf conf = {0};
	int rc;

	conf.rxmode.mtu = choose_mtu(d, info);
	if (d->rx != NULL && d->rx_conf.checksums)
		conf.rxmode.offloads = info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_CHECKSUM;
	conf.intr_conf.rmv = (*info->dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
	/* Packets of other ports may come in several segments. */
	conf.txmode.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	set_rss(d, info, &conf);

	rc = rte_eth_dev_configure(d->port.id, shape.n_rx, shape.n_tx, &conf);
	if (rc != 0)
		return fg_error_set(error, -rc,
				    "port %s: cannot configure %u rx and %u tx queues: %s",
				    d->port.name, shape.n_rx, shape.n_tx, strerror(-rc));
	if (d->rx == NULL || d->rx_conf.mtu == 0)
		return 0;
	/* Some drivers obey this call only, others the configuration only. */
	rc = rte_eth_dev_set_mtu(d->port.id, d->rx_conf.mtu);
	if (rc == -ENOTSUP) {
		fg_log(NOTICE, "port %s: driver %s cannot set the MTU", d->port.name,
		       d->port.driver);
		return 0;
	}
	if (rc != 0)
		return fg_error_set(error, -rc, "port %s: cannot set MTU %u: %s", d->port.name,
				    d->rx_conf.mtu, strerror(-rc));
	return 0;
}

/* Create the pool for rx queues that no lcore polls. */
static int make_own_pool(struct device *d, uint16_t n_queues, struct fg_error *error)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	if (d->own_pool != NULL) {
		rte_mempool_free(d->own_pool);
		d->own_pool = NULL;
	}
	snprintf(name, sizeof(name), "fg_port_%u", d->port.id);
	/* Drivers may use more than OWN_DESCRIPTORS: net_af_xdp takes 2048 mbufs. */
	d->own_pool = rte_pktmbuf_pool_create(name, 2560u * n_queues, 0, FG_META_BYTES,
					      RTE_MBUF_DEFAULT_BUF_SIZE, d->port.socket_id);
	if (d->own_pool == NULL)
		return fg_error_set(error, rte_errno, "port %s: no memory for a packet pool: %s",
				    d->port.name, rte_strerror(rte_errno));
	return 0;
}

static int setup_rx(struct device *d, const struct rte_eth_dev_info *info, uint16_t n_queues,
		    uint16_t descriptors, struct fg_error *error)
{
	struct rte_mempool *pool = d->rx_conf.pool;
	struct rte_eth_rxconf conf = info->default_rxconf;
	int rc;

	if (d->rx == NULL && n_queues > 0) {
		rc = make_own_pool(d, n_queues, error);
		if (rc != 0)
			return rc;
		pool = d->own_pool;
	}
	conf.offloads = 0;
	for (uint16_t queue = 0; queue < n_queues; queue++) {
		rc = rte_eth_rx_queue_setup(d->port.id, queue, descriptors,
					    (unsigned int)d->port.socket_id, &conf, pool);
		if (rc != 0)
			return fg_error_set(
				error, -rc,
				"port %s: cannot set up rx queue %u with %u descriptors "
				"and %u mbufs: %s",
				d->port.name, queue, descriptors, pool->size, strerror(-rc));
	}
	return 0;
}

static int setup_tx(struct device *d, const struct rte_eth_dev_info *info, uint16_t n_queues,
		    uint16_t descriptors, struct fg_error *error)
{
	struct rte_eth_txconf conf = info->default_txconf;

	conf.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	for (uint16_t queue = 0; queue < n_queues; queue++) {
		const int rc = rte_eth_tx_queue_setup(d->port.id, queue, descriptors,
						      (unsigned int)d->port.socket_id, &conf);
		if (rc != 0)
			return fg_error_set(
				error, -rc,
				"port %s: cannot set up tx queue %u with %u descriptors: %s",
				d->port.name, queue, descriptors, strerror(-rc));
	}
	return 0;
}

/* Enable promiscuous or allmulticast mode. A driver without the mode is no error: most need none.
 */
static int set_filter(const struct device *d, const char *what, int (*enable)(uint16_t port),
		      struct fg_error *error)
{
	const int rc = enable(d->port.id);

	if (rc == -ENOTSUP) {
		fg_log(INFO, "port %s: driver %s has no %s mode", d->port.name, d->port.driver,
		       what);
		return 0;
	}
	if (rc != 0)
		return fg_error_set(error, -rc, "port %s: cannot enable %s mode: %s", d->port.name,
				    what, strerror(-rc));
	return 0;
}

static int set_filters(const struct device *d, struct fg_error *error)
{
	struct rte_eth_link link;
	int rc = 0;

	if (d->rx == NULL)
		return 0;
	if (d->rx_conf.promiscuous)
		rc = set_filter(d, "promiscuous", rte_eth_promiscuous_enable, error);
	if (rc == 0 && d->rx_conf.allmulticast)
		rc = set_filter(d, "allmulticast", rte_eth_allmulticast_enable, error);
	if (rc == 0 && rte_eth_link_get_nowait(d->port.id, &link) == 0 &&
	    link.link_status == RTE_ETH_LINK_DOWN)
		fg_log(WARNING, "port %s: link is down", d->port.name);
	return rc;
}

int device_run(struct device *d, struct fg_error *error)
{
	int rc = rte_eth_dev_start(d->port.id);

	if (rc != 0)
		return fg_error_set(error, -rc, "port %s: cannot start: %s", d->port.name,
				    strerror(-rc));
	rc = set_filters(d, error);
	if (rc != 0)
		(void)rte_eth_dev_stop(d->port.id);
	return rc;
}

/* @step: set to the number of completed steps: the more, the more specific is the error. */
static int try_shape(struct device *d, const struct rte_eth_dev_info *info, struct shape shape,
		     unsigned int *step, struct fg_error *error)
{
	uint16_t rx_descriptors = d->rx != NULL ? d->rx_conf.descriptors : OWN_DESCRIPTORS;
	uint16_t tx_descriptors = TX_DESCRIPTORS;
	int rc = configure(d, info, shape, error);

	*step = 1;
	if (rc != 0)
		return rc;
	if (d->tx != NULL && d->tx->port.tx_descriptors_max != 0)
		tx_descriptors = (uint16_t)RTE_MIN(d->tx->port.tx_descriptors_max, TX_DESCRIPTORS);
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(d->port.id, &rx_descriptors, &tx_descriptors);
	if (rc != 0)
		return fg_error_set(error, -rc, "port %s: cannot adjust descriptors: %s",
				    d->port.name, strerror(-rc));
	*step = 2;
	rc = setup_rx(d, info, shape.n_rx, rx_descriptors, error);
	if (rc == 0)
		rc = setup_tx(d, info, shape.n_tx, tx_descriptors, error);
	if (rc != 0)
		return rc;
	*step = 3;
	return device_run(d, error);
}

static uint16_t larger(uint16_t a, uint16_t b)
{
	return a > b ? a : b;
}

/* net_vhost does not start, and net_memif refuses most peers, without queues of both directions. */
static bool needs_both(const struct device *d)
{
	return strcmp(d->port.driver, "net_vhost") == 0 || strcmp(d->port.driver, "net_memif") == 0;
}

/*
 * Numbers of queues to try in turn. Some drivers require a queue of each direction, others
 * (net_af_xdp) the same number of both. If rx queues are polled, none are added, since packets in
 * the additional ones would be lost. The exception is net_ring: it does not spread packets, and
 * only a queue pair with an rx queue can be drained.
 */
static void list_shapes(const struct device *d, struct shape shapes[3])
{
	const bool both = needs_both(d);
	const uint16_t n_rx = d->rx != NULL ? d->rx_conf.n_queues : both;
	const uint16_t n_tx = d->tx != NULL ? d->n_tx : both;
	const bool ring = strcmp(d->port.driver, "net_ring") == 0;

	shapes[0] = (struct shape){ring ? larger(n_rx, n_tx) : n_rx, n_tx};
	shapes[1] = (struct shape){larger(shapes[0].n_rx, 1), larger(n_tx, 1)};
	shapes[2].n_tx = larger(shapes[1].n_rx, shapes[1].n_tx);
	shapes[2].n_rx = d->rx != NULL ? shapes[0].n_rx : shapes[2].n_tx;
}

int device_setup(struct device *d, struct fg_error *error)
{
	struct fg_error best = {0};
	struct rte_eth_dev_info info;
	struct shape shapes[3];
	unsigned int best_step = 0;
	int best_rc = 0;
	int rc = rte_eth_dev_info_get(d->port.id, &info);

	if (rc != 0)
		return fg_error_set(error, -rc, "port %s: cannot read its abilities: %s",
				    d->port.name, strerror(-rc));
	list_shapes(d, shapes);
	d->touched = true;
	for (unsigned int i = 0; i < RTE_DIM(shapes); i++) {
		struct fg_error reason = {0};
		unsigned int step;

		if (i > 0 &&
		    (shapes[i].n_rx > info.max_rx_queues || shapes[i].n_tx > info.max_tx_queues ||
		     memcmp(&shapes[i], &shapes[i - 1], sizeof(shapes[i])) == 0))
			continue;
		rc = try_shape(d, &info, shapes[i], &step, &reason);
		if (rc == 0) {
			d->configured = true;
			d->n_rx_queues = shapes[i].n_rx;
			return 0;
		}
		if (step > best_step) {
			best = reason;
			best_step = step;
			best_rc = rc;
		}
	}
	return fg_error_set(error, -best_rc, "%s", best.text);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include <fg_burst.h>
#include <fg_dpdk.h>
#include <fg_log.h>
#include <fg_meta.h>

#include "device.h"

static_assert(offsetof(struct claim, port) == 0, "a claim is found by its port");

static struct claim *claim_of(struct fg_port *port)
{
	return (struct claim *)port;
}

/* Write the names of all ports, "net_null0, net_pcap0", for messages. */
static void list_ports(char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "none: name one with -a or --vdev");
	for (uint64_t id = rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
	     id < RTE_MAX_ETHPORTS;
	     id = rte_eth_find_next_owned_by((uint16_t)(id + 1), RTE_ETH_DEV_NO_OWNER)) {
		char name[RTE_ETH_NAME_MAX_LEN];

		if (used >= size || fg_dpdk_port_name((uint16_t)id, name) != 0)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
					 name);
	}
}

/* EAL knows a PCI device by the name it was given: with the domain or without. */
static int get_id(const char *name, uint16_t *id)
{
	char other[RTE_ETH_NAME_MAX_LEN];

	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return 0;
	if (strncmp(name, "0000:", 5) == 0)
		return rte_eth_dev_get_port_by_name(name + 5, id);
	if (snprintf(other, sizeof(other), "0000:%s", name) >= (int)sizeof(other))
		return -ENODEV;
	return rte_eth_dev_get_port_by_name(other, id);
}

int fg_port_find(const char *name, struct fg_port *out, struct fg_error *error)
{
	struct rte_eth_dev_info info = {0};
	char ports[512];
	uint16_t id;
	int rc;

	if (get_id(name, &id) != 0) {
		list_ports(ports, sizeof(ports));
		return fg_error_set(error, ENODEV, "no port '%s'; EAL has %s", name, ports);
	}
	rc = rte_eth_dev_info_get(id, &info);
	if (rc != 0)
		return fg_error_set(error, -rc, "port %s: cannot read its abilities: %s", name,
				    strerror(-rc));
	memset(out, 0, sizeof(*out));
	out->id = id;
	out->socket_id = rte_eth_dev_socket_id(id);
	(void)fg_dpdk_port_name(id, out->name);
	snprintf(out->driver, sizeof(out->driver), "%s", info.driver_name);
	return 0;
}
static_assert(sizeof(((struct fg_port *)0)->name) >= RTE_ETH_NAME_MAX_LEN, "a name fits");

/* The device of @port: from the list, or new. NULL without memory. */
static struct device *get_device(const struct fg_port *port, const struct rte_eth_dev_info *info)
{
	struct device *d;

	TAILQ_FOREACH (d, &devices, next)
		if (d->port.id == port->id && device_exists(d))
			return d;
	d = calloc(1, sizeof(*d));
	if (d != NULL) {
		d->port = *port;
		device_enlist(d, info);
	}
	return d;
}

/* Close and free a device that has no claims. */
static void release_device(struct device *d)
{
	if (d->rx != NULL || d->tx != NULL)
		return;
	device_delist(d, d->touched);
	rte_mempool_free(d->own_pool);
	free(d);
}

static void free_claim(struct claim *claim)
{
	if (claim == NULL)
		return;
	free(claim->port.visits);
	free(claim);
}

static struct claim *make_claim(const struct fg_port *port, uint16_t n_queues)
{
	struct claim *claim = calloc(1, sizeof(*claim));
	const size_t bytes = RTE_MAX(n_queues, 1u) * sizeof(struct fg_port_visit);

	if (claim == NULL)
		return NULL;
	claim->port = *port;
	claim->n_queues = n_queues;
	claim->port.visits = aligned_alloc(sizeof(struct fg_port_visit), bytes);
	if (claim->port.visits == NULL) {
		free(claim);
		return NULL;
	}
	memset(claim->port.visits, 0, bytes);
	return claim;
}

static int check_queues(const struct fg_port *port, const char *direction, uint16_t count,
			uint16_t max, struct fg_error *error)
{
	if (count >= 1 && count <= max)
		return 0;
	return fg_error_set(error, EINVAL,
			    "port %s: %u %s queues requested, driver %s has 1 to %u for it",
			    port->name, count, direction, port->driver, max);
}

static int check_mtu(const struct fg_port *port, uint16_t mtu, const struct rte_eth_dev_info *info,
		     struct fg_error *error)
{
	const uint16_t max = device_max_mtu(info);

	if (mtu == 0 || (mtu >= info->min_mtu && mtu <= max))
		return 0;
	return fg_error_set(error, EINVAL, "port %s: MTU %u requested, driver %s supports %u to %u",
			    port->name, mtu, port->driver, info->min_mtu, max);
}

/*
 * Find the port, check the request, and claim one direction.
 * @rx: configuration for receiving, or NULL to transmit with @n_tx queues.
 */
static int claim_port(const char *name, const struct fg_port_rx *rx, uint16_t n_tx,
		      struct fg_port **out, struct fg_error *error)
{
	struct rte_eth_dev_info info = {0};
	struct fg_port port = {0};
	struct device *d;
	struct claim *claim;
	int rc = fg_port_find(name, &port, error);

	if (rc != 0)
		return rc;
	if (rte_eth_dev_info_get(port.id, &info) != 0)
		return fg_error_set(error, EIO, "port %s: cannot read its abilities", name);
	claim = make_claim(&port, rx != NULL ? rx->n_queues : n_tx);
	d = claim != NULL ? get_device(&port, &info) : NULL;
	if (d == NULL) {
		free_claim(claim);
		return fg_error_set(error, ENOMEM, "port %s: out of memory", name);
	}
	if ((rx != NULL ? d->rx : d->tx) != NULL)
		rc = fg_error_set(error, EBUSY, "port %s is in use already by another %s", name,
				  rx != NULL ? "source" : "sink");
	else if (d->touched)
		rc = fg_error_set(error, EBUSY, "port %s has been started already", name);
	else if (rx != NULL)
		rc = check_queues(&port, "receive", rx->n_queues, info.max_rx_queues, error);
	else
		rc = check_queues(&port, "transmit", n_tx, info.max_tx_queues, error);
	if (rc == 0 && rx != NULL)
		rc = check_mtu(&port, rx->mtu, &info, error);
	if (rc != 0) {
		free_claim(claim);
		release_device(d);
		return rc;
	}
	claim->device = d;
	if (rx != NULL) {
		d->rx = claim;
		d->rx_conf = *rx;
	} else {
		d->tx = claim;
		d->n_tx = n_tx;
	}
	*out = &claim->port;
	return 0;
}

int fg_port_claim_rx(const char *name, const struct fg_port_rx *rx, struct fg_port **out,
		     struct fg_error *error)
{
	return claim_port(name, rx, 0, out, error);
}

int fg_port_claim_tx(const char *name, uint16_t n_queues, struct fg_port **out,
		     struct fg_error *error)
{
	return claim_port(name, NULL, n_queues, out, error);
}

int fg_port_start(struct fg_port *port, struct fg_error *error)
{
	struct claim *claim = claim_of(port);
	struct device *d = claim->device;
	int rc = 0;

	if (claim->started)
		return 0;
	if (d->n_started == 0 && device_exists(d))
		rc = d->configured ? device_run(d, error) : device_setup(d, error);
	if (rc != 0)
		return rc;
	claim->started = true;
	d->n_started++;
	return 0;
}

/* net_ring frees its rings, but not the packets in them, which belong to the pool of the sender. */
static void drain(const struct device *d)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint16_t count;

	if (strcmp(d->port.driver, "net_ring") != 0)
		return;
	for (uint16_t queue = 0; queue < d->n_rx_queues; queue++)
		while ((count = rte_eth_rx_burst(d->port.id, queue, pkts, FG_BURST_MAX)) > 0)
			rte_pktmbuf_free_bulk(pkts, count);
}

void fg_port_stop(struct fg_port *port)
{
	struct claim *claim = claim_of(port);
	struct device *d = claim->device;
	int rc;

	if (!claim->started)
		return;
	claim->started = false;
	if (--d->n_started > 0 || !device_exists(d))
		return;
	drain(d);
	/* Drivers of kernel interfaces set the interface's flags, and do not reset them. */
	(void)rte_eth_promiscuous_disable(d->port.id);
	(void)rte_eth_allmulticast_disable(d->port.id);
	rc = rte_eth_dev_stop(d->port.id);
	if (rc != 0)
		fg_log(WARNING, "port %s: stopping it: %s", d->port.name, strerror(-rc));
}

void fg_port_put(struct fg_port *port)
{
	struct claim *claim;
	struct device *d;

	if (port == NULL)
		return;
	claim = claim_of(port);
	d = claim->device;
	fg_port_stop(port);
	if (d->rx == claim)
		d->rx = NULL;
	else
		d->tx = NULL;
	free_claim(claim);
	release_device(d);
}

/* SPDX-License-Identifier: MIT */
/**
 * @file
 * One DPDK port, whoever uses it.
 *
 * A port is configured once, but a source may receive on it and a sink send
 * on it. Both ask here first (fg_port_want_rx, fg_port_want_tx), then
 * fg_port_start() configures queues for both and starts the port. Ports are
 * found by name: a PCI address or a vdev's name, as EAL was told of it.
 *
 * Each claim has a struct fg_port of its own. The device runs while at least
 * one claim is started, and is closed when the last claim is given back.
 *
 * All functions: control thread.
 */
#ifndef FG_PORT_H
#define FG_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

struct rte_mempool;

/** What a source asks of a port. */
struct fg_port_rx {
	uint16_t n_queues;    /**< >= 1. */
	uint16_t descriptors; /**< Per queue; adjusted to what the driver allows. */
	uint16_t mtu;         /**< 0: leave as it is. */
	bool rss;             /**< Spread over queues by address and port, where the driver can. */
	bool promiscuous;
	bool allmulticast;
	struct rte_mempool *pool; /**< Packets are taken from it; outlives the port. */
};

/** A port in use. */
struct fg_port {
	uint16_t id;   /**< DPDK's port id. */
	int socket_id; /**< NUMA node, or SOCKET_ID_ANY. */
	char name[64]; /**< As EAL calls it. */
	char driver[64];
};

/**
 * Find a port without claiming it: where its memory should be, what drives it.
 * @param out  Filled on success.
 * @return 0; -ENODEV: EAL has no such port (the error lists those it has); or
 *         -errno as the driver gave it.
 */
int fg_port_find(const char *name, struct fg_port *out, struct fg_error *error);

/**
 * Find a port and claim one direction of it.
 *
 * @param rx   Copied.
 * @param out  Set on success; give it back with fg_port_put().
 * @return 0; -ENODEV as fg_port_find(); -EBUSY: this direction is claimed
 *         already, or the port has been started; -EINVAL: more queues, a
 *         larger MTU, ... than the driver has; -ENOMEM.
 */
int fg_port_want_rx(const char *name, const struct fg_port_rx *rx, struct fg_port **out,
		    struct fg_error *error);

/** The same to send; @p n_queues: one per lcore that will. */
int fg_port_want_tx(const char *name, uint16_t n_queues, struct fg_port **out,
		    struct fg_error *error);

/**
 * Configure (the first time, for the claims there are) and start; does nothing
 * when it runs already. May be called again after fg_port_stop().
 * @return 0 or -errno as the driver gave it.
 */
int fg_port_start(struct fg_port *port, struct fg_error *error);

/**
 * Stop, when every claim that was started has said so. Packets still in a
 * software ring of the device (net_ring) are freed, so nobody may poll or send.
 */
void fg_port_stop(struct fg_port *port);

/**
 * Give one claim back, stopping it first if need be. The last one closes the
 * device if it was ever configured; EAL no longer has it then. NULL is allowed.
 */
void fg_port_put(struct fg_port *port);

#endif /* FG_PORT_H */

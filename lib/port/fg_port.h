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
 * A device may be unplugged while lcores use it. They say when they are at it
 * (fg_port_enter, fg_port_leave); fg_port_watch() shuts the gate, waits until
 * nobody is inside, and closes the device. It does not come back.
 *
 * All functions: control thread, but for those that say otherwise.
 */
#ifndef FG_PORT_H
#define FG_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

struct rte_eth_stats;
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

/** An lcore at one queue; written by it. */
struct fg_port_visit {
	_Atomic bool inside;
} __attribute__((aligned(128)));

/** A port in use. */
struct fg_port {
	uint16_t id;                  /**< DPDK's port id. */
	_Atomic bool shut;            /**< Written by control: the device is not to be touched. */
	struct fg_port_visit *visits; /**< One per queue claimed; NULL from fg_port_find(). */
	int socket_id;                /**< NUMA node, or SOCKET_ID_ANY. */
	char name[64];                /**< As EAL calls it. */
	char driver[64];
};

/** How a port's device is. */
enum fg_port_state {
	FG_PORT_UP,
	FG_PORT_DOWN, /**< No carrier, or taken down. */
	FG_PORT_GONE, /**< Unplugged or removed. */
};

/**
 * May @p queue be used? Hot. If so, the device stays until fg_port_leave().
 * Threads: one per queue.
 */
static inline bool fg_port_enter(struct fg_port *port, uint16_t queue)
{
	struct fg_port_visit *visit = &port->visits[queue];

	atomic_store_explicit(&visit->inside, true, memory_order_relaxed);
	/* The store comes before the load: here by order of the program, to the other thread by
	 * its membarrier(2). */
	atomic_signal_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&port->shut, memory_order_relaxed))
		return true;
	atomic_store_explicit(&visit->inside, false, memory_order_release);
	return false;
}

/** The lcore is done with @p queue for now. Hot. Threads: as fg_port_enter(). */
static inline void fg_port_leave(struct fg_port *port, uint16_t queue)
{
	atomic_store_explicit(&port->visits[queue].inside, false, memory_order_release);
}

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
 * when it runs already, or is gone. May be called again after fg_port_stop().
 * @return 0 or -errno as the driver gave it.
 */
int fg_port_start(struct fg_port *port, struct fg_error *error);

/**
 * Look after every claimed device: is it there, has it a link? Drivers are
 * asked a few times a second at most, however often this is called. A device
 * that was unplugged is closed as soon as no lcore is at it.
 * @return how the device of @p port is; UP if @p port is NULL.
 */
enum fg_port_state fg_port_watch(const struct fg_port *port);

/**
 * The device's counters as rte_eth_stats_get() gives them; zero before the
 * first start. Of a device that is gone the last ones: packets that were still
 * in its queues are in imissed.
 * @return 0 or -errno.
 */
int fg_port_stats(const struct fg_port *port, struct rte_eth_stats *stats);

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

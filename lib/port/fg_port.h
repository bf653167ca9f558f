/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A DPDK port (ethdev) that a source and a sink may share.
 *
 * DPDK configures a port once for both directions. So a source first claims the receive direction
 * (fg_port_claim_rx) and a sink the transmit direction (fg_port_claim_tx); then fg_port_start()
 * configures the queues of both and starts the port. Ports are found by name: a PCI address or the
 * name of a vdev, as given to EAL.
 *
 * Each claim has its own struct fg_port. The device runs while at least one claim is started, and
 * is closed when the last claim is released.
 *
 * A device may be unplugged while lcores use it. Lcores mark each use (fg_port_enter,
 * fg_port_leave). fg_port_watch() prevents new uses, waits until none is left, and closes the
 * device. An unplugged device does not come back.
 *
 * Threads: control, except where stated.
 */
#ifndef FG_PORT_H
#define FG_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

struct rte_eth_stats;
struct rte_mempool;

/** Configuration of the receive direction. */
struct fg_port_rx {
	uint16_t n_queues;    /**< >= 1. */
	uint16_t descriptors; /**< Per queue; adjusted to what the driver allows. */
	uint16_t mtu;         /**< Bytes; 0: unchanged. */
	bool rss;             /**< Spread over queues by address and port, if the driver can. */
	bool promiscuous;
	bool allmulticast;
	bool checksums; /**< Have the NIC check checksums of IPv4, UDP and TCP, as far as it can. */
	struct rte_mempool *pool; /**< Pool of received packets; outlives the port. */
};

/** Is an lcore using a queue? Written by that lcore, read by control. */
struct fg_port_visit {
	_Atomic bool inside;
} __attribute__((aligned(128)));

/** A claim on one direction of a port. */
struct fg_port {
	uint16_t id;                  /**< DPDK's port id. */
	_Atomic bool shut;            /**< Written by control: the device must not be used. */
	struct fg_port_visit *visits; /**< One per claimed queue; NULL from fg_port_find(). */
	int socket_id;                /**< NUMA node, or SOCKET_ID_ANY. */
	/** Of a claim to transmit, before its first start: packets that a queue may hold; 0: as
	 * many as usual. A driver's minimum goes before it. */
	uint32_t tx_descriptors_max;
	char name[64]; /**< EAL's name of the port. */
	char driver[64];
};

/** State of a port's device. */
enum fg_port_state {
	FG_PORT_UP,
	FG_PORT_DOWN, /**< No carrier, or set down. */
	FG_PORT_GONE, /**< Unplugged or removed. */
};

/**
 * Begin to use @p queue. Hot.
 * @return true: the device exists until fg_port_leave(); false: it was unplugged and must not be
 * used. Threads: one lcore per queue.
 */
static inline bool fg_port_enter(struct fg_port *port, uint16_t queue)
{
	struct fg_port_visit *visit = &port->visits[queue];

	atomic_store_explicit(&visit->inside, true, memory_order_relaxed);
	/* The store must come before the load. The fence keeps the compiler from reordering them;
	 * membarrier(2) on the other thread keeps the CPU from it. */
	atomic_signal_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&port->shut, memory_order_relaxed))
		return true;
	atomic_store_explicit(&visit->inside, false, memory_order_release);
	return false;
}

/** End the use of @p queue. Hot. Threads: as fg_port_enter(). */
static inline void fg_port_leave(struct fg_port *port, uint16_t queue)
{
	atomic_store_explicit(&port->visits[queue].inside, false, memory_order_release);
}

/**
 * Find a port without claiming it, for its NUMA node and driver.
 * @param out  Filled on success.
 * @return 0, or with @p error set: -ENODEV: EAL has no such port (the message lists those that it
 * has); or the driver's -errno.
 */
int fg_port_find(const char *name, struct fg_port *out, struct fg_error *error);

/**
 * Find a port and claim its receive direction.
 *
 * @param rx   Copied.
 * @param out  Set on success; release it with fg_port_put().
 * @return 0, or with @p error set: -ENODEV as fg_port_find(); -EBUSY: the direction is claimed, or
 * the port was started; -EINVAL: the driver does not support so many queues or this MTU; -ENOMEM.
 */
int fg_port_claim_rx(const char *name, const struct fg_port_rx *rx, struct fg_port **out,
		     struct fg_error *error);

/** Claim the transmit direction. @p n_queues: one per lcore that transmits. As fg_port_claim_rx().
 */
int fg_port_claim_tx(const char *name, uint16_t n_queues, struct fg_port **out,
		     struct fg_error *error);

/**
 * Start a claim. The first start configures the device for all present claims. Does nothing more if
 * the device runs, or was unplugged. May be called again after fg_port_stop().
 * @return 0, or the driver's -errno with @p error set.
 */
int fg_port_start(struct fg_port *port, struct fg_error *error);

/**
 * Check every claimed device for removal and link state. However often it is called, it queries the
 * drivers a few times a second at most. Closes an unplugged device once no lcore uses it.
 * @return the state of @p port's device; FG_PORT_UP if @p port is NULL.
 */
enum fg_port_state fg_port_watch(const struct fg_port *port);

/**
 * The device's counters as from rte_eth_stats_get(); zero before the first start. For an unplugged
 * device the last ones, whose imissed includes the packets left in its queues.
 * @return 0 or -errno.
 */
int fg_port_stats(const struct fg_port *port, struct rte_eth_stats *stats);

/**
 * Stop a claim. The last one stops the device, and frees packets that are left in a software ring
 * (net_ring). No lcore may poll or transmit.
 */
void fg_port_stop(struct fg_port *port);

/**
 * Release a claim, after stopping it if necessary. The last one closes the device if it was
 * configured; EAL then no longer has the port. NULL is allowed.
 */
void fg_port_put(struct fg_port *port);

#endif /* FG_PORT_H */

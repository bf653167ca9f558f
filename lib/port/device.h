/* SPDX-License-Identifier: MIT */
/*
 * Private to port: a DPDK port and the claims on it. fg_port.c manages claims, setup.c configures
 * the port, watch.c handles its removal.
 */
#ifndef PORT_DEVICE_H
#define PORT_DEVICE_H

#include <sys/queue.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <fg_port.h>

/* One direction of a device, receive or transmit, in use by a source or a sink. */
struct claim {
	struct fg_port port; /* Handed to the user. First, so that its address is the claim's. */
	struct device *device;
	uint16_t n_queues;
	bool started;
};

enum presence {
	PRESENT,
	LEAVING, /* Unplugged; lcores may still be using it. */
	CLOSED,  /* Unplugged and closed: its port id may belong to another device. */
};

/* A DPDK port. Only control uses it, except where stated. */
struct device {
	TAILQ_ENTRY(device) next;
	struct fg_port port;
	struct claim *rx, *tx;     /* NULL: that direction is not claimed. */
	struct fg_port_rx rx_conf; /* Valid while rx is claimed. */
	uint16_t n_tx;             /* Queues; 0 while tx is not claimed. */
	unsigned int n_started;    /* Started claims. */
	uint16_t n_rx_queues; /* As configured: those claimed, or more if the driver needs it. */
	bool configured;      /* Queues are set up: no further claims. */
	bool touched;         /* Configuration was tried: the driver may hold packets. */
	struct rte_mempool *own_pool; /* For unused rx queues that a driver requires; or NULL. */

	/* watch.c */
	struct rte_device *bus_device;       /* Valid while present. */
	char bus_name[RTE_DEV_NAME_MAX_LEN]; /* Of bus_device. */
	bool on_pci;
	unsigned int if_index; /* Kernel interface that a vdev is built on; 0: none. */
	enum presence presence;
	bool link_up;
	uint64_t next_query_ns;
	struct rte_eth_stats last; /* Last counters of a closed device. */
	/* Written by EAL's threads, read by control. */
	_Atomic bool unplugged; /* Control must close it. */
	_Atomic bool destroyed; /* Another part of the program has closed it. */
};
TAILQ_HEAD(device_list, device);

/* All claimed devices. Control changes the list under watch.c's lock; EAL's threads read it. */
extern struct device_list devices;

/* Add a new device, whose port is set, to the list, and register for its removal with EAL. */
void device_enlist(struct device *device, const struct rte_eth_dev_info *info);

/* The device is not closed: its port id is valid. */
bool device_exists(const struct device *device);

/* Remove it from the list. If it exists and @close is set, close it. Does not free it. */
void device_delist(struct device *device, bool close);

/* The largest MTU that the driver's longest frame allows. */
uint16_t device_max_mtu(const struct rte_eth_dev_info *info);

/* Configure queues for the claims, and start. 0, or -errno with @error set. */
int device_setup(struct device *device, struct fg_error *error);

/* Start a configured device, and enable promiscuous and allmulticast mode. 0, or -errno with @error
 * set. */
int device_run(struct device *device, struct fg_error *error);

#endif /* PORT_DEVICE_H */

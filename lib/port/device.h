/* SPDX-License-Identifier: MIT */
/* A DPDK port and the claims on it: what fg_port.c keeps and setup.c configures. */
#ifndef PORT_DEVICE_H
#define PORT_DEVICE_H

#include <sys/queue.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <fg_port.h>

/* One user's hold on one direction of a device. */
struct claim {
	struct fg_port port; /* What the user sees; first, so that a pointer to it is one to us. */
	struct device *device;
	uint16_t n_queues;
	bool started;
};

enum presence {
	PRESENT,
	LEAVING, /* Unplugged; lcores may still be at it. */
	CLOSED,  /* Unplugged, and closed: its port id may be another's. */
};

/* A DPDK port. Control's own, but for what says otherwise. */
struct device {
	TAILQ_ENTRY(device) next;
	struct fg_port port;
	struct claim *rx, *tx;        /* NULL: nobody claimed that direction. */
	struct fg_port_rx rx_want;    /* Valid while rx is claimed. */
	uint16_t n_tx;                /* Queues; 0 while tx is not claimed. */
	unsigned int n_started;       /* Claims that said start. */
	uint16_t n_rx_queues;         /* As configured: those wanted, or what the driver needs. */
	bool configured;              /* Queues are set up: no further claims. */
	bool touched;                 /* Was configured or tried to: the driver may hold packets. */
	struct rte_mempool *own_pool; /* For rx queues that a driver insists on; or NULL. */

	/* watch.c */
	struct rte_device *bus_device;       /* Valid while present. */
	char bus_name[RTE_DEV_NAME_MAX_LEN]; /* Of bus_device. */
	bool on_pci;
	unsigned int if_index; /* The kernel interface that a vdev works on; 0: none. */
	enum presence presence;
	bool link_up;
	uint64_t next_look_ns;
	struct rte_eth_stats last; /* Of a device that is closed. */
	/* Written by EAL's threads. */
	_Atomic bool unplugged; /* To be closed by us. */
	_Atomic bool destroyed; /* Somebody else has closed it. */
};
TAILQ_HEAD(device_list, device);

/* All that somebody claims. Control changes the list under the lock; EAL's threads read it. */
extern struct device_list devices;

/* A new device, whose port is set: put it on the list, and hear from EAL if it goes. */
void device_enlist(struct device *device, const struct rte_eth_dev_info *info);

/* It was not closed: its port id is its own. */
bool device_exists(const struct device *device);

/* Off the list. If it is still there and @p close is set, it is closed. Not freed. */
void device_delist(struct device *device, bool close);

/* The largest MTU that the driver's longest frame allows. */
uint16_t device_max_mtu(const struct rte_eth_dev_info *info);

/* Configure queues for the claims and start. 0 or -errno with error set. */
int device_setup(struct device *device, struct fg_error *error);

/* Start a configured device, then set what only holds while it runs. */
int device_run(struct device *device, struct fg_error *error);

#endif /* PORT_DEVICE_H */

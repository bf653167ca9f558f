/* SPDX-License-Identifier: MIT */
/* A DPDK port and the claims on it: what fg_port.c keeps and setup.c configures. */
#ifndef PORT_DEVICE_H
#define PORT_DEVICE_H

#include <sys/queue.h>

#include <fg_port.h>

struct claim;
struct rte_eth_dev_info;

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
};

/* The largest MTU that the driver's longest frame allows. */
uint16_t device_max_mtu(const struct rte_eth_dev_info *info);

/* Configure queues for the claims and start. 0 or -errno with error set. */
int device_setup(struct device *device, struct fg_error *error);

/* Start a configured device, then set what only holds while it runs. */
int device_run(struct device *device, struct fg_error *error);

#endif /* PORT_DEVICE_H */

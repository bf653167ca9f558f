/* SPDX-License-Identifier: MIT */
/*
 * Detects the removal of devices, and their link state.
 *
 * EAL reports an unplugged device on threads of its own: the bus reports a PCI device (vfio-pci
 * then waits for its release), a driver any device, and ethdev when a port is released. A driver of
 * a kernel interface does not learn of the interface's removal: control queries the kernel. Control
 * closes the device; see shut().
 */
#define ALLOW_EXPERIMENTAL_API /* rte_dev_event_*(), until DPDK 24.11 */
#include <errno.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_cycles.h>

#include <fg_burst.h>
#include <fg_log.h>
#include <fg_meta.h>
#include <fg_monotonic.h>

#include "device.h"

#define QUERY_INTERVAL_NS 250000000u
#define NO_BARRIER_US                                                                              \
	10000u /* Instead of a barrier: far longer than a store needs to become visible. */

struct device_list devices = TAILQ_HEAD_INITIALIZER(devices);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Runs on a thread of EAL. */
static int on_port_event(uint16_t port_id, enum rte_eth_event_type event, void *arg, void *result)
{
	struct device *d;

	(void)arg;
	(void)result;
	pthread_mutex_lock(&lock);
	TAILQ_FOREACH (d, &devices, next) {
		if (d->port.id != port_id)
			continue;
		atomic_store(event == RTE_ETH_EVENT_DESTROY ? &d->destroyed : &d->unplugged, true);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

/* Runs on a thread of EAL. A device may have several ports. */
static void on_bus_event(const char *name, enum rte_dev_event_type event, void *arg)
{
	struct device *d;

	(void)arg;
	if (event != RTE_DEV_EVENT_REMOVE || name == NULL)
		return;
	pthread_mutex_lock(&lock);
	TAILQ_FOREACH (d, &devices, next)
		if (strcmp(d->bus_name, name) == 0)
			atomic_store(&d->unplugged, true);
	pthread_mutex_unlock(&lock);
}

/*
 * Called once for all devices, and never undone: DPDK 22.11 removes other devices' callbacks
 * together with the given one.
 */
static void listen_to_bus(void)
{
	static bool listening;

	if (listening)
		return;
	listening = true;
	if (rte_dev_event_callback_register(NULL, on_bus_event, NULL) != 0)
		fg_log(WARNING, "EAL cannot report when a PCI device is unplugged");
	/* vfio-pci requests the release from the process; for others the kernel sends uevents only.
	 */
	if (rte_dev_event_monitor_start() != 0)
		fg_log(INFO, "cannot receive the kernel's device events");
}

void device_enlist(struct device *d, const struct rte_eth_dev_info *info)
{
	const char *bus = rte_bus_name(rte_dev_bus(info->device));

	d->bus_device = info->device;
	snprintf(d->bus_name, sizeof(d->bus_name), "%s", rte_dev_name(info->device));
	d->on_pci = strcmp(bus, "pci") == 0;
	d->if_index = strcmp(bus, "vdev") == 0 ? info->if_index : 0;
	d->link_up = true;
	pthread_mutex_lock(&lock);
	TAILQ_INSERT_TAIL(&devices, d, next);
	pthread_mutex_unlock(&lock);
	if (d->on_pci)
		listen_to_bus();
	if (rte_eth_dev_callback_register(d->port.id, RTE_ETH_EVENT_INTR_RMV, on_port_event,
					  NULL) != 0 ||
	    rte_eth_dev_callback_register(d->port.id, RTE_ETH_EVENT_DESTROY, on_port_event, NULL) !=
		    0)
		fg_log(WARNING, "port %s: EAL cannot report its removal", d->port.name);
}

static void stop_listening(const struct device *d)
{
	(void)rte_eth_dev_callback_unregister(d->port.id, RTE_ETH_EVENT_INTR_RMV, on_port_event,
					      NULL);
	(void)rte_eth_dev_callback_unregister(d->port.id, RTE_ETH_EVENT_DESTROY, on_port_event,
					      NULL);
}

/* Release a PCI device, for which the kernel is waiting, unless another port of it is open. */
static void release_bus_device(const struct device *d)
{
	const struct device *other;
	int rc;

	TAILQ_FOREACH (other, &devices, next)
		if (other != d && other->presence != CLOSED && other->bus_device == d->bus_device)
			return;
	rc = rte_dev_remove(d->bus_device);
	if (rc != 0)
		fg_log(WARNING, "port %s: EAL cannot release it: %s", d->port.name, strerror(-rc));
}

/* Close the device. No lcore uses it. */
static void close_device(struct device *d)
{
	int rc;

	stop_listening(d);
	rc = rte_eth_dev_close(d->port.id);
	if (rc != 0)
		fg_log(WARNING, "port %s: closing it: %s", d->port.name, strerror(-rc));
	if (d->presence == LEAVING && d->on_pci)
		release_bus_device(d);
	d->presence = CLOSED;
}

bool device_exists(const struct device *d)
{
	return d->presence != CLOSED && !atomic_load(&d->destroyed);
}

void device_delist(struct device *d, bool close)
{
	if (device_exists(d)) {
		if (close || d->presence == LEAVING)
			close_device(d);
		else
			stop_listening(d);
	}
	pthread_mutex_lock(&lock);
	TAILQ_REMOVE(&devices, d, next);
	pthread_mutex_unlock(&lock);
}

/*
 * Prevent further uses. The barrier pairs with the fence in fg_port_enter(): an lcore that has not
 * seen `shut` is afterwards seen as inside.
 */
static void shut(struct device *d)
{
	if (d->rx != NULL)
		atomic_store(&d->rx->port.shut, true);
	if (d->tx != NULL)
		atomic_store(&d->tx->port.shut, true);
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
		rte_delay_us_sleep(NO_BARRIER_US);
}

static bool is_empty(const struct claim *claim)
{
	if (claim == NULL)
		return true;
	for (uint16_t queue = 0; queue < claim->n_queues; queue++)
		if (atomic_load_explicit(&claim->port.visits[queue].inside, memory_order_acquire))
			return false;
	return true;
}

/* Free the packets that are left in the device's queues. @return how many. */
static uint64_t free_unread(const struct device *d)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint64_t left = 0;

	if (d->rx == NULL || d->n_started == 0)
		return 0;
	for (uint16_t queue = 0; queue < d->rx_conf.n_queues; queue++) {
		uint32_t max = d->rx_conf.descriptors;
		uint16_t count = 1;

		while (max > 0 && count > 0) {
			count = rte_eth_rx_burst(d->port.id, queue, pkts,
						 (uint16_t)RTE_MIN(max, FG_BURST_MAX));
			rte_pktmbuf_free_bulk(pkts, count);
			max -= count;
			left += count;
		}
	}
	return left;
}

/*
 * On a removed interface net_pcap counts each failed poll as an error. So its error counter before
 * the removal is used.
 */
static bool counts_failed_polls(const struct device *d)
{
	return d->if_index != 0 && strcmp(d->port.driver, "net_pcap") == 0;
}

/* Close an unplugged device that no lcore uses, after saving its counters. */
static void close_unplugged(struct device *d)
{
	uint64_t left;
	int rc;

	if (d->configured) {
		const uint64_t errors = d->last.ierrors;

		(void)rte_eth_stats_get(d->port.id, &d->last);
		if (counts_failed_polls(d))
			d->last.ierrors = errors;
		left = free_unread(d);
		d->last.imissed += left;
		d->last.ipackets += left;
		rc = d->n_started > 0 ? rte_eth_dev_stop(d->port.id) : 0;
		if (rc != 0)
			fg_log(INFO, "port %s: stopping it: %s", d->port.name, strerror(-rc));
	}
	close_device(d);
}

/* Query the kernel for a vdev's interface: set link_up. @return whether it exists. */
static bool query_kernel(struct device *d)
{
	struct ifreq request = {.ifr_ifindex = (int)d->if_index};
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found = true;

	if (fd < 0)
		return true;
	if (ioctl(fd, SIOCGIFNAME, &request) != 0)
		found = errno != ENODEV;
	else if (ioctl(fd, SIOCGIFFLAGS, &request) == 0)
		d->link_up =
			(request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
	close(fd);
	return found;
}

static void query_driver(struct device *d)
{
	struct rte_eth_link link;

	if (rte_eth_link_get_nowait(d->port.id, &link) == 0)
		d->link_up = link.link_status == RTE_ETH_LINK_UP;
}

/* @return whether the device was removed. */
static bool is_removed(struct device *d)
{
	const uint64_t now = fg_monotonic_ns();
	struct rte_eth_stats stats = {0};

	if (atomic_load(&d->unplugged) || atomic_load(&d->destroyed))
		return true;
	if (d->n_started == 0 || now < d->next_query_ns)
		return false;
	d->next_query_ns = now + QUERY_INTERVAL_NS;
	if (d->if_index != 0) {
		if (counts_failed_polls(d))
			(void)rte_eth_stats_get(d->port.id, &stats);
		if (!query_kernel(d))
			return true;
		d->last = stats;
		return false;
	}
	query_driver(d);
	return false;
}

static void watch(struct device *d)
{
	if (d->presence == CLOSED || (d->presence == PRESENT && !is_removed(d)))
		return;
	if (d->presence == PRESENT) {
		fg_log(WARNING, "port %s: its device was removed", d->port.name);
		d->presence = LEAVING;
		shut(d);
	}
	if (!is_empty(d->rx) || !is_empty(d->tx))
		return; /* Bursts are short: the next call closes it. */
	if (atomic_load(&d->destroyed))
		d->presence = CLOSED;
	else
		close_unplugged(d);
}

enum fg_port_state fg_port_watch(const struct fg_port *port)
{
	struct device *d;
	enum fg_port_state state = FG_PORT_UP;

	TAILQ_FOREACH (d, &devices, next) {
		watch(d);
		if (port == NULL || ((const struct claim *)port)->device != d)
			continue;
		state = d->link_up ? FG_PORT_UP : FG_PORT_DOWN;
		if (d->presence != PRESENT)
			state = FG_PORT_GONE;
	}
	return state;
}

int fg_port_stats(const struct fg_port *port, struct rte_eth_stats *stats)
{
	const struct device *d = ((const struct claim *)port)->device;

	/* net_vmxnet3 reads its queues here without checking that they exist. */
	if (device_exists(d) && d->configured)
		return rte_eth_stats_get(port->id, stats);
	*stats = d->last;
	return 0;
}

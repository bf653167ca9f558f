/* SPDX-License-Identifier: MIT */
/* A source on any DPDK port: NIC, kernel interface or virtual device. */
#include "ethdev.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_monotonic.h>
#include <fg_port.h>

#include "ethdev_driver.h"
#include "ethdev_figures.h"
#include "interface_missed.h"
#include "source_pool.h"
#include "xdp_pool.h"

#define MTU_MAX  64000u            /* A packet with its headroom fits a 16-bit mbuf length. */
#define L2_BYTES 26u               /* Ethernet header, two VLAN tags and FCS: not in the MTU. */
#define QUIET_NS (200u * 1000000u) /* A file without a packet for this time has ended. */

#define ROW(member) .name = #member, .offset = offsetof(struct ethdev_conf, member)

static const struct fg_option ethdev_options[] = {
	{ROW(device), .type = FG_OPTION_STRING, .help = "PCI address or vdev name"},
	{ROW(descriptors), .type = FG_OPTION_U64, .min = 1, .max = 32768, .value = "1024",
	 .help = "receive descriptors per queue, adjusted to what the driver allows"},
	{ROW(mtu), .type = FG_OPTION_U64, .max = MTU_MAX, .value = "0", .unit = "bytes",
	 .help = "set the MTU; 0: leave it unchanged"},
	{ROW(rss), .type = FG_OPTION_BOOL, .value = "true",
	 .help = "with several queues: spread packets by address and port, where the driver can"},
	{ROW(promiscuous), .type = FG_OPTION_BOOL, .value = "true",
	 .help = "receive frames for other MAC addresses, too"},
	{ROW(allmulticast), .type = FG_OPTION_BOOL, .value = "true",
	 .help = "receive every multicast group"},
	{0}};

/* Polls of a queue that found no packet; written by the lcore that polls it, if is_file. */
struct empty_polls {
	struct fg_counter count;
} __attribute__((aligned(128)));

struct ethdev {
	/* Read by lcores. */
	struct fg_port *port; /* NULL once it was released, when no lcore polls. */
	uint16_t port_id;
	bool is_file; /* net_pcap reads a file once: it will end. */

	/* Only control uses these. */
	struct rte_mempool *pool;
	const struct ethdev_driver *driver;
	char interface[IF_NAMESIZE];    /* Kernel interface that a vdev is built on; empty: none. */
	struct interface_missed missed; /* Of that. */
	struct fg_source_lost lost;     /* Up to the last stop. */
	struct rte_eth_stats base;      /* Counters of the device at the last start, or at open. */
	uint64_t leaked;                /* Mbufs that the driver never frees; see count_leaked(). */
	void *extra;                    /* State of a kind that is built on this one. */
	bool over;                      /* The file has ended, or the device is gone. */
	bool gone;                      /* The device was removed. */
	bool ran;                       /* It has started successfully. */
	bool is_xdp;                    /* Driver net_af_xdp, which handles mbufs differently. */
	bool quiet;                     /* The next three fields are valid: */
	uint64_t quiet_since_ns;        /* ... when the device had no packet for the first time, */
	uint64_t activity;              /* ... the sum of its counters then, */
	uint64_t empty_then[FG_SOURCE_QUEUES_MAX]; /* ... and the empty polls then. */

	struct ethdev_xstats xstats;

	struct empty_polls empty[FG_SOURCE_QUEUES_MAX];
};

/* The device's arguments if it is net_pcap that reads a file, else NULL. */
static const char *file_arguments(uint16_t port_id)
{
	struct rte_eth_dev_info info;
	const struct rte_devargs *devargs;

	if (rte_eth_dev_info_get(port_id, &info) != 0 || strcmp(info.driver_name, "net_pcap") != 0)
		return NULL;
	devargs = rte_dev_devargs(info.device);
	if (devargs == NULL || devargs->args == NULL || strstr(devargs->args, "rx_pcap=") == NULL)
		return NULL;
	return devargs->args;
}

static bool reads_file_once(uint16_t port_id)
{
	const char *arguments = file_arguments(port_id);
	const char *infinite = arguments != NULL ? strstr(arguments, "infinite_rx=") : NULL;

	return arguments != NULL &&
	       (infinite == NULL || atoi(infinite + strlen("infinite_rx=")) == 0);
}

/* Buffer size for a whole frame: some NICs use buffers in steps of 1 KiB. */
static uint16_t data_room(uint16_t port_id, uint64_t mtu)
{
	uint16_t present;

	if (mtu == 0 && rte_eth_dev_get_mtu(port_id, &present) == 0)
		mtu = present;
	mtu = RTE_MIN(mtu, MTU_MAX);
	return (uint16_t)(RTE_PKTMBUF_HEADROOM +
			  RTE_MAX(RTE_ALIGN_CEIL(mtu + L2_BYTES, 1024u), 2048u));
}

static int make_pool(struct fg_source *src, struct ethdev *dev, const struct fg_port *port,
		     const struct ethdev_conf *conf, struct fg_error *error)
{
	const uint16_t room = data_room(port->id, conf->mtu);
	uint16_t descriptors = (uint16_t)conf->descriptors;
	char name[RTE_MEMPOOL_NAMESIZE];
	uint32_t needed;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &descriptors, NULL);

	if (rc != 0)
		return fg_error_set(error, -rc, "source %s: port %s: cannot adjust descriptors: %s",
				    src->name, port->name, strerror(-rc));
	needed = src->n_queues * (descriptors + 2u * FG_BURST_MAX);
	if (src->mbufs < needed)
		return fg_error_set(
			error, EINVAL,
			"source %s: mbufs is %u, but %u queues with %u descriptors and two "
			"bursts each need at least %u",
			src->name, src->mbufs, src->n_queues, descriptors, needed);
	dev->is_xdp = strcmp(port->driver, "net_af_xdp") == 0;
	if (dev->is_xdp) /* The driver gives the kernel a full ring, whatever is configured. */
		needed = RTE_MIN(src->n_queues * (XDP_FILLED + 2u * FG_BURST_MAX), src->mbufs);
	src->spare = src->mbufs - needed;
	if (!dev->is_xdp)
		return source_pool_create(src, src->spare, room, port->socket_id, &dev->pool,
					  error);
	source_pool_name(src, name);
	dev->pool =
		xdp_pool_create(name, src->mbufs, source_pool_cache(src->spare), port->socket_id);
	return source_pool_made(src, dev->pool, room, error);
}

/* The kernel interface of a vdev; a bifurcated driver (mlx5) counts itself. */
static void find_interface(struct fg_source *src, struct ethdev *dev)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(dev->port_id, &info) != 0 || info.if_index == 0 ||
	    strcmp(rte_bus_name(rte_dev_bus(info.device)), "vdev") != 0 ||
	    if_indextoname(info.if_index, dev->interface) == NULL)
		return;
	interface_missed_begin(&dev->missed, dev->interface);
	src->missed = &dev->missed;
}

static int claim_port(struct fg_source *src, struct ethdev *dev, const struct ethdev_conf *conf,
		      struct fg_error *error)
{
	const struct fg_port_rx rx = {
		.n_queues = src->n_queues,
		.descriptors = (uint16_t)conf->descriptors,
		.mtu = (uint16_t)conf->mtu,
		.rss = conf->rss,
		.promiscuous = conf->promiscuous,
		.allmulticast = conf->allmulticast,
		.checksums = src->nic_checksums,
		.pool = dev->pool,
	};
	const int rc = fg_port_claim_rx(conf->device, &rx, &dev->port, error);

	if (rc != 0)
		return rc;
	dev->port_id = dev->port->id;
	dev->is_file = reads_file_once(dev->port_id);
	dev->driver = ethdev_driver_find(dev->port->driver);
	find_interface(src, dev);
	src->uncomputed = dev->driver->uncomputed && file_arguments(dev->port_id) == NULL;
	src->socket_id = dev->port->socket_id;
	(void)fg_port_stats(dev->port, &dev->base);
	return 0;
}

int ethdev_open(struct fg_source *src, const void *conf, struct fg_error *error)
{
	struct ethdev *dev;
	struct fg_port found;
	int rc = fg_port_find(((const struct ethdev_conf *)conf)->device, &found, error);

	if (rc != 0)
		return rc;
	dev = rte_zmalloc_socket(NULL, sizeof(*dev), 128, found.socket_id);
	if (dev == NULL)
		return fg_error_set(error, ENOMEM,
				    "source %s: no DPDK memory; give EAL more with -m "
				    "or hugepages",
				    src->name);
	rc = make_pool(src, dev, &found, conf, error);
	if (rc == 0)
		rc = claim_port(src, dev, conf, error);
	if (rc != 0) {
		rte_mempool_free(dev->pool);
		rte_free(dev);
		return rc;
	}
	src->priv = dev;
	return 0;
}

/*
 * net_af_xdp fills its ring with mbufs during setup, and later takes a new mbuf for each packet it
 * passes on. It does not free the mbufs in the ring on close, nor after a failed setup. So the
 * number it took at first is the number missing in the end.
 */
static void count_leaked(struct ethdev *dev)
{
	if (!dev->ran && dev->is_xdp)
		dev->leaked = source_pool_in_use(dev->pool);
}

int ethdev_start(struct fg_source *src, struct fg_error *error)
{
	struct ethdev *dev = src->priv;
	struct rte_eth_stats now;
	int rc;

	dev->over = dev->gone;
	dev->quiet = false;
	rc = fg_port_start(dev->port, error);
	count_leaked(dev);
	if (rc != 0 || dev->gone)
		return rc;
	dev->ran = true;
	ethdev_xstats_find(&dev->xstats, dev->port_id);
	/* Some drivers clear their counters at start. */
	if (fg_port_stats(dev->port, &now) == 0) {
		dev->base.imissed = RTE_MIN(dev->base.imissed, now.imissed);
		dev->base.rx_nombuf = RTE_MIN(dev->base.rx_nombuf, now.rx_nombuf);
		dev->base.ierrors = RTE_MIN(dev->base.ierrors, now.ierrors);
	}
	return 0;
}

uint16_t ethdev_rx_burst(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
			 uint16_t max)
{
	struct ethdev *dev = src->priv;
	uint16_t count;

	if (!fg_port_enter(dev->port, queue))
		return 0; /* The device is gone. */
	count = rte_eth_rx_burst(dev->port_id, queue, pkts, max);
	fg_port_leave(dev->port, queue);
	if (count == 0 && dev->is_file)
		fg_counter_add(&dev->empty[queue].count, 1);
	return count;
}

/* Increase of a counter, which another thread (the console) may have cleared. */
static uint64_t growth(uint64_t now, uint64_t base)
{
	return now >= base ? now - base : now;
}

void ethdev_lost(struct fg_source *src, struct fg_source_lost *lost)
{
	struct ethdev *dev = src->priv;
	struct rte_eth_stats now;

	*lost = dev->lost;
	lost->nic_unknown = dev->driver->uncounted != NULL;
	if (dev->port == NULL || fg_port_stats(dev->port, &now) != 0)
		return;
	lost->nic += growth(now.imissed, dev->base.imissed);
	lost->no_mbuf += growth(now.rx_nombuf, dev->base.rx_nombuf);
	lost->errors += growth(now.ierrors, dev->base.ierrors);
}

/* Save the counters: the next start, or the close, may clear them. */
static void save_lost(struct fg_source *src)
{
	struct ethdev *dev = src->priv;

	ethdev_lost(src, &dev->lost);
	(void)fg_port_stats(dev->port, &dev->base);
}

void ethdev_stop(struct fg_source *src)
{
	struct ethdev *dev = src->priv;

	if (dev->port == NULL)
		return;
	save_lost(src);
	fg_port_stop(dev->port);
}

static void begin_quiet(struct ethdev *dev, uint64_t activity, uint16_t n_queues)
{
	dev->quiet = true;
	dev->quiet_since_ns = fg_monotonic_ns();
	dev->activity = activity;
	for (uint16_t queue = 0; queue < n_queues; queue++)
		dev->empty_then[queue] = fg_counter_read(&dev->empty[queue].count);
}

/*
 * A file has ended when the device had no packet for QUIET_NS and every queue was polled in that
 * time (an lcore may have been descheduled).
 */
bool ethdev_ended(struct fg_source *src)
{
	struct ethdev *dev = src->priv;
	struct rte_eth_stats now;
	uint64_t activity;

	if (!dev->is_file || dev->over || dev->port == NULL)
		return dev->over;
	if (fg_port_stats(dev->port, &now) != 0)
		return false;
	activity = now.ipackets + now.rx_nombuf + now.ierrors + now.imissed;
	if (!dev->quiet || activity != dev->activity) {
		begin_quiet(dev, activity, src->n_queues);
		return false;
	}
	if (fg_monotonic_ns() - dev->quiet_since_ns < QUIET_NS)
		return false;
	for (uint16_t queue = 0; queue < src->n_queues; queue++)
		if (fg_counter_read(&dev->empty[queue].count) == dev->empty_then[queue])
			return false;
	dev->over = true;
	return true;
}

unsigned int ethdev_figures(struct fg_source *src,
			    struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX])
{
	struct ethdev *dev = src->priv;
	const bool there = dev->port != NULL && !dev->gone;

	return ethdev_figures_read(there ? &dev->xstats : NULL, dev->port_id, src, figures);
}

/* A removed device does not come back: one that appears in its place is another device. */
enum fg_link ethdev_watch(struct fg_source *src)
{
	struct ethdev *dev = src->priv;
	enum fg_port_state state;

	if (dev->port == NULL)
		return dev->gone ? FG_LINK_GONE : FG_LINK_NONE;
	state = fg_port_watch(dev->port);
	if (state == FG_PORT_GONE) {
		dev->gone = true;
		dev->over = true;
		return FG_LINK_GONE;
	}
	if (dev->is_file)
		return FG_LINK_NONE;
	return state == FG_PORT_UP ? FG_LINK_UP : FG_LINK_DOWN;
}

/* Closes the driver, which frees the mbufs in its rings only then. */
void ethdev_release_port(struct fg_source *src)
{
	struct ethdev *dev = src->priv;

	if (dev->port == NULL)
		return;
	save_lost(src);
	fg_port_put(dev->port);
	dev->port = NULL;
}

/* Releases the port first, because the driver frees its mbufs only then. */
uint64_t ethdev_outstanding(struct fg_source *src)
{
	struct ethdev *dev = src->priv;

	ethdev_release_port(src);
	return source_pool_in_use(dev->pool) - RTE_MIN(source_pool_in_use(dev->pool), dev->leaked);
}

void ethdev_close(struct fg_source *src)
{
	struct ethdev *dev = src->priv;

	ethdev_release_port(src);
	src->missed = NULL;
	rte_mempool_free(dev->pool);
	rte_free(dev);
	src->priv = NULL;
}

void **ethdev_extra(const struct fg_source *src)
{
	return &((struct ethdev *)src->priv)->extra;
}

/* Without free mbufs net_af_xdp leaves packets in its ring, and counts them at each poll. */
static void lost_by_driver(struct fg_source *src, struct fg_source_lost *lost)
{
	const struct ethdev *dev = src->priv;

	ethdev_lost(src, lost);
	if (dev->is_xdp)
		lost->no_mbuf = 0;
}

const struct fg_source_ops fg_source_ethdev = {
	.name = "ethdev",
	.help = "a DPDK port: NIC, kernel interface or virtual device",
	.options = ethdev_options,
	.conf_bytes = sizeof(struct ethdev_conf),
	.open = ethdev_open,
	.start = ethdev_start,
	.rx_burst = ethdev_rx_burst,
	.stop = ethdev_stop,
	.ended = ethdev_ended,
	.lost = lost_by_driver,
	.figures = ethdev_figures,
	.watch = ethdev_watch,
	.outstanding = ethdev_outstanding,
	.close = ethdev_close,
};

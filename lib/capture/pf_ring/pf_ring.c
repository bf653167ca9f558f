/* SPDX-License-Identifier: MIT */
/*
 * A source on ntop's PF_RING. Its kernel module copies each packet to a ring that is mapped into
 * this process; its library returns the address of the next packet.
 *
 * pfring_recv() with a buffer length of 0 returns a pointer into the ring and removes the packet
 * from the ring. The kernel leaves the space of one packet before the reader unused, so the pointer
 * is valid until the next pfring_recv(). Each packet is therefore copied once, to its mbuf. With
 * wait 0 there is no system call.
 *
 * Rings of a removed interface receive nothing more. When there is an interface of that name again,
 * control opens new rings and offers one to each lcore. The lcore switches to it once the old ring
 * is empty, and control then closes the old one.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_memcpy.h>

#include <fg_burst.h>
#include <fg_log.h>

#include "interface_missed.h"
#include "packet_socket/packet_socket.h"
#include "pf_ring_open.h"
#include "source_pool.h"

#define STASH      (2 * FG_BURST_MAX) /* Mbufs that a queue holds in reserve. */
#define CAPLEN_MAX (UINT16_MAX - RTE_PKTMBUF_HEADROOM)
#define HEADER_MAX 1024u /* More than any version of the library writes. */

#define ROW(member) .name = #member, .offset = offsetof(struct pf_ring_conf, member)

static const struct fg_option pf_ring_options[] = {
	{ROW(interface), .type = FG_OPTION_STRING, .help = "network interface of this namespace"},
	{ROW(promiscuous), .type = FG_OPTION_BOOL, .value = "true",
	 .help = "receive frames for other MAC addresses, too"},
	{ROW(filter), .type = FG_OPTION_STRING, .value = "",
	 .help = "the kernel drops packets that do not match: pcap-filter(7)"},
	{ROW(caplen), .type = FG_OPTION_U64, .min = 0, .max = CAPLEN_MAX, .value = "0",
	 .unit = "bytes", .help = "longest frame; 0: as the interface's MTU needs"},
	{ROW(cluster_mode), .type = FG_OPTION_NAME, .names = pf_ring_cluster_modes, .value = "flow",
	 .help = "with several queues: how packets are spread over them"},
	{ROW(cluster_id), .type = FG_OPTION_U64, .max = UINT16_MAX, .value = "0",
	 .help = "number of the queues' PF_RING cluster; 0: a free one"},
	{ROW(library), .type = FG_OPTION_STRING, .value = "",
	 .help = "path of PF_RING's library; empty: libpfring.so.8 or libpfring.so"},
	{0}};

/* A receive queue: fields of the lcore, then those shared with control, then control's. */
struct queue {
	struct pf_ring_handle *ring;
	struct rte_mbuf *stash[STASH];
	unsigned int n_stash;
	int32_t ifindex; /* Packets of other interfaces are dropped. */
	struct fg_counter cut;
	struct fg_counter other_interface;
	struct fg_counter stalls;
	struct fg_counter nic_stamps;
	union {
		struct pf_ring_header header;
		uint8_t room[HEADER_MAX];
	};

	struct {
		struct pf_ring_handle *_Atomic offered;  /* From control to the lcore. */
		struct pf_ring_handle *_Atomic returned; /* From the lcore to control. */
		_Atomic int32_t ifindex;                 /* Of the one offered. */
	} shared __attribute__((aligned(128)));

	struct {
		struct pf_ring_handle *ring; /* The newest. */
		struct pf_ring_handle *old;  /* The one before, until the lcore returns it. */
		uint64_t ring_drops;         /* Last counter values read: the library shows */
		uint64_t old_drops;          /* ... none of a ring that is disabled. */
	} control __attribute__((aligned(128)));
} __attribute__((aligned(128)));

struct pf_ring {
	struct pf_ring_lib lib;
	struct pf_ring_opener opener;
	struct rte_mempool *pool;
	struct interface_missed missed;
	uint64_t drops; /* Of closed rings. */
	uint64_t reopened;
	bool started;
	bool gone; /* The interface was removed, and no new one has its name. */
	struct queue queues[FG_SOURCE_QUEUES_MAX];
};

static int pf_ring_probe(struct fg_error *error)
{
	struct fg_error library_error = {0}, kernel_error = {0};
	struct pf_ring_lib lib;
	const int library = pf_ring_lib_open(&lib, "", &library_error);
	const int kernel = pf_ring_kernel_probe(&kernel_error);

	pf_ring_lib_close(&lib);
	if (library != 0 && kernel != 0)
		return fg_error_set(error, -library, "%s; %s", library_error.text,
				    kernel_error.text);
	if (library != 0)
		return fg_error_set(error, -library, "%s", library_error.text);
	return kernel == 0 ? 0 : fg_error_set(error, -kernel, "%s", kernel_error.text);
}

static int make_pool(struct fg_source *src, struct pf_ring *r, struct fg_error *error)
{
	const uint32_t needed = src->n_queues * (STASH + 2u * FG_BURST_MAX);
	const uint32_t room = RTE_MAX(RTE_ALIGN_CEIL(r->opener.caplen, 1024u), 2048u);

	if (src->mbufs < needed)
		return fg_error_set(error, EINVAL,
				    "source %s: mbufs is %u, but %u queues need at least %u",
				    src->name, src->mbufs, src->n_queues, needed);
	src->spare = src->mbufs - needed;
	return source_pool_create(
		src, src->spare,
		(uint16_t)RTE_MIN(room + RTE_PKTMBUF_HEADROOM, (uint32_t)UINT16_MAX),
		src->socket_id, &r->pool, error);
}

static int open_rings(struct pf_ring *r, struct fg_error *error)
{
	struct pf_ring_handle *rings[FG_SOURCE_QUEUES_MAX];
	const int rc = pf_ring_open_rings(&r->opener, rings, error);

	for (uint16_t i = 0; i < r->opener.n_queues && rc == 0; i++) {
		struct queue *queue = &r->queues[i];

		queue->ring = rings[i];
		queue->control.ring = rings[i];
		queue->ifindex = r->opener.ifindex;
	}
	return rc;
}

/* Free everything that was opened, but not the struct. */
static void release(struct pf_ring *r)
{
	for (uint16_t i = 0; i < r->opener.n_queues; i++) {
		pf_ring_close_ring(&r->opener, r->queues[i].control.ring);
		pf_ring_close_ring(&r->opener, r->queues[i].control.old);
	}
	rte_mempool_free(r->pool);
	pf_ring_opener_free(&r->opener);
	pf_ring_lib_close(&r->lib);
}

static int open_all(struct fg_source *src, struct pf_ring *r, const struct pf_ring_conf *conf,
		    struct fg_error *error)
{
	struct fg_error reason = {0};
	int rc = pf_ring_lib_open(&r->lib, conf->library, &reason);

	if (rc == 0)
		rc = pf_ring_kernel_probe(&reason);
	if (rc != 0)
		return fg_error_set(error, -rc, "source %s: %s", src->name, reason.text);
	if (pf_ring_kernel_drops_tags())
		fg_log(WARNING,
		       "source %s: kernel module pf_ring has keep_vlan_offload=1: VLAN tags are "
		       "missing",
		       src->name);
	rc = pf_ring_opener_init(&r->opener, error);
	if (rc == 0)
		rc = make_pool(src, r, error);
	return rc == 0 ? open_rings(r, error) : rc;
}

static int pf_ring_open(struct fg_source *src, const void *conf_in, struct fg_error *error)
{
	const struct pf_ring_conf *conf = conf_in;
	struct pf_ring *r;
	int rc;

	src->socket_id = packet_interface_node(conf->interface);
	r = rte_zmalloc_socket(NULL, sizeof(*r), 128, src->socket_id);
	if (r == NULL)
		return fg_error_set(error, ENOMEM,
				    "source %s: no DPDK memory; give EAL more with -m or hugepages",
				    src->name);
	r->opener = (struct pf_ring_opener){.source = src->name,
					    .conf = conf,
					    .lib = &r->lib,
					    .n_queues = src->n_queues,
					    .control = -1};
	rc = open_all(src, r, conf, error);
	if (rc != 0) {
		release(r);
		rte_free(r);
		return rc;
	}
	interface_missed_begin(&r->missed, conf->interface);
	src->missed = &r->missed;
	src->priv = r;
	src->uncomputed = true;
	return 0;
}

static int pf_ring_start(struct fg_source *src, struct fg_error *error)
{
	struct pf_ring *r = src->priv;

	for (uint16_t i = 0; i < src->n_queues && !r->gone; i++) {
		const int rc = r->lib.call.enable_ring(r->queues[i].control.ring);

		if (rc == 0)
			continue;
		while (i-- > 0)
			(void)r->lib.call.disable_ring(r->queues[i].control.ring);
		return fg_error_set(error, EIO, "source %s: PF_RING cannot enable the ring: %d",
				    src->name, rc);
	}
	r->started = true;
	return 0;
}

/* Refill the reserve from the pool. A nearly empty pool may still have a smaller number. */
static void fill_stash(const struct pf_ring *r, struct queue *queue)
{
	unsigned int count = STASH - queue->n_stash;

	while (count > 0 &&
	       rte_pktmbuf_alloc_bulk(r->pool, &queue->stash[queue->n_stash], count) != 0)
		count /= 2;
	queue->n_stash += count;
}

/*
 * The kernel's timestamp. If the NIC makes timestamps, timestamp_ns holds the NIC's, whose clock
 * need not be UTC; then the kernel's is available in microseconds only.
 */
static uint64_t stamp_ns(struct queue *queue)
{
	const struct timeval *ts = &queue->header.ts;
	const uint64_t kernel_ns =
		(uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_usec * 1000u;

	if (likely(queue->header.timestamp_ns - kernel_ns < 1000u))
		return queue->header.timestamp_ns;
	fg_counter_add(&queue->nic_stamps, 1);
	return kernel_ns;
}

/* Copy a packet from the ring to @m; false if it was dropped and counted. Hot. */
static bool read_packet(const struct pf_ring *r, struct queue *queue, struct rte_mbuf *m,
			const uint8_t *data)
{
	const struct pf_ring_header *header = &queue->header;
	struct fg_meta *meta = fg_meta(m);

	if (unlikely(header->caplen != header->len || header->caplen > r->opener.caplen)) {
		fg_counter_add(&queue->cut, 1);
		return false;
	}
	if (unlikely(header->if_index != queue->ifindex)) {
		fg_counter_add(&queue->other_interface, 1);
		return false;
	}
	rte_memcpy(rte_pktmbuf_mtod(m, void *), data, header->caplen);
	/* Most likely the next packet's header. */
	rte_prefetch0(data + header->caplen);
	m->data_len = (uint16_t)header->caplen;
	m->pkt_len = header->caplen;
	meta->rx_ns = stamp_ns(queue);
	meta->wire_len = header->len;
	meta->flags = FG_META_TIMED;
	return true;
}

/* The ring is empty: switch to the new one if control offers one. */
static void change_ring(struct queue *queue)
{
	struct pf_ring_handle *next =
		atomic_load_explicit(&queue->shared.offered, memory_order_acquire);

	if (likely(next == NULL))
		return;
	atomic_store_explicit(&queue->shared.offered, NULL, memory_order_relaxed);
	queue->ifindex = atomic_load_explicit(&queue->shared.ifindex, memory_order_relaxed);
	/* Release: control closes it, which must come after this lcore's last access. */
	atomic_store_explicit(&queue->shared.returned, queue->ring, memory_order_release);
	queue->ring = next;
}

static uint16_t pf_ring_rx_burst(struct fg_source *src, uint16_t index, struct rte_mbuf **pkts,
				 uint16_t max)
{
	struct pf_ring *r = src->priv;
	struct queue *queue = &r->queues[index];
	uint16_t count = 0;

	if (queue->n_stash < max)
		fill_stash(r, queue);
	for (uint16_t turn = 0; turn < max; turn++) {
		uint8_t *data = NULL;

		if (unlikely(queue->n_stash == 0)) {
			/* Packets wait in the ring; the kernel counts those it cannot store. */
			fg_counter_add(&queue->stalls, 1);
			break;
		}
		if (r->lib.call.recv(queue->ring, &data, 0, &queue->header, 0) <= 0) {
			change_ring(queue);
			break;
		}
		pkts[count] = queue->stash[queue->n_stash - 1];
		if (likely(read_packet(r, queue, pkts[count], data))) {
			queue->n_stash--;
			count++;
		}
	}
	return count;
}

/* Read the counters of all rings that show them. */
static void read_drops(struct pf_ring *r)
{
	for (uint16_t i = 0; i < r->opener.n_queues; i++) {
		struct queue *queue = &r->queues[i];
		struct pf_ring_stat stat = {0};

		if (r->lib.call.stats(queue->control.ring, &stat) == 0)
			queue->control.ring_drops = RTE_MAX(queue->control.ring_drops, stat.drop);
		stat.drop = 0;
		if (queue->control.old != NULL && r->lib.call.stats(queue->control.old, &stat) == 0)
			queue->control.old_drops = RTE_MAX(queue->control.old_drops, stat.drop);
	}
}

static void pf_ring_stop(struct fg_source *src)
{
	struct pf_ring *r = src->priv;

	/* Stop the kernel first: the library shows no counters of a disabled ring. */
	for (uint16_t i = 0; i < src->n_queues; i++)
		pf_ring_halt(&r->opener, r->queues[i].control.ring);
	read_drops(r);
	for (uint16_t i = 0; i < src->n_queues; i++)
		(void)r->lib.call.disable_ring(r->queues[i].control.ring);
	r->started = false;
}

static uint64_t sum(const struct fg_source *src, size_t counter)
{
	const struct pf_ring *r = src->priv;
	uint64_t total = 0;

	for (uint16_t i = 0; i < src->n_queues; i++) {
		const char *queue = (const char *)&r->queues[i];

		total += fg_counter_read((const struct fg_counter *)(queue + counter));
	}
	return total;
}

static void pf_ring_lost(struct fg_source *src, struct fg_source_lost *lost)
{
	struct pf_ring *r = src->priv;

	memset(lost, 0, sizeof(*lost));
	read_drops(r);
	lost->nic = r->drops;
	for (uint16_t i = 0; i < src->n_queues; i++)
		lost->nic += r->queues[i].control.ring_drops + r->queues[i].control.old_drops;
	lost->errors = sum(src, offsetof(struct queue, cut)) +
		       sum(src, offsetof(struct queue, other_interface));
}

static unsigned int pf_ring_figures(struct fg_source *src,
				    struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX])
{
	const struct pf_ring *r = src->priv;
	const struct fg_source_figure own[] = {
		{"cut", "frames longer than caplen, dropped (in errors)",
		 sum(src, offsetof(struct queue, cut))},
		{"other interface",
		 "packets dropped: of another interface, or the ring is damaged (in errors)",
		 sum(src, offsetof(struct queue, other_interface))},
		{"stalls", "polls without a free mbuf: packets waited in the ring",
		 sum(src, offsetof(struct queue, stalls))},
		{"nic stamps", "packets with a NIC timestamp: the kernel's, in us, was used",
		 sum(src, offsetof(struct queue, nic_stamps))},
		{"reopened", "times that the interface was removed and created again", r->reopened},
		{"cluster", "number of the PF_RING cluster; 0: none", r->opener.cluster},
	};

	memcpy(figures, own, sizeof(own));
	return RTE_DIM(own);
}

/* Close the old rings that lcores have returned; false while a lcore still uses one. */
static bool collect(struct pf_ring *r)
{
	bool all = true;

	read_drops(r);
	for (uint16_t i = 0; i < r->opener.n_queues; i++) {
		struct queue *queue = &r->queues[i];

		if (queue->control.old == NULL)
			continue;
		if (atomic_exchange_explicit(&queue->shared.returned, NULL, memory_order_acquire) ==
		    NULL) {
			all = false;
			continue;
		}
		r->drops += queue->control.old_drops;
		pf_ring_close_ring(&r->opener, queue->control.old);
		queue->control.old = NULL;
		queue->control.old_drops = 0;
	}
	return all;
}

/* Open rings on the new interface of the same name, and offer them to the lcores. */
static void reopen(struct pf_ring *r)
{
	struct pf_ring_handle *rings[FG_SOURCE_QUEUES_MAX];
	struct fg_error ignored = {0}; /* The next watch tries again. */

	if (!pf_ring_can_open(&r->opener) || pf_ring_open_rings(&r->opener, rings, &ignored) != 0)
		return;
	for (uint16_t i = 0; i < r->opener.n_queues; i++) {
		struct queue *queue = &r->queues[i];

		if (r->started)
			(void)r->lib.call.enable_ring(rings[i]);
		queue->control.old = queue->control.ring;
		queue->control.old_drops = queue->control.ring_drops;
		queue->control.ring_drops = 0;
		queue->control.ring = rings[i];
		atomic_store_explicit(&queue->shared.ifindex, r->opener.ifindex,
				      memory_order_relaxed);
		atomic_store_explicit(&queue->shared.offered, rings[i], memory_order_release);
	}
	r->gone = false;
	r->reopened++;
}

static enum fg_link pf_ring_watch(struct fg_source *src)
{
	struct pf_ring *r = src->priv;
	enum fg_link link = r->gone ? FG_LINK_GONE : pf_ring_link(&r->opener);

	if (!collect(r))
		return link;
	if (link == FG_LINK_GONE && !r->gone) {
		r->gone = true;
		for (uint16_t i = 0; i < src->n_queues; i++)
			pf_ring_detach(&r->opener, r->queues[i].control.ring);
	}
	if (r->gone) {
		reopen(r);
		link = r->gone ? FG_LINK_GONE : pf_ring_link(&r->opener);
	}
	return link;
}

static uint64_t pf_ring_outstanding(struct fg_source *src)
{
	struct pf_ring *r = src->priv;

	for (uint16_t i = 0; i < src->n_queues; i++) {
		rte_pktmbuf_free_bulk(r->queues[i].stash, r->queues[i].n_stash);
		r->queues[i].n_stash = 0;
	}
	return source_pool_in_use(r->pool);
}

static void pf_ring_close(struct fg_source *src)
{
	struct pf_ring *r = src->priv;

	(void)pf_ring_outstanding(src);
	src->missed = NULL;
	release(r);
	rte_free(r);
	src->priv = NULL;
}

const struct fg_source_ops fg_source_pf_ring = {
	.name = "pf_ring",
	.help = "a network interface through ntop's PF_RING kernel module and library",
	.options = pf_ring_options,
	.conf_bytes = sizeof(struct pf_ring_conf),
	.timed = true,
	.probe = pf_ring_probe,
	.open = pf_ring_open,
	.start = pf_ring_start,
	.rx_burst = pf_ring_rx_burst,
	.stop = pf_ring_stop,
	.lost = pf_ring_lost,
	.figures = pf_ring_figures,
	.watch = pf_ring_watch,
	.outstanding = pf_ring_outstanding,
	.close = pf_ring_close,
};

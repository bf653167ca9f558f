/* SPDX-License-Identifier: MIT */
/*
 * A source on a kernel interface, by AF_PACKET's mapped receive ring (TPACKET_V3): one socket and
 * one ring per queue.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <fg_burst.h>

#include "interface_missed.h"
#include "packet_mmap_ring.h"
#include "packet_socket/packet_socket.h"
#include "source_pool.h"

#define L2_BYTES 26u /* Ethernet header, two VLAN tags and FCS: not in the MTU. */
#define ROOM_MIN 2048u
#define ROOM_MAX 10240u /* Fits a jumbo frame; longer frames go by reference. */

struct packet_mmap_conf {
	struct packet_socket_conf socket;
	uint64_t block_bytes;
	uint64_t blocks;
	uint64_t block_timeout;
	uint64_t copy_below;
	uint64_t hold;
	uint64_t hold_limit;
};

static const char *const hold_names[] = {"copy", "drop", NULL};
enum hold_policy { HOLD_COPY, HOLD_DROP };

#define ROW(member) .name = #member, .offset = offsetof(struct packet_mmap_conf, member)

static const struct fg_option packet_mmap_options[] = {
	PACKET_SOCKET_INTERFACE(struct packet_mmap_conf),
	PACKET_SOCKET_ROWS(struct packet_mmap_conf),
	{ROW(block_bytes), .type = FG_OPTION_U64, .min = 128u << 10, .max = RING_BLOCK_MAX,
	 .power_of_two = true, .value = "256K", .unit = "bytes",
	 .help = "size of a block, the unit that the kernel hands over and gets back"},
	{ROW(blocks), .type = FG_OPTION_U64, .min = 4, .max = 2047, .value = "256",
	 .help = "blocks in a queue's ring"},
	{ROW(block_timeout), .type = FG_OPTION_U64, .min = 1, .max = 1000, .value = "1",
	 .unit = "ms", .help = "the kernel hands over a block that is not full after this time"},
	{ROW(copy_below), .type = FG_OPTION_U64, .max = RING_COPY_ALL, .value = "384",
	 .unit = "bytes",
	 .help = "copy shorter packets, pass the others by reference; 65535: copy all"},
	{ROW(hold), .type = FG_OPTION_NAME, .names = hold_names, .value = "copy",
	 .help = "while packets in flight hold more blocks than hold_limit: copy or drop further "
		 "packets"},
	{ROW(hold_limit), .type = FG_OPTION_U64, .min = 1, .max = 100, .value = "50", .unit = "%",
	 .help = "share of a queue's blocks that packets in flight may hold"},
	{0}};

/*
 * Sockets and rings of all queues. When an interface was removed and created again, several queues
 * need a new set, because the kernel cannot bind a member of a fanout group again. The old set is
 * closed when no lcore uses it and none of its packets is in flight; its counters stay.
 */
struct socket_set {
	struct socket_set *older;
	struct packet_sockets sockets;
	uint16_t n_rings; /* Open ones. */
	struct ring rings[];
};

/* The ring that a queue's lcore reads. */
struct queue {
	struct ring *ring;           /* Only the lcore uses it. */
	_Atomic(struct ring *) next; /* Written by control: the ring to read once that is empty. */
	_Atomic(struct ring *) used; /* Written by the lcore, read by control: same as ring. */
} __attribute__((aligned(128)));

struct packet_mmap {
	/* Only control uses these. */
	const struct fg_source *src;
	const struct packet_mmap_conf *conf;
	struct socket_set *newest;
	struct rte_mempool *pool;
	struct interface_missed missed;
	uint32_t room;
	bool finished;       /* No lcore will poll again: what is left in the rings is lost. */
	uint64_t gone_ticks; /* When control found the interface removed; 0: it is there. */

	struct queue queues[];
};

/* Buffer size for a whole frame of the interface. */
static uint32_t room_for(const struct packet_sockets *sockets)
{
	struct ifreq request = {0};
	uint32_t room = ROOM_MIN;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", sockets->conf->interface);
	if (ioctl(sockets->socket[0].fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0)
		room = (uint32_t)request.ifr_mtu + L2_BYTES;
	return RTE_ALIGN_CEIL(RTE_MIN(RTE_MAX(room, ROOM_MIN), ROOM_MAX), 64u);
}

static int make_pool(struct fg_source *src, struct packet_mmap *m, struct fg_error *error)
{
	const uint32_t needed = src->n_queues * 2u * FG_BURST_MAX;

	if (src->mbufs < needed)
		return fg_error_set(error, EINVAL,
				    "source %s: mbufs is %u, but %u queues with two bursts each "
				    "need at least %u",
				    src->name, src->mbufs, src->n_queues, needed);
	src->spare = src->mbufs;
	return source_pool_create(src, src->mbufs, (uint16_t)(RTE_PKTMBUF_HEADROOM + m->room),
				  src->socket_id, &m->pool, error);
}

static int open_rings(const struct packet_mmap *m, struct socket_set *set, struct fg_error *error)
{
	const struct packet_mmap_conf *conf = m->conf;
	const struct ring_conf ring_conf = {
		.block_bytes = (uint32_t)conf->block_bytes,
		.n_blocks = (uint32_t)conf->blocks,
		.timeout_ms = (uint32_t)conf->block_timeout,
		.copy_below = (uint32_t)conf->copy_below,
		.held_max = (uint32_t)(conf->blocks * conf->hold_limit / 100),
		.drop_held = conf->hold == HOLD_DROP,
	};

	for (; set->n_rings < m->src->n_queues; set->n_rings++) {
		struct fg_error reason = {0};
		const int rc =
			ring_open(&set->rings[set->n_rings], set->sockets.socket[set->n_rings].fd,
				  &ring_conf, m->pool, m->room, &reason);

		if (rc != 0)
			return fg_error_set(error, -rc, "source %s: queue %u: %s", m->src->name,
					    set->n_rings, reason.text);
	}
	return 0;
}

/* Close rings and sockets; the counters stay. */
static void retire(struct socket_set *set)
{
	for (uint16_t queue = 0; queue < set->n_rings; queue++)
		ring_close(&set->rings[queue]);
	packet_sockets_close(&set->sockets);
}

static int no_memory(const struct fg_source *src, struct fg_error *error)
{
	return fg_error_set(error, ENOMEM,
			    "source %s: no DPDK memory; give EAL more with -m or hugepages",
			    src->name);
}

/* @out is set on success only. */
static int open_sockets(const struct packet_mmap *m, struct socket_set **out,
			struct fg_error *error)
{
	struct socket_set *set =
		rte_zmalloc(NULL, sizeof(*set) + m->src->n_queues * sizeof(set->rings[0]), 128);
	int rc;

	if (set == NULL)
		return no_memory(m->src, error);
	rc = packet_sockets_open(&set->sockets, m->src->name, m->src->n_queues, &m->conf->socket,
				 error);
	if (rc != 0)
		rte_free(set);
	else
		*out = set;
	return rc;
}

/* Have the lcores read this set once they have emptied the one before. */
static void publish(struct packet_mmap *m, struct socket_set *set)
{
	set->older = m->newest;
	m->newest = set;
	for (uint16_t queue = 0; queue < m->src->n_queues; queue++)
		atomic_store_explicit(&m->queues[queue].next, &set->rings[queue],
				      memory_order_release);
}

static void close_all(struct packet_mmap *m)
{
	for (struct socket_set *set = m->newest, *older; set != NULL; set = older) {
		older = set->older;
		retire(set);
		rte_free(set);
	}
	rte_mempool_free(m->pool);
	rte_free(m);
}

/* Create pool and rings, once the first sockets are open. */
static int open_rest(struct fg_source *src, struct packet_mmap *m, struct fg_error *error)
{
	struct socket_set *set = m->newest;
	int rc;

	src->socket_id = packet_interface_node(m->conf->socket.interface);
	m->room = room_for(&set->sockets);
	rc = make_pool(src, m, error);
	if (rc == 0)
		rc = open_rings(m, set, error);
	for (uint16_t queue = 0; queue < src->n_queues; queue++) {
		m->queues[queue].ring = &set->rings[queue];
		atomic_init(&m->queues[queue].used, &set->rings[queue]);
	}
	return rc;
}

static int packet_mmap_open(struct fg_source *src, const void *conf, struct fg_error *error)
{
	struct packet_mmap *m =
		rte_zmalloc(NULL, sizeof(*m) + src->n_queues * sizeof(m->queues[0]), 128);
	struct socket_set *set = NULL;
	int rc;

	if (m == NULL)
		return no_memory(src, error);
	m->src = src;
	m->conf = conf;
	rc = open_sockets(m, &set, error);
	if (rc == 0) {
		publish(m, set);
		rc = open_rest(src, m, error);
	}
	if (rc != 0) {
		close_all(m);
		return rc;
	}
	interface_missed_begin(&m->missed, m->conf->socket.interface);
	src->missed = &m->missed;
	src->priv = m;
	return 0;
}

static int packet_mmap_start(struct fg_source *src, struct fg_error *error)
{
	struct packet_mmap *m = src->priv;

	return packet_sockets_bind(&m->newest->sockets, error);
}

/* The ring is empty: continue with the newer one, if there is one. */
static void follow(struct queue *queue)
{
	struct ring *next = atomic_load_explicit(&queue->next, memory_order_acquire);

	if (likely(next == queue->ring) || queue->ring->at.remaining > 0)
		return;
	queue->ring = next;
	atomic_store_explicit(&queue->used, next, memory_order_release);
}

static uint16_t packet_mmap_rx_burst(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
				     uint16_t max)
{
	struct packet_mmap *m = src->priv;
	const uint16_t count = ring_rx(m->queues[queue].ring, pkts, max);

	if (count == 0)
		follow(&m->queues[queue]);
	return count;
}

/* Packets left in the ring are received after the next start. */
static void packet_mmap_stop(struct fg_source *src)
{
	struct packet_mmap *m = src->priv;

	packet_sockets_unbind(&m->newest->sockets);
}

static void packet_mmap_lost(struct fg_source *src, struct fg_source_lost *lost)
{
	struct packet_mmap *m = src->priv;

	uint64_t arrived = 0, read = 0;

	*lost = (struct fg_source_lost){0};
	for (struct socket_set *set = m->newest; set != NULL; set = set->older) {
		packet_sockets_count(&set->sockets);
		lost->nic += set->sockets.drops;
		arrived += set->sockets.packets;
		for (uint16_t queue = 0; queue < set->n_rings; queue++) {
			const struct ring_counters *count = &set->rings[queue].count;

			lost->no_mbuf += fg_counter_read(&count->dropped_held);
			lost->errors += fg_counter_read(&count->truncated) +
					fg_counter_read(&count->too_long) +
					fg_counter_read(&count->broken);
			read += fg_counter_read(&count->copied) + fg_counter_read(&count->referred);
		}
	}
	read += lost->nic + lost->no_mbuf + lost->errors;
	if (m->finished && arrived > read)
		lost->no_mbuf += arrived - read;
}

static uint64_t milliseconds_since(uint64_t ticks)
{
	const uint64_t now = rte_rdtsc();

	return ticks == 0 || ticks > now ? 0 : (now - ticks) / (rte_get_tsc_hz() / 1000u);
}

enum figure {
	BY_REFERENCE,
	COPIED,
	BLOCKS_HELD,
	OLDEST_HELD,
	DROPPED_HELD,
	TRUNCATED,
	TOO_LONG,
	BROKEN,
	WAITS,
	FROZEN,
	FIGURES
};

static const struct fg_source_figure figure_names[FIGURES] = {
	[BY_REFERENCE] = {.name = "by reference", .help = "packets passed without a copy"},
	[COPIED] = {.name = "copied",
		    .help = "packets copied: short, or too many blocks were held"},
	[BLOCKS_HELD] = {.name = "blocks held",
			 .help = "blocks of the ring whose packets are in flight"},
	[OLDEST_HELD] = {.name = "oldest held ms",
			 .help = "for how long the oldest of them has been held"},
	[DROPPED_HELD] = {.name = "dropped held",
			  .help = "packets dropped: too many blocks were held"},
	[TRUNCATED] = {.name = "truncated", .help = "packets dropped: longer than a block"},
	[TOO_LONG] = {.name = "too long",
		      .help = "packets dropped: longer than an mbuf, or a copy, can be"},
	[BROKEN] = {.name = "broken", .help = "packets dropped: invalid data in the ring"},
	[WAITS] = {.name = "waits for mbufs", .help = "polls that found packets but no mbuf"},
	[FROZEN] = {.name = "frozen",
		    .help = "times that the kernel stopped at a block not given back"},
};

static void add_figures(const struct ring *ring, struct fg_source_figure *figures)
{
	const struct ring_counters *count = &ring->count;
	const uint64_t held_ms = milliseconds_since(ring_oldest(ring));

	figures[BY_REFERENCE].value += fg_counter_read(&count->referred);
	figures[COPIED].value += fg_counter_read(&count->copied);
	figures[BLOCKS_HELD].value += ring_held(ring);
	figures[OLDEST_HELD].value = RTE_MAX(figures[OLDEST_HELD].value, held_ms);
	figures[DROPPED_HELD].value += fg_counter_read(&count->dropped_held);
	figures[TRUNCATED].value += fg_counter_read(&count->truncated);
	figures[TOO_LONG].value += fg_counter_read(&count->too_long);
	figures[BROKEN].value += fg_counter_read(&count->broken);
	figures[WAITS].value += fg_counter_read(&count->waits);
}

static unsigned int packet_mmap_figures(struct fg_source *src,
					struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX])
{
	struct packet_mmap *m = src->priv;

	memcpy(figures, figure_names, sizeof(figure_names));
	for (struct socket_set *set = m->newest; set != NULL; set = set->older) {
		packet_sockets_count(&set->sockets);
		figures[FROZEN].value += set->sockets.frozen;
		for (uint16_t queue = 0; queue < set->n_rings; queue++)
			add_figures(&set->rings[queue], figures);
	}
	return FIGURES;
}

/* No lcore reads this set, and none of its packets is in flight. */
static bool is_unused(const struct packet_mmap *m, const struct socket_set *set)
{
	for (uint16_t queue = 0; queue < set->n_rings; queue++)
		if (atomic_load_explicit(&m->queues[queue].used, memory_order_acquire) ==
			    &set->rings[queue] ||
		    ring_held(&set->rings[queue]) > 0)
			return false;
	return true;
}

static void retire_older(const struct packet_mmap *m)
{
	for (struct socket_set *set = m->newest->older; set != NULL; set = set->older)
		if (set->sockets.n_queues > 0 && is_unused(m, set)) {
			packet_sockets_count(&set->sockets);
			retire(set);
			set->sockets.n_queues = 0;
		}
}

/* Open a new set on the interface that now has the name; false if that failed. */
static bool reopen(struct packet_mmap *m)
{
	struct fg_error ignored = {0}; /* The next watch tries again. */
	struct socket_set *set = NULL;

	if (open_sockets(m, &set, &ignored) != 0)
		return false;
	if (open_rings(m, set, &ignored) == 0 &&
	    (!m->newest->sockets.gate_open || packet_sockets_bind(&set->sockets, &ignored) == 0)) {
		publish(m, set);
		return true;
	}
	retire(set);
	rte_free(set);
	return false;
}

static enum fg_link packet_mmap_watch(struct fg_source *src)
{
	struct packet_mmap *m = src->priv;
	const enum fg_link link = packet_sockets_watch(&m->newest->sockets);

	retire_older(m);
	if (link != FG_LINK_GONE) {
		m->gone_ticks = 0;
		return link;
	}
	if (m->gone_ticks == 0)
		m->gone_ticks = rte_rdtsc();
	/* Wait until the kernel has handed over the last blocks. */
	if (milliseconds_since(m->gone_ticks) <= 2 * m->conf->block_timeout + 10 ||
	    !packet_sockets_returned(&m->newest->sockets) || !reopen(m))
		return link;
	return packet_sockets_watch(&m->newest->sockets);
}

static uint64_t packet_mmap_outstanding(struct fg_source *src)
{
	struct packet_mmap *m = src->priv;

	m->finished = true;
	return source_pool_in_use(m->pool);
}

static void packet_mmap_close(struct fg_source *src)
{
	src->missed = NULL;
	close_all(src->priv);
	src->priv = NULL;
}

const struct fg_source_ops fg_source_packet_mmap = {
	.name = "packet_mmap",
	.help = "a kernel interface, by AF_PACKET's mapped ring: no copy in user space",
	.options = packet_mmap_options,
	.conf_bytes = sizeof(struct packet_mmap_conf),
	.timed = true,
	.probe = packet_sockets_probe,
	.open = packet_mmap_open,
	.start = packet_mmap_start,
	.rx_burst = packet_mmap_rx_burst,
	.stop = packet_mmap_stop,
	.lost = packet_mmap_lost,
	.figures = packet_mmap_figures,
	.watch = packet_mmap_watch,
	.outstanding = packet_mmap_outstanding,
	.close = packet_mmap_close,
};

/* SPDX-License-Identifier: MIT */
/*
 * A source on a kernel interface, by packet sockets that io_uring reads. The kernel copies each
 * frame once, into the mbuf that travels on, and there is no system call per packet.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_meta.h>

#include "interface_missed.h"
#include "io_uring_queue.h"
#include "packet_socket/packet_socket.h"
#include "source_pool.h"

#define L2_BYTES 22u    /* Ethernet header and two VLAN tags: not in the MTU. */
#define MTU_MAX  65000u /* A frame with its headroom fits a 16-bit mbuf length. */
#define CPU_MAX  4095u

static const char *const modes[] = {"defer", "sqpoll", NULL};
static const char *const automatic[] = {"auto", NULL};
static const char *const main_lcore[] = {"main", NULL};

struct uring_conf {
	struct packet_socket_conf socket;
	uint64_t mode; /* enum uring_mode. */
	bool timestamps;
	uint64_t buffers;
	uint64_t mtu;
	uint64_t socket_bytes;
	uint64_t sqpoll_cpu;
};

#define ROW(member) .name = #member, .offset = offsetof(struct uring_conf, member)

static const struct fg_option uring_options[] = {
	PACKET_SOCKET_INTERFACE(struct uring_conf),
	PACKET_SOCKET_ROWS(struct uring_conf),
	{ROW(mode), .type = FG_OPTION_NAME, .names = modes, .value = "defer",
	 .help = "who does the kernel's work: the polling lcore, or a kernel thread per queue"},
	{ROW(sqpoll_cpu), .type = FG_OPTION_U64, .max = CPU_MAX, .names = main_lcore,
	 .value = "main",
	 .help = "CPU of the first queue's kernel thread; further queues use the next CPUs. main: "
		 "all "
		 "use the main lcore's"},
	{ROW(timestamps), .type = FG_OPTION_BOOL, .value = "true",
	 .help = "use the kernel's timestamps; false: a packet's time is when it was read"},
	{ROW(buffers), .type = FG_OPTION_U64, .min = URING_BUFFERS_MIN, .max = URING_BUFFERS_MAX,
	 .power_of_two = true, .names = automatic, .value = "auto",
	 .help = "mbufs per queue provided to the kernel; auto: 128, or 4096 with sqpoll"},
	{ROW(mtu), .type = FG_OPTION_U64, .max = MTU_MAX, .value = "0", .unit = "bytes",
	 .help = "longest frame without its Ethernet header; 0: the interface's MTU at start"},
	{ROW(socket_bytes), .type = FG_OPTION_U64, .min = 4096, .max = 1u << 30, .value = "64M",
	 .unit = "bytes", .help = "kernel memory per queue for packets not read yet"},
	{0}};

struct uring_source {
	struct packet_sockets sockets;
	const struct uring_conf *conf;
	struct rte_mempool *pool;
	struct interface_missed missed;
	uint64_t socket_bytes; /* Granted by the kernel: the minimum of all queues. */
	bool running;
	bool stuck; /* The kernel does not give mbufs back: the pool must stay. */
	struct uring_queue queues[];
};

static uint32_t n_buffers(const struct uring_conf *conf)
{
	if (conf->buffers != FG_OPTION_NAMED(0))
		return (uint32_t)conf->buffers;
	/* A kernel thread runs ahead of the lcore; deferred, about 32 packets come at a time. */
	return conf->mode == URING_SQPOLL ? 4096 : 128;
}

static int uring_probe(struct fg_error *error)
{
	struct fg_error deferred = {0};
	int rc = packet_sockets_probe(error);

	if (rc != 0)
		return rc;
	rc = uring_queue_probe(URING_DEFER, &deferred);
	if (rc == -ENOTSUP) /* The other mode may work. */
		return uring_queue_probe(URING_SQPOLL, error);
	return rc == 0 ? 0 : fg_error_set(error, -rc, "%s", deferred.text);
}

/* Set the memory for frames not read yet: the larger, the later the reader may be. */
static int set_socket_memory(struct uring_source *s, int fd, struct fg_error *error)
{
	const int bytes = (int)(s->conf->socket_bytes / 2); /* The kernel doubles it. */
	socklen_t length = sizeof(int);
	int got;

	/* SO_RCVBUF works without CAP_NET_ADMIN, up to net.core.rmem_max. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) != 0)
		return fg_error_set(error, errno, "source %s: cannot set the socket's memory: %s",
				    s->sockets.source, strerror(errno));
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &length) == 0)
		s->socket_bytes = RTE_MIN(s->socket_bytes, (uint64_t)got);
	return 0;
}

static int set_up_sockets(struct uring_source *s, struct packet_sockets *sockets,
			  struct fg_error *error)
{
	const int one = 1, timed = s->conf->timestamps;
	int rc = 0;

	s->socket_bytes = UINT64_MAX;
	for (uint16_t queue = 0; queue < sockets->n_queues && rc == 0; queue++) {
		const int fd = sockets->socket[queue].fd;

		if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &timed, sizeof(timed)) != 0 ||
		    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) != 0)
			return fg_error_set(error, errno,
					    "source %s: cannot enable timestamps and VLAN tags on "
					    "the socket: %s",
					    sockets->source, strerror(errno));
		rc = set_socket_memory(s, fd, error);
	}
	return rc;
}

static int frame_bytes(struct uring_source *s, uint32_t *bytes, struct fg_error *error)
{
	struct ifreq request = {0};
	uint64_t mtu = s->conf->mtu;

	if (mtu == 0) {
		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s",
			 s->conf->socket.interface);
		if (ioctl(s->sockets.socket[0].fd, SIOCGIFMTU, &request) != 0)
			return fg_error_set(error, errno, "source %s: %s: cannot read its MTU: %s",
					    s->sockets.source, s->conf->socket.interface,
					    strerror(errno));
		mtu = (uint64_t)RTE_MAX(request.ifr_mtu, 0);
	}
	*bytes = (uint32_t)(RTE_MIN(mtu, MTU_MAX) + L2_BYTES);
	return 0;
}

static int make_pool(struct fg_source *src, struct uring_source *s, struct fg_error *error)
{
	const uint32_t needed = src->n_queues * (n_buffers(s->conf) + 2u * FG_BURST_MAX);
	uint32_t bytes = 0;
	uint16_t room;
	int rc = frame_bytes(s, &bytes, error);

	if (rc != 0)
		return rc;
	if (src->mbufs < needed)
		return fg_error_set(error, EINVAL,
				    "source %s: mbufs is %u, but %u queues with %u buffers and two "
				    "bursts each need at least %u",
				    src->name, src->mbufs, src->n_queues, n_buffers(s->conf),
				    needed);
	room = (uint16_t)(RTE_PKTMBUF_HEADROOM + RTE_ALIGN_CEIL(bytes, RTE_CACHE_LINE_SIZE));
	src->spare = src->mbufs - needed;
	return source_pool_create(src, src->spare, room, src->socket_id, &s->pool, error);
}

static int open_queues(struct fg_source *src, struct uring_source *s, struct fg_error *error)
{
	struct uring_queue_conf conf = {.mode = (enum uring_mode)s->conf->mode,
					.buffers = n_buffers(s->conf),
					.timed = s->conf->timestamps,
					.cpu = -1};

	for (uint16_t queue = 0; queue < src->n_queues; queue++) {
		int rc;

		if (s->conf->sqpoll_cpu != FG_OPTION_NAMED(0))
			conf.cpu = (int)s->conf->sqpoll_cpu + queue;
		rc = uring_queue_open(&s->queues[queue], &conf, s->pool, error);
		if (rc != 0) {
			while (queue-- > 0)
				uring_queue_close(&s->queues[queue]);
			return rc;
		}
	}
	return 0;
}

static int open_source(struct fg_source *src, struct uring_source *s, struct fg_error *error)
{
	int rc =
		packet_sockets_open(&s->sockets, src->name, src->n_queues, &s->conf->socket, error);

	if (rc != 0)
		return rc;
	src->socket_id = packet_interface_node(s->conf->socket.interface);
	rc = set_up_sockets(s, &s->sockets, error);
	if (rc == 0)
		rc = make_pool(src, s, error);
	if (rc == 0)
		rc = open_queues(src, s, error);
	if (rc != 0) {
		rte_mempool_free(s->pool);
		packet_sockets_close(&s->sockets);
	}
	return rc;
}

static int uring_open(struct fg_source *src, const void *conf, struct fg_error *error)
{
	const struct uring_conf *c = conf;
	struct uring_source *s;
	int rc = uring_queue_probe((enum uring_mode)c->mode, error);

	if (rc != 0)
		return rc;
	s = rte_zmalloc(NULL, sizeof(*s) + src->n_queues * sizeof(s->queues[0]), 128);
	if (s == NULL)
		return fg_error_set(error, ENOMEM, "source %s: no DPDK memory; give EAL more",
				    src->name);
	s->conf = c;
	rc = open_source(src, s, error);
	if (rc != 0) {
		rte_free(s);
		return rc;
	}
	interface_missed_begin(&s->missed, c->socket.interface);
	src->missed = &s->missed;
	src->priv = s;
	return 0;
}

static void stop_queues(struct fg_source *src)
{
	struct uring_source *s = src->priv;

	for (uint16_t queue = 0; queue < src->n_queues; queue++)
		uring_queue_stop(&s->queues[queue]);
}

static int uring_start(struct fg_source *src, struct fg_error *error)
{
	struct uring_source *s = src->priv;
	int rc = 0;

	for (uint16_t queue = 0; queue < src->n_queues && rc == 0; queue++)
		rc = uring_queue_start(&s->queues[queue], s->sockets.socket[queue].fd, error);
	if (rc == 0)
		rc = packet_sockets_bind(&s->sockets, error);
	if (rc != 0)
		stop_queues(src);
	s->running = rc == 0;
	return rc;
}

static uint16_t uring_rx_burst(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
			       uint16_t max)
{
	struct uring_source *s = src->priv;

	return uring_queue_pull(&s->queues[queue], pkts, max);
}

static void uring_stop(struct fg_source *src)
{
	struct uring_source *s = src->priv;

	packet_sockets_unbind(&s->sockets);
	stop_queues(src);
	s->running = false;
}

/* Sum of a counter over all queues. @counter: its offset in struct uring_counters. */
static uint64_t sum(const struct fg_source *src, size_t counter)
{
	const struct uring_source *s = src->priv;
	uint64_t total = 0;

	for (uint16_t queue = 0; queue < src->n_queues; queue++)
		total += fg_counter_read(
			(const struct fg_counter *)((const uint8_t *)&s->queues[queue].count +
						    counter));
	return total;
}

#define SUM(src, counter) sum((src), offsetof(struct uring_counters, counter))

static void uring_lost(struct fg_source *src, struct fg_source_lost *lost)
{
	struct uring_source *s = src->priv;

	packet_sockets_count(&s->sockets);
	*lost = (struct fg_source_lost){
		.nic = s->sockets.drops,
		.no_mbuf = SUM(src, left),
		.errors = SUM(src, truncated) + SUM(src, malformed),
	};
}

static unsigned int uring_figures(struct fg_source *src,
				  struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX])
{
	const struct uring_source *s = src->priv;
	const struct fg_source_figure all[] = {
		{"system calls", "system calls of the lcores", SUM(src, calls)},
		{"rearmed", "times the receive ended and was armed again", SUM(src, rearmed)},
		{"buffers exhausted", "... because the kernel had no buffer left",
		 SUM(src, exhausted)},
		{"socket errors", "... because of a socket error: its interface went down, ...",
		 SUM(src, failed)},
		{"completions full", "... because the completion queue was full",
		 SUM(src, overflowed)},
		{"pool empty", "times that no mbuf was free for the kernel", SUM(src, no_mbuf)},
		{"truncated", "frames longer than a buffer (option mtu), dropped",
		 SUM(src, truncated)},
		{"malformed", "invalid completions, dropped", SUM(src, malformed)},
		{"untimed", "packets without a kernel timestamp", SUM(src, untimed)},
		{"socket bytes",
		 "memory per queue that the kernel granted for packets not read yet",
		 s->socket_bytes},
	};
	static_assert(RTE_DIM(all) <= FG_SOURCE_FIGURES_MAX, "they fit");

	memcpy(figures, all, sizeof(all));
	return RTE_DIM(all);
}

/* Does the socket hold packets? */
static bool holds_packets(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(info);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &length) == 0 &&
	       info[SK_MEMINFO_RMEM_ALLOC] != 0;
}

/*
 * Open new sockets on an interface that was removed and created again, because members of a
 * fanout group cannot be bound again. The new sockets replace the old ones under the same
 * descriptors, once all packets of the old ones are read.
 */
static enum fg_link replace_sockets(struct fg_source *src)
{
	struct uring_source *s = src->priv;
	struct packet_sockets fresh;
	struct fg_error error = {0};
	int rc;

	for (uint16_t queue = 0; queue < src->n_queues; queue++)
		if (holds_packets(s->sockets.socket[queue].fd))
			return FG_LINK_GONE;
	if (packet_sockets_open(&fresh, src->name, src->n_queues, &s->conf->socket, &error) != 0)
		return FG_LINK_GONE;
	rc = set_up_sockets(s, &fresh, &error);
	if (rc == 0)
		rc = packet_sockets_bind(&fresh, &error);
	if (rc != 0) {
		packet_sockets_close(&fresh);
		return FG_LINK_GONE;
	}
	packet_sockets_count(&s->sockets);
	fresh.drops += s->sockets.drops;
	for (uint16_t queue = 0; queue < src->n_queues; queue++) {
		const int fd = s->sockets.socket[queue].fd;

		(void)dup3(fresh.socket[queue].fd, fd, O_CLOEXEC);
		close(fresh.socket[queue].fd);
		fresh.socket[queue].fd = fd;
		s->sockets.socket[queue].fd = -1;
		uring_queue_switch(&s->queues[queue], fd);
	}
	packet_sockets_close(&s->sockets);
	s->sockets = fresh;
	return packet_sockets_watch(&s->sockets);
}

static enum fg_link uring_watch(struct fg_source *src)
{
	struct uring_source *s = src->priv;
	const enum fg_link link = packet_sockets_watch(&s->sockets);

	if (link == FG_LINK_GONE && s->running && packet_sockets_returned(&s->sockets))
		return replace_sockets(src);
	return link;
}

/* Packets left in a socket whose gate is shut: read and drop them, since nobody else will. */
static uint64_t count_left(int fd)
{
	unsigned int errors = 0; /* That an interface went down is reported once, before packets. */
	uint64_t count = 0;
	char byte;

	while (errors < 2)
		if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) >= 0)
			count++;
		else
			errors++;
	return count;
}

static uint64_t uring_outstanding(struct fg_source *src)
{
	struct uring_source *s = src->priv;

	for (uint16_t queue = 0; queue < src->n_queues; queue++) {
		uring_queue_empty(&s->queues[queue]);
		fg_counter_add(&s->queues[queue].count.left,
			       count_left(s->sockets.socket[queue].fd));
		s->stuck = s->stuck || s->queues[queue].stuck;
	}
	return source_pool_in_use(s->pool);
}

static void uring_close(struct fg_source *src)
{
	struct uring_source *s = src->priv;

	(void)uring_outstanding(src);
	for (uint16_t queue = 0; queue < src->n_queues; queue++)
		uring_queue_close(&s->queues[queue]);
	packet_sockets_close(&s->sockets);
	src->missed = NULL;
	if (!s->stuck) {
		rte_mempool_free(s->pool);
		rte_free(s);
	}
	src->priv = NULL;
}

const struct fg_source_ops fg_source_io_uring = {
	.name = "io_uring",
	.help = "a kernel interface: packet sockets read by io_uring, copied once",
	.options = uring_options,
	.conf_bytes = sizeof(struct uring_conf),
	.timed = true,
	.probe = uring_probe,
	.open = uring_open,
	.start = uring_start,
	.rx_burst = uring_rx_burst,
	.stop = uring_stop,
	.lost = uring_lost,
	.figures = uring_figures,
	.watch = uring_watch,
	.outstanding = uring_outstanding,
	.close = uring_close,
};

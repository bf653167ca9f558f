/* SPDX-License-Identifier: MIT */
/*
 * A source on a kernel interface, by AF_XDP. It creates a DPDK device with driver net_af_xdp and
 * then works as an ethdev source. It adds feedgate's XDP program with the prefilter, and the
 * kernel's counters that the driver does not report.
 */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <link.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_build_config.h>
#include <rte_dev.h>
#include <rte_ether.h>

#include <fg_burst.h>
#include <fg_log.h>

#include "af_xdp_interface.h"
#include "af_xdp_program.h"
#include "ethdev/ethdev.h"
#include "ethdev/xdp_pool.h"

#define TAG_BYTES  4u
#define MBUF_BYTES 4096u /* Size of an mbuf in the pool. */

enum mode { MODE_AUTO, MODE_ZERO_COPY, MODE_COPY };
enum prefilter { PREFILTER_NONE, PREFILTER_RULES };
enum rest { REST_DROP, REST_KERNEL };

struct af_xdp_conf {
	char *interface;
	uint64_t mode;
	uint64_t start_queue;
	uint64_t busy_poll;
	uint64_t descriptors;
	bool promiscuous;
	uint64_t prefilter;
	uint64_t rest;
};

#define ROW(member) .name = #member, .offset = offsetof(struct af_xdp_conf, member)

static const struct fg_option af_xdp_options[] = {
	{ROW(interface), .type = FG_OPTION_STRING, .help = "network interface of this namespace"},
	{ROW(mode), .type = FG_OPTION_NAME, .value = "auto",
	 .names = (const char *const[]){"auto", "zero_copy", "copy", NULL},
	 .help = "auto: zero copy where the driver can; zero_copy: refuse to start without it"},
	{ROW(start_queue), .type = FG_OPTION_U64, .max = XDP_QUEUES_MAX - FG_SOURCE_QUEUES_MAX,
	 .value = "0", .help = "first queue of the NIC"},
	{ROW(busy_poll), .type = FG_OPTION_U64, .max = 65535, .value = "64", .unit = "packets",
	 .help = "packets that the kernel may receive in an empty poll; 0: leave it to interrupts"},
	{ROW(descriptors), .type = FG_OPTION_U64, .min = 64, .max = XDP_FILLED,
	 .power_of_two = true, .value = "2048", .help = "length of each receive ring"},
	{ROW(promiscuous), .type = FG_OPTION_BOOL, .value = "true",
	 .help = "receive frames for other MAC addresses, too"},
	{ROW(prefilter), .type = FG_OPTION_NAME, .value = "none",
	 .names = (const char *const[]){"none", "rules", NULL},
	 .help = "rules: the kernel drops packets that no rule can keep"},
	{ROW(rest), .type = FG_OPTION_NAME, .value = "drop",
	 .names = (const char *const[]){"drop", "kernel", NULL},
	 .help = "drop them, or pass them to the kernel's network stack"},
	{0}};

struct af_xdp {
	const struct af_xdp_conf *conf;
	struct xdp_interface interface;
	struct xdp_program *program;
	struct ethdev_conf port;
	char device[32];                                 /* Name of the port; empty: none. */
	int promiscuous;                                 /* Socket that holds the mode, or -1. */
	struct xdp_socket sockets[FG_SOURCE_QUEUES_MAX]; /* Opened by the driver. */
	unsigned int n_sockets;
	bool adopted;                   /* Sockets and program were found. */
	bool closed;                    /* The driver is closed; counts no longer change. */
	bool displaced;                 /* Logged: another program is attached. */
	struct xdp_socket_counts final; /* Counts when the driver was closed. */
};

static struct af_xdp *self(const struct fg_source *src)
{
	return *ethdev_extra(src);
}

/* Is the driver loaded already? */
static int is_driver(struct dl_phdr_info *object, size_t size, void *found)
{
	(void)size;
	*(bool *)found = *(bool *)found || strstr(object->dlpi_name, "librte_net_af_xdp") != NULL;
	return 0;
}

/* Is the driver loaded, or among the plugins that EAL will load? */
static bool have_driver(void)
{
	glob_t files = {0};
	bool found = false;

	dl_iterate_phdr(is_driver, &found);
	if (!found)
		found = glob(RTE_EAL_PMD_PATH "/librte_net_af_xdp.so*", 0, NULL, &files) == 0;
	globfree(&files);
	return found;
}

/* The effective capabilities of this process, a bit for each CAP_*. */
static uint64_t capabilities(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long bits = 0;
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "CapEff: %llx", &bits) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return bits;
}

static int check_capabilities(struct fg_error *error)
{
	const uint64_t have = capabilities();
	const uint64_t admin = UINT64_C(1) << CAP_SYS_ADMIN;

	if ((have >> CAP_NET_RAW & 1) == 0)
		return fg_error_set(error, EPERM, "needs CAP_NET_RAW");
	if ((have >> CAP_NET_ADMIN & 1) == 0)
		return fg_error_set(error, EPERM, "needs CAP_NET_ADMIN");
	if ((have & (UINT64_C(1) << CAP_BPF | admin)) == 0)
		return fg_error_set(error, EPERM, "needs CAP_BPF (or CAP_SYS_ADMIN)");
	/* The XDP program compares pointers: the kernel loads it only with this capability. */
	if ((have & (UINT64_C(1) << CAP_PERFMON | admin)) == 0)
		return fg_error_set(error, EPERM, "needs CAP_PERFMON (or CAP_SYS_ADMIN)");
	return 0;
}

/* The kernel locks the packet pool in memory. */
static int check_memory_lock(const struct fg_source *src, struct fg_error *error)
{
	const uint64_t needed = (uint64_t)src->mbufs * MBUF_BYTES;
	struct rlimit limit;

	if ((capabilities() >> CAP_IPC_LOCK & 1) != 0 || getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
	    limit.rlim_cur >= needed)
		return 0;
	return fg_error_set(error, EPERM,
			    "source %s: needs CAP_IPC_LOCK, or RLIMIT_MEMLOCK of at least %" PRIu64
			    " KiB (ulimit -l) for mbufs: %u",
			    src->name, needed / 1024, src->mbufs);
}

static int af_xdp_probe(struct fg_error *error)
{
	const int rc = check_capabilities(error);
	int fd;

	if (rc != 0)
		return rc;
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fg_error_set(error, errno, "cannot open an AF_XDP socket: %s",
				    strerror(errno));
	close(fd);
	if (!have_driver())
		return fg_error_set(error, ENOENT, "DPDK has no driver net_af_xdp (looked in %s)",
				    RTE_EAL_PMD_PATH);
	return 0;
}

static int check_interface(const struct fg_source *src, const struct af_xdp *x,
			   struct fg_error *error)
{
	const uint32_t max = xdp_pool_frame_max() - RTE_ETHER_HDR_LEN - 2 * TAG_BYTES;
	const struct xdp_interface *i = &x->interface;
	const uint32_t end = (uint32_t)x->conf->start_queue + src->n_queues;

	if (i->mtu > max)
		return fg_error_set(error, EINVAL,
				    "source %s: interface %s has MTU %u, but AF_XDP needs a packet "
				    "to fit a page: at most %u",
				    src->name, i->name, i->mtu, max);
	if (end > i->queues)
		return fg_error_set(error, EINVAL,
				    "source %s: interface %s: queues %u to %u requested, it has %u",
				    src->name, i->name, (uint32_t)x->conf->start_queue, end - 1,
				    i->queues);
	if (src->mbufs < src->n_queues * (XDP_FILLED + 2 * FG_BURST_MAX))
		return fg_error_set(error, EINVAL,
				    "source %s: mbufs is %u, but the kernel holds %u per queue: at "
				    "least %u",
				    src->name, src->mbufs, XDP_FILLED,
				    src->n_queues * (XDP_FILLED + 2 * FG_BURST_MAX));
	if (src->n_queues < i->all_queues)
		fg_log(NOTICE,
		       "source %s: interface %s has %u queues, %u of them are read: packets in the "
		       "others go to the kernel",
		       src->name, i->name, i->all_queues, src->n_queues);
	return 0;
}

static int make_device(struct fg_source *src, struct af_xdp *x, struct fg_error *error)
{
	static unsigned int serial; /* Names must differ. */
	char args[192];
	int rc;

	snprintf(x->device, sizeof(x->device), "net_af_xdp_fg%u", serial++);
	snprintf(args, sizeof(args),
		 "iface=%s,start_queue=%u,queue_count=%u,busy_budget=%u%s,xdp_prog=%s",
		 x->interface.name, (unsigned int)x->conf->start_queue, src->n_queues,
		 (unsigned int)x->conf->busy_poll,
		 x->conf->mode == MODE_COPY ? ",force_copy=1" : "", xdp_program_path(x->program));
	rc = rte_eal_hotplug_add("vdev", x->device, args);
	if (rc == 0)
		return 0;
	x->device[0] = '\0';
	return fg_error_set(error, -rc,
			    "source %s: interface %s: DPDK cannot create a net_af_xdp device: %s",
			    src->name, x->interface.name, strerror(-rc));
}

/* Free what ethdev_close() does not, or what there is when open failed. */
static void release(struct af_xdp *x)
{
	if (x->promiscuous >= 0)
		close(x->promiscuous);
	if (x->program != NULL) {
		xdp_program_before_detach(x->program);
		if (x->device[0] != '\0')
			(void)rte_eal_hotplug_remove("vdev", x->device);
		xdp_program_after_detach(x->program);
		xdp_program_close(x->program);
	}
	free(x);
}

static int prepare(struct fg_source *src, struct af_xdp *x, struct fg_error *error)
{
	int rc = xdp_interface_find(src->name, x->conf->interface, &x->interface, error);

	if (rc == 0)
		rc = check_interface(src, x, error);
	if (rc == 0)
		rc = xdp_program_open(src->name, x->interface.name, x->interface.ifindex,
				      x->conf->rest == REST_KERNEL, &x->program, error);
	if (rc == 0)
		rc = make_device(src, x, error);
	if (rc == 0 && x->conf->promiscuous) {
		x->promiscuous = xdp_interface_listen_all(&x->interface);
		if (x->promiscuous < 0)
			rc = fg_error_set(
				error, -x->promiscuous,
				"source %s: interface %s: cannot enable promiscuous mode: %s",
				src->name, x->interface.name, strerror(-x->promiscuous));
	}
	if (rc == 0 && x->interface.strips_tags)
		fg_log(INFO,
		       "source %s: interface %s may strip VLAN tags, which AF_XDP then does not "
		       "deliver: ethtool -K %s rxvlan off",
		       src->name, x->interface.name, x->interface.name);
	return rc;
}

static int af_xdp_open(struct fg_source *src, const void *conf, struct fg_error *error)
{
	struct af_xdp *x = calloc(1, sizeof(*x));
	struct fg_error missing = {0};
	int rc;

	if (x == NULL)
		return fg_error_set(error, ENOMEM, "source %s: out of memory", src->name);
	x->conf = conf;
	x->promiscuous = -1;
	rc = check_capabilities(&missing);
	if (rc != 0)
		(void)fg_error_set(error, -rc, "source %s: %s", src->name, missing.text);
	if (rc == 0)
		rc = check_memory_lock(src, error);
	if (rc == 0)
		rc = prepare(src, x, error);
	if (rc == 0) {
		x->port = (struct ethdev_conf){.device = x->device,
					       .descriptors = x->conf->descriptors};
		rc = ethdev_open(src, &x->port, error);
	}
	if (rc != 0) {
		release(x);
		return rc;
	}
	*ethdev_extra(src) = x;
	src->uncomputed = true;
	return 0;
}

/* Find the descriptors that the driver opened during setup: its sockets and the program's maps. */
static int adopt(struct fg_source *src, struct af_xdp *x, const struct xdp_descriptors *before,
		 struct fg_error *error)
{
	struct xdp_descriptors now;
	bool zero_copy = true;
	int rc;

	xdp_descriptors_read(&now);
	for (int fd = 0; fd < XDP_DESCRIPTORS_MAX; fd++) {
		if (!xdp_descriptors_have(&now, fd) || xdp_descriptors_have(before, fd))
			continue;
		if (x->n_sockets < src->n_queues && xdp_socket_is(fd, &x->sockets[x->n_sockets])) {
			x->n_sockets++;
			zero_copy = zero_copy && xdp_socket_zero_copy(fd);
		} else {
			xdp_program_offer_map(x->program, fd);
		}
	}
	rc = xdp_program_adopt(x->program, error);
	if (rc != 0)
		return rc;
	x->adopted = true;
	if (!zero_copy && x->conf->mode == MODE_ZERO_COPY)
		return fg_error_set(
			error, ENOTSUP,
			"source %s: interface %s: its driver has no zero copy: set mode "
			"to auto or copy",
			src->name, x->interface.name);
	fg_log(INFO, "source %s: interface %s: %s, XDP %s", src->name, x->interface.name,
	       zero_copy ? "zero copy" : "copied by the kernel", xdp_program_mode(x->program));
	return 0;
}

static int af_xdp_start(struct fg_source *src, struct fg_error *error)
{
	struct af_xdp *x = self(src);
	struct xdp_descriptors before;
	int rc;

	if (x->adopted)
		return ethdev_start(src, error);
	rc = xdp_program_check(x->program, error);
	if (rc != 0)
		return rc;
	xdp_descriptors_read(&before);
	rc = ethdev_start(src, error);
	if (rc != 0)
		return rc;
	rc = adopt(src, x, &before, error);
	if (rc != 0)
		ethdev_stop(src);
	return rc;
}

static struct xdp_socket_counts socket_counts(const struct af_xdp *x)
{
	struct xdp_socket_counts counts = {0};

	if (x->closed)
		return x->final;
	for (unsigned int i = 0; i < x->n_sockets; i++)
		(void)xdp_socket_count(x->sockets[i].fd, &counts);
	return counts;
}

/* Packets that were in a ring when the driver was closed; @redirected: all that went there. */
static uint64_t count_left(const struct fg_source *src, uint64_t redirected)
{
	const struct af_xdp *x = self(src);
	const uint64_t known = x->final.no_buffer + x->final.ring_full + fg_source_received(src);

	return redirected > known ? redirected - known : 0;
}

static void af_xdp_lost(struct fg_source *src, struct fg_source_lost *lost)
{
	const struct af_xdp *x = self(src);
	const struct xdp_socket_counts sockets = socket_counts(x);
	uint64_t program[XDP_COUNTS];

	ethdev_lost(src, lost);
	xdp_program_counts(x->program, program);
	/* The driver's imissed contains no_buffer only, and without mbufs it loses nothing. */
	lost->nic_unknown = false;
	if (x->n_sockets > 0)
		lost->nic = sockets.no_buffer + sockets.ring_full;
	lost->no_mbuf = x->closed ? count_left(src, program[XDP_COUNT_USER]) : 0;
	lost->prefiltered = program[XDP_COUNT_DROPPED] + program[XDP_COUNT_KERNEL];
}

static unsigned int af_xdp_figures(struct fg_source *src,
				   struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX])
{
	const struct af_xdp *x = self(src);
	const struct xdp_socket_counts sockets = socket_counts(x);
	struct fg_source_lost lost;
	uint64_t program[XDP_COUNTS];
	unsigned int n = 0;

#define FIGURE(title, text, number)                                                                \
	figures[n++] = (struct fg_source_figure){.name = (title), .help = (text), .value = (number)}
	FIGURE("no buffer", "lost: the kernel had no buffer, or the packet was too long",
	       sockets.no_buffer);
	FIGURE("ring full", "lost: not read fast enough", sockets.ring_full);
	ethdev_lost(src, &lost);
	FIGURE("no mbuf yet", "polls times packets that waited for an mbuf", lost.no_mbuf);
	FIGURE("invalid buffers", "buffers that the kernel refused", sockets.invalid);
	xdp_program_counts(x->program, program);
	FIGURE("redirected", "packets that the XDP program sent to feedgate",
	       program[XDP_COUNT_USER]);
	FIGURE("prefiltered: dropped", "packets that the prefilter dropped",
	       program[XDP_COUNT_DROPPED]);
	FIGURE("prefiltered: to kernel", "packets that the prefilter left to the kernel",
	       program[XDP_COUNT_KERNEL]);
	FIGURE("queue not read", "packets left to the kernel: no source reads their queue",
	       program[XDP_COUNT_NO_SOCKET]);
	FIGURE("groups", "groups in the prefilter; 0: everything passes",
	       xdp_program_groups(x->program));
#undef FIGURE
	return n;
}

static enum fg_link af_xdp_watch(struct fg_source *src)
{
	struct af_xdp *x = self(src);
	const enum fg_link link = xdp_interface_link(&x->interface);
	const bool displaced =
		x->adopted && link != FG_LINK_GONE && !xdp_program_in_place(x->program);

	if (displaced && !x->displaced)
		fg_log(WARNING,
		       "source %s: interface %s: feedgate's XDP program was detached: no more "
		       "packets "
		       "arrive",
		       src->name, x->interface.name);
	x->displaced = displaced;
	return link;
}

static int af_xdp_prefilter(struct fg_source *src, const struct fg_source_group *groups,
			    uint32_t count, struct fg_error *error)
{
	struct af_xdp *x = self(src);

	if (x->conf->prefilter == PREFILTER_NONE)
		return fg_error_set(error, ENOTSUP, "source %s: prefilter is none", src->name);
	return xdp_program_set_groups(x->program, groups, count, error);
}

/* Close the driver and its sockets. */
static void close_driver(struct fg_source *src)
{
	struct af_xdp *x = self(src);

	if (x->closed)
		return;
	x->final = socket_counts(x);
	x->closed = true;
	xdp_program_before_detach(x->program);
	ethdev_release_port(src);
	xdp_program_after_detach(x->program);
	/* DPDK 22.11's driver leaves them open, and open sockets keep the pool's memory locked. */
	for (unsigned int i = 0; i < x->n_sockets; i++)
		xdp_socket_close(&x->sockets[i]);
}

static uint64_t af_xdp_outstanding(struct fg_source *src)
{
	close_driver(src);
	return ethdev_outstanding(src);
}

static void af_xdp_close(struct fg_source *src)
{
	struct af_xdp *x = self(src);

	close_driver(src);
	ethdev_close(src);
	release(x);
}

const struct fg_source_ops fg_source_af_xdp = {
	.name = "af_xdp",
	.help = "a network interface, by AF_XDP",
	.options = af_xdp_options,
	.conf_bytes = sizeof(struct af_xdp_conf),
	.probe = af_xdp_probe,
	.open = af_xdp_open,
	.start = af_xdp_start,
	.rx_burst = ethdev_rx_burst,
	.stop = ethdev_stop,
	.ended = ethdev_ended,
	.lost = af_xdp_lost,
	.figures = af_xdp_figures,
	.watch = af_xdp_watch,
	.prefilter = af_xdp_prefilter,
	.outstanding = af_xdp_outstanding,
	.close = af_xdp_close,
};

/* SPDX-License-Identifier: MIT */
/*
 * A source on a kernel interface, by AF_XDP: makes a net_af_xdp device of DPDK
 * and is an ethdev source from then on. What it adds is the XDP program with
 * the pre-filter, and what the kernel counts that the driver does not tell.
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

#include <fg_log.h>

#include "af_xdp_interface.h"
#include "af_xdp_program.h"
#include "ethdev.h"
#include "kinds.h"
#include "xdp_pool.h"

#define FILLED     2048u /* Mbufs that the driver gives to the kernel, per queue. */
#define TAG_BYTES  4u
#define MBUF_BYTES 4096u /* That one takes of the pool. */

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
	 .help = "auto: zero copy where the driver can; zero_copy: or not at all"},
	{ROW(start_queue), .type = FG_OPTION_U64, .max = XDP_QUEUES_MAX - FG_SOURCE_QUEUES_MAX,
	 .value = "0", .help = "first queue of the network card"},
	{ROW(busy_poll), .type = FG_OPTION_U64, .max = 65535, .value = "64", .unit = "packets",
	 .help = "the kernel's work in one turn that found nothing; 0: leave it to interrupts"},
	{ROW(descriptors), .type = FG_OPTION_U64, .min = 64, .max = FILLED, .power_of_two = true,
	 .value = "2048", .help = "length of each receive ring"},
	{ROW(promiscuous), .type = FG_OPTION_BOOL, .value = "true",
	 .help = "receive what is addressed to others"},
	{ROW(prefilter), .type = FG_OPTION_NAME, .value = "none",
	 .names = (const char *const[]){"none", "rules", NULL},
	 .help = "rules: the kernel leaves out what no rule can keep"},
	{ROW(rest), .type = FG_OPTION_NAME, .value = "drop",
	 .names = (const char *const[]){"drop", "kernel", NULL},
	 .help = "where that goes: nowhere, or to the kernel as if feedgate were not there"},
	{0}};

struct af_xdp {
	const struct af_xdp_conf *conf;
	struct xdp_interface interface;
	struct xdp_program *program;
	struct ethdev_conf port;
	char device[32];                                 /* The port's name. */
	int promiscuous;                                 /* Descriptor that keeps it so, or -1. */
	struct xdp_socket sockets[FG_SOURCE_QUEUES_MAX]; /* The driver's own. */
	unsigned int n_sockets;
	bool adopted;                   /* Sockets and program are known. */
	bool left;                      /* The driver is closed; counts stay as they are. */
	bool displaced;                 /* It was said that the program is not the one attached. */
	struct xdp_socket_counts final; /* When it was left. */
};

static struct af_xdp *self(const struct fg_source *src)
{
	return *ethdev_extra(src);
}

/* Can EAL load the driver? It has it in it already, or among its plugins. */
static int is_driver(struct dl_phdr_info *object, size_t size, void *found)
{
	(void)size;
	*(bool *)found = *(bool *)found || strstr(object->dlpi_name, "librte_net_af_xdp") != NULL;
	return 0;
}

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

/* What this process may do, as bits of CAP_*. */
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
	/* Our own program compares pointers, which the kernel allows nobody else. */
	if (xdp_program_built && (have & (UINT64_C(1) << CAP_PERFMON | admin)) == 0)
		return fg_error_set(error, EPERM, "needs CAP_PERFMON (or CAP_SYS_ADMIN)");
	return 0;
}

/* The kernel pins the packet pool. */
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
		return fg_error_set(error, errno, "the kernel gives no AF_XDP socket: %s",
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
	const uint32_t most = xdp_pool_frame_max() - RTE_ETHER_HDR_LEN - 2 * TAG_BYTES;
	const struct xdp_interface *i = &x->interface;
	const uint32_t end = (uint32_t)x->conf->start_queue + src->n_queues;

	if (i->mtu > most)
		return fg_error_set(error, EINVAL,
				    "source %s: interface %s has MTU %u, but AF_XDP has packets in "
				    "one page: at most %u",
				    src->name, i->name, i->mtu, most);
	if (end > i->queues)
		return fg_error_set(
			error, EINVAL, "source %s: interface %s: queues %u to %u wanted, it has %u",
			src->name, i->name, (uint32_t)x->conf->start_queue, end - 1, i->queues);
	if (src->mbufs < src->n_queues * (FILLED + 2 * FG_BURST_MAX))
		return fg_error_set(error, EINVAL,
				    "source %s: mbufs is %u, but the kernel holds %u per queue: at "
				    "least %u",
				    src->name, src->mbufs, FILLED,
				    src->n_queues * (FILLED + 2 * FG_BURST_MAX));
	if (src->n_queues < i->all_queues)
		fg_log(NOTICE,
		       "source %s: interface %s has %u queues, %u of them are read: what it puts "
		       "into others goes to the kernel",
		       src->name, i->name, i->all_queues, src->n_queues);
	return 0;
}

static int make_device(struct fg_source *src, struct af_xdp *x, struct fg_error *error)
{
	static unsigned int serial; /* Names must differ. */
	char args[192];
	int rc;

	snprintf(x->device, sizeof(x->device), "net_af_xdp_fg%u", serial++);
	snprintf(args, sizeof(args), "iface=%s,start_queue=%u,queue_count=%u,busy_budget=%u%s%s%s",
		 x->interface.name, (unsigned int)x->conf->start_queue, src->n_queues,
		 (unsigned int)x->conf->busy_poll,
		 x->conf->mode == MODE_COPY ? ",force_copy=1" : "",
		 x->program != NULL ? ",xdp_prog=" : "",
		 x->program != NULL ? xdp_program_path(x->program) : "");
	rc = rte_eal_hotplug_add("vdev", x->device, args);
	if (rc == 0)
		return 0;
	x->device[0] = '\0';
	return fg_error_set(error, -rc,
			    "source %s: interface %s: DPDK makes no net_af_xdp device: %s",
			    src->name, x->interface.name, strerror(-rc));
}

/* What ethdev_close() leaves, or what there is when open failed. */
static void release(struct af_xdp *x)
{
	if (x->promiscuous >= 0)
		close(x->promiscuous);
	xdp_program_leave(x->program);
	if (x->device[0] != '\0')
		(void)rte_eal_hotplug_remove("vdev", x->device);
	xdp_program_left(x->program);
	xdp_program_close(x->program);
	free(x);
}

static int prepare(struct fg_source *src, struct af_xdp *x, struct fg_error *error)
{
	int rc = xdp_interface_find(src->name, x->conf->interface, &x->interface, error);

	if (rc == 0)
		rc = check_interface(src, x, error);
	if (rc == 0 && x->conf->prefilter != PREFILTER_NONE && !xdp_program_built)
		rc = fg_error_set(
			error, ENOTSUP,
			"source %s: prefilter: feedgate was built without clang or libbpf",
			src->name);
	if (rc == 0)
		rc = xdp_program_open(src->name, x->interface.name, x->interface.ifindex,
				      x->conf->rest == REST_KERNEL, &x->program, error);
	if (rc == 0)
		rc = make_device(src, x, error);
	if (rc == 0 && x->conf->promiscuous) {
		x->promiscuous = xdp_interface_listen_all(&x->interface);
		if (x->promiscuous < 0)
			rc = fg_error_set(error, -x->promiscuous,
					  "source %s: interface %s: not promiscuous: %s", src->name,
					  x->interface.name, strerror(-x->promiscuous));
	}
	if (rc == 0 && x->interface.strips_tags)
		fg_log(INFO,
		       "source %s: interface %s may take VLAN tags off, and AF_XDP does not show "
		       "them then: ethtool -K %s rxvlan off",
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
	return 0;
}

/* What the driver opened when it set its queues up: sockets and, of the program, maps. */
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
			xdp_program_notice(x->program, fd);
		}
	}
	rc = xdp_program_adopt(x->program, error);
	if (rc != 0)
		return rc;
	x->adopted = true;
	if (!zero_copy && x->conf->mode == MODE_ZERO_COPY)
		return fg_error_set(error, ENOTSUP,
				    "source %s: interface %s: its driver has no zero copy: mode "
				    "must be auto or copy",
				    src->name, x->interface.name);
	fg_log(INFO, "source %s: interface %s: %s%s%s", src->name, x->interface.name,
	       zero_copy ? "zero copy" : "copied by the kernel", x->program != NULL ? ", XDP " : "",
	       x->program != NULL ? xdp_program_mode(x->program) : "");
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

	if (x->left)
		return x->final;
	for (unsigned int i = 0; i < x->n_sockets; i++)
		(void)xdp_socket_count(x->sockets[i].fd, &counts);
	return counts;
}

static void af_xdp_lost(struct fg_source *src, struct fg_source_lost *lost)
{
	const struct af_xdp *x = self(src);
	const struct xdp_socket_counts sockets = socket_counts(x);
	uint64_t program[XDP_COUNTS];

	ethdev_lost(src, lost);
	xdp_program_counts(x->program, program);
	/* The driver's imissed is no_buffer only, and without mbufs it leaves packets where they
	 * are. */
	if (x->n_sockets > 0)
		lost->nic = sockets.no_buffer + sockets.ring_full;
	lost->no_mbuf = 0;
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
	FIGURE("no buffer", "lost: the kernel had no buffer, or none so long", sockets.no_buffer);
	FIGURE("ring full", "lost: not read fast enough", sockets.ring_full);
	ethdev_lost(src, &lost);
	FIGURE("no mbuf yet", "packets that had to wait for an mbuf, each time", lost.no_mbuf);
	FIGURE("invalid buffers", "that the kernel would not take", sockets.invalid);
	if (x->program == NULL)
		return n;
	xdp_program_counts(x->program, program);
	FIGURE("to us", "packets that the XDP program sent here", program[XDP_COUNT_USER]);
	FIGURE("left out: dropped", "by the pre-filter", program[XDP_COUNT_DROPPED]);
	FIGURE("left out: to kernel", "by the pre-filter", program[XDP_COUNT_KERNEL]);
	FIGURE("queue not read", "to the kernel, as no source reads their queue",
	       program[XDP_COUNT_NO_SOCKET]);
	FIGURE("groups", "in the pre-filter; 0: all comes here", xdp_program_groups(x->program));
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
		       "source %s: interface %s: somebody took our XDP program off: no packets "
		       "come any more",
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
	return xdp_program_set(x->program, groups, count, error);
}

/* The driver closes, and with it go its sockets. */
static void leave(struct fg_source *src)
{
	struct af_xdp *x = self(src);

	if (x->left)
		return;
	x->final = socket_counts(x);
	x->left = true;
	xdp_program_leave(x->program);
	ethdev_give_back(src);
	xdp_program_left(x->program);
	/* The driver of DPDK 22.11 forgets them; as long as they are open they hold the pool's
	 * memory. */
	for (unsigned int i = 0; i < x->n_sockets; i++)
		xdp_socket_close(&x->sockets[i]);
}

static uint64_t af_xdp_outstanding(struct fg_source *src)
{
	leave(src);
	return ethdev_outstanding(src);
}

static void af_xdp_close(struct fg_source *src)
{
	struct af_xdp *x = self(src);

	leave(src);
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

/* SPDX-License-Identifier: MIT */
#include "pf_ring_open.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_mbuf.h>

#define L2_BYTES      26u /* Ethernet header, two VLAN tags and FCS: not in the MTU. */
#define FRAME_MIN     64u
#define CLUSTER_TRIES 32u
#define CLUSTER_FIRST 0x4000u /* Above the small numbers that users choose. */

/* Indexes are PF_RING's numbers. */
#define ROUND_ROBIN 1
const char *const pf_ring_cluster_modes[] = {"flow",    "round-robin", "2-tuple", "4-tuple",
					     "5-tuple", "tcp-5-tuple", NULL};

/* Make ioctl @what for interface @name. 0 or -errno. */
static int query_interface(const struct pf_ring_opener *opener, unsigned long what,
			   const char *name, struct ifreq *request)
{
	memset(request, 0, sizeof(*request));
	if (strlen(name) >= sizeof(request->ifr_name))
		return -ENODEV;
	memcpy(request->ifr_name, name, strlen(name));
	return ioctl(opener->control, what, request) == 0 ? 0 : -errno;
}

static int fail(const struct pf_ring_opener *opener, int code, const char *what,
		struct fg_error *error)
{
	return fg_error_set(error, code, "source %s: interface %s: %s: %s", opener->source,
			    opener->conf->interface, what, strerror(code));
}

/* PF_RING parses device names: for queues, VLANs, several interfaces, modules. */
static int check_name(const struct pf_ring_opener *opener, struct fg_error *error)
{
	const char *name = opener->conf->interface;

	if (strpbrk(name, "@,;:()") != NULL)
		return fg_error_set(error, EINVAL,
				    "source %s: '%s' has characters with a meaning to PF_RING; "
				    "expected the name of one network interface",
				    opener->source, name);
	if (if_nametoindex(name) == 0)
		return fg_error_set(
			error, ENODEV,
			"source %s: there is no interface '%s' in this network namespace",
			opener->source, name);
	return 0;
}

static int check_interface(struct pf_ring_opener *opener, struct fg_error *error)
{
	const char *name = opener->conf->interface;
	struct ifreq request;
	int rc = check_name(opener, error);

	if (rc != 0)
		return rc;
	rc = query_interface(opener, SIOCGIFHWADDR, name, &request);
	if (rc != 0)
		return fail(opener, -rc, "cannot read its type", error);
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
	    request.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
		return fg_error_set(error, EMEDIUMTYPE,
				    "source %s: interface %s carries frames of type %u, expected "
				    "Ethernet",
				    opener->source, name, request.ifr_hwaddr.sa_family);
	rc = query_interface(opener, SIOCGIFFLAGS, name, &request);
	if (rc == 0 && (request.ifr_flags & IFF_UP) == 0)
		return fg_error_set(error, ENETDOWN,
				    "source %s: interface %s is down; PF_RING opens only "
				    "interfaces that are up",
				    opener->source, name);
	return rc == 0 ? 0 : fail(opener, -rc, "cannot read its state", error);
}

static int set_caplen(struct pf_ring_opener *opener, struct fg_error *error)
{
	const uint32_t max = UINT16_MAX - RTE_PKTMBUF_HEADROOM;
	struct ifreq request;
	int rc;

	opener->caplen = (uint32_t)opener->conf->caplen;
	if (opener->caplen != 0)
		return 0;
	rc = query_interface(opener, SIOCGIFMTU, opener->conf->interface, &request);
	if (rc != 0)
		return fail(opener, -rc, "cannot read its MTU", error);
	opener->caplen = RTE_MAX((uint32_t)request.ifr_mtu + L2_BYTES, FRAME_MIN);
	opener->caplen = RTE_MIN(opener->caplen, max);
	return 0;
}

static int compile_filter(struct pf_ring_opener *opener, struct fg_error *error)
{
	const struct packet_filter_conf conf = {.source = opener->source,
						.interface = opener->conf->interface,
						.text = opener->conf->filter};

	return packet_filter_compile(&conf, &opener->filter, error);
}

/*
 * Queues that share an interface form a cluster. So does a single queue: when several CPUs receive
 * packets of one interface (veth, packet steering), the module lets them write to a ring at the
 * same time, which corrupts it, unless the module was loaded with force_ring_lock or the ring is in
 * a cluster.
 */
static uint32_t choose_cluster(const struct pf_ring_opener *opener)
{
	static uint32_t serial; /* So that sources of one process start with different numbers. */

	if (opener->n_queues == 1 && pf_ring_kernel_locks())
		return 0;
	if (opener->conf->cluster_id != 0)
		return (uint32_t)opener->conf->cluster_id;
	return CLUSTER_FIRST | (((uint32_t)getpid() + serial++) & 0x3fffu);
}

int pf_ring_opener_init(struct pf_ring_opener *opener, struct fg_error *error)
{
	int rc;

	opener->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (opener->control < 0)
		return fg_error_set(error, errno, "source %s: cannot open a socket: %s",
				    opener->source, strerror(errno));
	opener->cluster = choose_cluster(opener);
	rc = check_interface(opener, error);
	if (rc == 0)
		rc = set_caplen(opener, error);
	if (rc == 0)
		rc = compile_filter(opener, error);
	if (rc != 0)
		pf_ring_opener_free(opener);
	return rc;
}

void pf_ring_opener_free(struct pf_ring_opener *opener)
{
	if (opener->control >= 0)
		close(opener->control);
	opener->control = -1;
	packet_filter_free(&opener->filter);
}

/*
 * PF_RING disables the NIC's timestamps when it opens a ring, but others (PTP) may need them. So
 * the setting is saved before and restored afterwards.
 */
struct nic_stamping {
	struct hwtstamp_config config;
	bool known;
};

static void save_stamping(const struct pf_ring_opener *opener, struct nic_stamping *saved)
{
	struct ifreq request = {.ifr_data = (void *)&saved->config};

	memset(saved, 0, sizeof(*saved));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", opener->conf->interface);
	saved->known = ioctl(opener->control, SIOCGHWTSTAMP, &request) == 0;
}

static void restore_stamping(const struct pf_ring_opener *opener, struct nic_stamping *saved)
{
	struct ifreq request = {.ifr_data = (void *)&saved->config};

	if (!saved->known || (saved->config.tx_type == HWTSTAMP_TX_OFF &&
			      saved->config.rx_filter == HWTSTAMP_FILTER_NONE))
		return;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", opener->conf->interface);
	(void)ioctl(opener->control, SIOCSHWTSTAMP, &request);
}

static struct pf_ring_handle *open_handle(const struct pf_ring_opener *opener)
{
	const uint32_t flags =
		PF_RING_TIMESTAMP | (opener->conf->promiscuous ? PF_RING_PROMISC : 0);
	const char *name = opener->conf->interface;
	struct nic_stamping stamping;
	struct pf_ring_handle *ring;
	char quoted[IFNAMSIZ + 2];

	/* Without parentheses PF_RING takes the part after a dot for a VLAN. */
	snprintf(quoted, sizeof(quoted), strchr(name, '.') != NULL ? "(%s)" : "%s", name);
	save_stamping(opener, &stamping);
	errno = 0;
	ring = opener->lib->call.open(quoted, opener->caplen, flags);
	if (ring == NULL && errno == 0)
		errno = ENODEV;
	restore_stamping(opener, &stamping);
	return ring;
}

/* Does the kernel module write the packet header that this code reads? */
static int check_layout(const struct pf_ring_opener *opener, struct pf_ring_handle *ring,
			struct fg_error *error)
{
	const uint16_t bytes = opener->lib->call.get_slot_header_len(ring);
	uint32_t version = 0;

	if (opener->lib->call.version(ring, &version) != 0 || version >> 16 != PF_RING_MAJOR)
		return fg_error_set(error, ENOTSUP,
				    "source %s: the kernel module is PF_RING %u.%u.%u, expected "
				    "version %u",
				    opener->source, version >> 16, version >> 8 & 0xff,
				    version & 0xff, PF_RING_MAJOR);
	if (bytes != sizeof(struct pf_ring_header))
		return fg_error_set(error, ENOTSUP,
				    "source %s: PF_RING writes headers of %u bytes, expected %zu",
				    opener->source, bytes, sizeof(struct pf_ring_header));
	return 0;
}

/* With setsockopt(): the library's function depends on private structs of libpcap. */
static int attach_filter(const struct pf_ring_opener *opener, struct pf_ring_handle *ring,
			 struct fg_error *error)
{
	const struct sock_fprog program = {.len = opener->filter.length,
					   .filter = opener->filter.code};

	/* A program of one instruction accepts everything. */
	if (opener->filter.code == NULL || opener->filter.length == 1)
		return 0;
	if (setsockopt(opener->lib->call.get_selectable_fd(ring), 0, SO_ATTACH_FILTER, &program,
		       sizeof(program)) != 0)
		return fail(opener, errno, "the kernel refuses the filter", error);
	return 0;
}

static int set_up(const struct pf_ring_opener *opener, struct pf_ring_handle *ring,
		  struct fg_error *error)
{
	char name[32];
	int rc = check_layout(opener, ring, error);

	if (rc == 0 && opener->lib->call.set_direction(ring, PF_RING_RX_ONLY) != 0)
		rc = fail(opener, EINVAL, "cannot ignore outgoing packets", error);
	if (rc == 0)
		rc = attach_filter(opener, ring, error);
	if (rc != 0)
		return rc;
	/* No thread sleeps on the ring: avoid wake-ups as far as possible. */
	(void)opener->lib->call.set_poll_watermark(ring, UINT16_MAX);
	snprintf(name, sizeof(name), "feedgate %s", opener->source);
	if (opener->lib->call.set_application_name != NULL)
		(void)opener->lib->call.set_application_name(ring, name); /* Shown in /proc only. */
	return 0;
}

static bool join_cluster(const struct pf_ring_opener *opener, struct pf_ring_handle *ring,
			 uint16_t queue)
{
	/* With one queue any mode will do: the cheapest. */
	const int mode = opener->n_queues > 1 ? (int)opener->conf->cluster_mode : ROUND_ROBIN;

	if (opener->lib->call.set_cluster_consumer != NULL)
		return opener->lib->call.set_cluster_consumer(ring, (uint16_t)opener->cluster,
							      queue, mode, 0) == 0;
	return opener->lib->call.set_cluster(ring, opener->cluster, mode) == 0;
}

/* All rings join, or none: the cluster may belong to another program. */
static bool join_all(const struct pf_ring_opener *opener, struct pf_ring_handle **rings)
{
	for (uint16_t queue = 0; queue < opener->n_queues; queue++) {
		if (join_cluster(opener, rings[queue], queue))
			continue;
		for (uint16_t joined = 0; joined <= queue; joined++)
			(void)opener->lib->call.remove_from_cluster(rings[joined]);
		return false;
	}
	return true;
}

static int share(struct pf_ring_opener *opener, struct pf_ring_handle **rings,
		 struct fg_error *error)
{
	if (opener->cluster == 0)
		return 0;
	if (opener->conf->cluster_id != 0)
		return join_all(opener, rings)
			       ? 0
			       : fg_error_set(error, EBUSY,
					      "source %s: cannot join PF_RING cluster %u: in use "
					      "by another program or interface?",
					      opener->source, opener->cluster);
	for (unsigned int i = 0; i < CLUSTER_TRIES; i++) {
		if (join_all(opener, rings))
			return 0;
		opener->cluster = CLUSTER_FIRST | ((opener->cluster + 1) & 0x3fffu);
	}
	return fg_error_set(error, EBUSY, "source %s: no PF_RING cluster is free from %u on",
			    opener->source, opener->cluster);
}

int pf_ring_open_rings(struct pf_ring_opener *opener, struct pf_ring_handle **rings,
		       struct fg_error *error)
{
	int rc = 0;

	memset(rings, 0, opener->n_queues * sizeof(*rings));
	opener->ifindex = (int)if_nametoindex(opener->conf->interface);
	for (uint16_t queue = 0; queue < opener->n_queues && rc == 0; queue++) {
		rings[queue] = open_handle(opener);
		rc = rings[queue] == NULL ? fail(opener, errno, "PF_RING cannot open it", error)
					  : set_up(opener, rings[queue], error);
	}
	if (rc == 0)
		rc = share(opener, rings, error);
	for (uint16_t queue = 0; queue < opener->n_queues && rc != 0; queue++) {
		pf_ring_close_ring(opener, rings[queue]);
		rings[queue] = NULL;
	}
	return rc;
}

void pf_ring_halt(const struct pf_ring_opener *opener, struct pf_ring_handle *ring)
{
	const char nothing = 0;

	(void)setsockopt(opener->lib->call.get_selectable_fd(ring), 0, PF_RING_SO_DEACTIVATE,
			 &nothing, sizeof(nothing));
}

/*
 * When an interface is removed, the module detaches its rings, but leaves them in their clusters
 * even when they are closed, and may attach them to the next new interface. So remove and
 * deactivate them here.
 */
void pf_ring_detach(const struct pf_ring_opener *opener, struct pf_ring_handle *ring)
{
	if (opener->cluster != 0)
		(void)opener->lib->call.remove_from_cluster(ring);
	pf_ring_halt(opener, ring);
}

void pf_ring_close_ring(const struct pf_ring_opener *opener, struct pf_ring_handle *ring)
{
	if (ring == NULL)
		return;
	if (opener->cluster != 0)
		(void)opener->lib->call.remove_from_cluster(ring);
	opener->lib->call.close(ring);
}

static unsigned int flags_of(const struct pf_ring_opener *opener)
{
	struct ifreq request;

	if (query_interface(opener, SIOCGIFFLAGS, opener->conf->interface, &request) != 0)
		return 0;
	return (unsigned short)request.ifr_flags;
}

enum fg_link pf_ring_link(const struct pf_ring_opener *opener)
{
	const unsigned int up = IFF_UP | IFF_RUNNING;

	if ((int)if_nametoindex(opener->conf->interface) != opener->ifindex)
		return FG_LINK_GONE;
	return (flags_of(opener) & up) == up ? FG_LINK_UP : FG_LINK_DOWN;
}

bool pf_ring_can_open(const struct pf_ring_opener *opener)
{
	return (flags_of(opener) & IFF_UP) != 0;
}

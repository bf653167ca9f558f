/* SPDX-License-Identifier: MIT */
/*
 * AF_PACKET sockets for the queues of one source.
 *
 * A socket's filter is also its gate. From the socket's creation to the start it drops every
 * packet: none is queued before the user's filter is attached and all members of the fanout
 * group exist. After a stop it drops every packet again, because the kernel cannot unbind a
 * member of a fanout group.
 */
#include "packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_memory.h>

/* Not in the headers of older kernels, which ignore it: then the filter drops outgoing packets. */
#define FANOUT_IGNORE_OUTGOING 0x4000

const char *const packet_socket_fanouts[] = {"hash", "lb", "cpu", "rnd", "qm", NULL};

static const uint16_t fanout_types[] = {PACKET_FANOUT_HASH, PACKET_FANOUT_LB, PACKET_FANOUT_CPU,
					PACKET_FANOUT_RND, PACKET_FANOUT_QM};

static int open_raw(void)
{
	/* Protocol 0: the socket receives nothing until it is bound with a protocol. */
	return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
}

int packet_sockets_probe(struct fg_error *error)
{
	const int fd = open_raw();

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == EPERM || errno == EACCES)
		return fg_error_set(
			error, EPERM,
			"packet sockets need the capability CAP_NET_RAW in this network "
			"namespace");
	return fg_error_set(error, errno, "cannot open a packet socket: %s", strerror(errno));
}

/* Sets @error to "source X: interface Y: WHAT: reason". @return -code. */
static int fail(const struct packet_sockets *sockets, int code, const char *what,
		struct fg_error *error)
{
	return fg_error_set(error, code, "source %s: interface %s: %s: %s", sockets->source,
			    sockets->conf->interface, what, strerror(code));
}

/* The interface's index in the namespace of the sockets, or -errno. */
static int find_interface(const struct packet_sockets *sockets)
{
	struct ifreq request = {0};

	if (strlen(sockets->conf->interface) >= sizeof(request.ifr_name))
		return -ENODEV;
	memcpy(request.ifr_name, sockets->conf->interface, strlen(sockets->conf->interface));
	if (ioctl(sockets->socket[0].fd, SIOCGIFINDEX, &request) != 0)
		return -errno;
	return request.ifr_ifindex;
}

/* The interface must exist, and its frames must have an Ethernet header. */
static int check_interface(struct packet_sockets *sockets, struct fg_error *error)
{
	struct ifreq request = {0};

	sockets->ifindex = find_interface(sockets);
	if (sockets->ifindex < 0)
		return fg_error_set(error, -sockets->ifindex,
				    "source %s: there is no interface '%s' in this network "
				    "namespace",
				    sockets->source, sockets->conf->interface);
	memcpy(request.ifr_name, sockets->conf->interface, strlen(sockets->conf->interface));
	if (ioctl(sockets->socket[0].fd, SIOCGIFHWADDR, &request) != 0)
		return fail(sockets, errno, "cannot read its type", error);
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
	    request.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
		return fg_error_set(error, EMEDIUMTYPE,
				    "source %s: interface %s carries frames of type %u, expected "
				    "Ethernet",
				    sockets->source, sockets->conf->interface,
				    request.ifr_hwaddr.sa_family);
	return 0;
}

static int attach(const struct packet_sockets *sockets, int fd, struct sock_filter *code,
		  uint16_t length, struct fg_error *error)
{
	const struct sock_fprog program = {.len = length, .filter = code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
		return fail(sockets, errno, "the kernel refuses the filter", error);
	return 0;
}

static int shut_gate(const struct packet_sockets *sockets, int fd, struct fg_error *error)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);

	return attach(sockets, fd, &refuse, 1, error);
}

static int open_socket(struct packet_sockets *sockets, uint16_t queue, struct fg_error *error)
{
	const int one = 1;
	const int fd = open_raw();
	int rc;

	sockets->socket[queue].fd = fd;
	if (fd < 0)
		return packet_sockets_probe(error) != 0
			       ? -EPERM
			       : fail(sockets, errno, "cannot open a socket", error);
	rc = shut_gate(sockets, fd, error);
	if (rc == 0 && !sockets->conf->outgoing &&
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0)
		rc = fail(sockets, errno, "cannot ignore outgoing packets (needs Linux 4.20)",
			  error);
	return rc;
}

static int compile_filter(struct packet_sockets *sockets, struct fg_error *error)
{
	const struct packet_filter_conf conf = {
		.source = sockets->source,
		.interface = sockets->conf->interface,
		.text = sockets->conf->filter,
		/* In a fanout group older kernels ignore PACKET_IGNORE_OUTGOING. */
		.drop_outgoing = !sockets->conf->outgoing && sockets->n_queues > 1,
	};

	return packet_filter_compile(&conf, &sockets->filter, error);
}

int packet_sockets_open(struct packet_sockets *sockets, const char *source, uint16_t n_queues,
			const struct packet_socket_conf *conf, struct fg_error *error)
{
	int rc = 0;

	memset(sockets, 0, sizeof(*sockets));
	sockets->source = source;
	sockets->conf = conf;
	sockets->n_queues = n_queues;
	for (uint16_t queue = 0; queue < FG_SOURCE_QUEUES_MAX; queue++)
		sockets->socket[queue].fd = -1;
	for (uint16_t queue = 0; queue < n_queues && rc == 0; queue++)
		rc = open_socket(sockets, queue, error);
	if (rc == 0)
		rc = check_interface(sockets, error);
	if (rc == 0)
		rc = compile_filter(sockets, error);
	if (rc != 0)
		packet_sockets_close(sockets);
	return rc;
}

static int bind_socket(const struct packet_sockets *sockets, int fd, struct fg_error *error)
{
	const struct sockaddr_ll address = {.sll_family = AF_PACKET,
					    .sll_protocol = htons(ETH_P_ALL),
					    .sll_ifindex = sockets->ifindex};

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return fail(sockets, errno, "cannot bind", error);
	return 0;
}

/* On one socket, for all: promiscuous mode is a state of the interface. */
static int widen(const struct packet_sockets *sockets, struct fg_error *error)
{
	const struct packet_mreq request = {
		.mr_ifindex = sockets->ifindex,
		.mr_type = sockets->conf->promiscuous ? PACKET_MR_PROMISC : PACKET_MR_ALLMULTI};

	if (setsockopt(sockets->socket[0].fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request,
		       sizeof(request)) != 0)
		return fail(sockets, errno, "cannot enable promiscuous or allmulticast mode",
			    error);
	return 0;
}

/* The first socket creates a fanout group with an id that the kernel chooses; the others join it.
 */
static int share(const struct packet_sockets *sockets, struct fg_error *error)
{
	const uint16_t type = (uint16_t)(fanout_types[sockets->conf->fanout] |
					 (sockets->conf->outgoing ? 0 : FANOUT_IGNORE_OUTGOING));
	uint32_t group = (uint32_t)(type | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
	socklen_t length = sizeof(group);

	for (uint16_t queue = 0; queue < sockets->n_queues; queue++) {
		const int fd = sockets->socket[queue].fd;

		if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) != 0)
			return fail(sockets, errno,
				    "cannot spread packets over queues (older kernels need it up)",
				    error);
		if (queue == 0 && getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, &length) != 0)
			return fail(sockets, errno, "cannot read the fanout group", error);
		group = (group & UINT16_MAX) | (uint32_t)type << 16;
	}
	return 0;
}

static int add_member_socket(struct packet_sockets *sockets, int family)
{
	const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int *members;

	if (fd < 0)
		return -errno;
	members = realloc(sockets->members, (sockets->n_members + 1) * sizeof(*members));
	if (members == NULL) {
		close(fd);
		return -ENOMEM;
	}
	sockets->members = members;
	members[sockets->n_members++] = fd;
	return fd;
}

static int join_on(const struct packet_sockets *sockets, int fd, const char *group)
{
	struct ip_mreqn four = {.imr_ifindex = sockets->ifindex};
	struct ipv6_mreq six = {.ipv6mr_interface = (unsigned int)sockets->ifindex};
	int rc;

	if (inet_pton(AF_INET, group, &four.imr_multiaddr) == 1)
		rc = setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four));
	else if (inet_pton(AF_INET6, group, &six.ipv6mr_multiaddr) == 1)
		rc = setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &six, sizeof(six));
	else
		return -EINVAL;
	return rc == 0 ? 0 : -errno;
}

/* Join a group; that it is joined already is no error. @last: the newest member socket of each
 * family. */
static int join_group(struct packet_sockets *sockets, const char *group, int *last,
		      struct fg_error *error)
{
	const int family = strchr(group, ':') == NULL ? AF_INET : AF_INET6;
	int *fd = &last[family == AF_INET6];
	int rc = *fd >= 0 ? join_on(sockets, *fd, group) : -ENOBUFS;

	/* The number of memberships of a socket is limited (net.ipv4.igmp_max_memberships). */
	if (rc == -ENOBUFS || rc == -ENOMEM) {
		*fd = add_member_socket(sockets, family);
		rc = *fd >= 0 ? join_on(sockets, *fd, group) : *fd;
	}
	if (rc == 0 || rc == -EADDRINUSE)
		return 0;
	if (rc == -EINVAL)
		return fg_error_set(error, EINVAL,
				    "source %s: join: '%s' is no multicast group, expected an IPv4 "
				    "or IPv6 address",
				    sockets->source, group);
	return fg_error_set(error, -rc, "source %s: interface %s: cannot join %s: %s",
			    sockets->source, sockets->conf->interface, group, strerror(-rc));
}

static void leave_all(struct packet_sockets *sockets)
{
	for (unsigned int i = 0; i < sockets->n_members; i++)
		close(sockets->members[i]);
	free(sockets->members);
	sockets->members = NULL;
	sockets->n_members = 0;
}

static int join_all(struct packet_sockets *sockets, struct fg_error *error)
{
	char *groups = strdup(sockets->conf->join);
	char *rest = groups;
	int last[2] = {-1, -1}; /* IPv4, IPv6. */
	int rc = 0;

	if (groups == NULL)
		return fg_error_set(error, ENOMEM, "source %s: no memory", sockets->source);
	for (const char *group; rc == 0 && (group = strsep(&rest, ", \t\n")) != NULL;)
		if (group[0] != '\0')
			rc = join_group(sockets, group, last, error);
	free(groups);
	if (rc != 0)
		leave_all(sockets);
	return rc;
}

/* Everything that depends on the interface's index, except the fanout group. */
static int attach_to_interface(struct packet_sockets *sockets, struct fg_error *error)
{
	int rc = 0;

	leave_all(sockets);
	for (uint16_t queue = 0; queue < sockets->n_queues && rc == 0; queue++)
		rc = bind_socket(sockets, sockets->socket[queue].fd, error);
	if (rc == 0)
		rc = widen(sockets, error);
	return rc == 0 ? join_all(sockets, error) : rc;
}

int packet_sockets_bind(struct packet_sockets *sockets, struct fg_error *error)
{
	int rc = 0;

	if (!sockets->bound) {
		rc = attach_to_interface(sockets, error);
		if (rc == 0 && sockets->n_queues > 1)
			rc = share(sockets, error);
		sockets->bound = rc == 0;
	}
	for (uint16_t queue = 0; queue < sockets->n_queues && rc == 0; queue++)
		rc = attach(sockets, sockets->socket[queue].fd, sockets->filter.code,
			    sockets->filter.length, error);
	sockets->gate_open = rc == 0;
	if (rc != 0)
		packet_sockets_unbind(sockets);
	return rc;
}

void packet_sockets_unbind(struct packet_sockets *sockets)
{
	struct fg_error ignored = {0}; /* It succeeded at open, and needs no more memory. */

	for (uint16_t queue = 0; queue < sockets->n_queues; queue++)
		(void)shut_gate(sockets, sockets->socket[queue].fd, &ignored);
	sockets->gate_open = false;
}

void packet_sockets_count(struct packet_sockets *sockets)
{
	for (uint16_t queue = 0; queue < sockets->n_queues; queue++) {
		union tpacket_stats_u stats = {0};
		socklen_t length = sizeof(stats);

		/* Without a TPACKET_V3 ring the kernel fills the first two fields only. */
		if (getsockopt(sockets->socket[queue].fd, SOL_PACKET, PACKET_STATISTICS, &stats,
			       &length) != 0)
			continue;
		sockets->packets += stats.stats3.tp_packets;
		sockets->drops += stats.stats3.tp_drops;
		sockets->frozen += stats.stats3.tp_freeze_q_cnt;
	}
}

/* Flags of the bound interface, whatever its name is now; false if it no longer exists. */
static bool flags_of(const struct packet_sockets *sockets, short *flags)
{
	struct ifreq request = {.ifr_ifindex = sockets->ifindex};

	if (ioctl(sockets->socket[0].fd, SIOCGIFNAME, &request) != 0 ||
	    ioctl(sockets->socket[0].fd, SIOCGIFFLAGS, &request) != 0)
		return false;
	*flags = request.ifr_flags;
	return true;
}

bool packet_sockets_returned(const struct packet_sockets *sockets)
{
	short flags;

	return !flags_of(sockets, &flags) && find_interface(sockets) > 0;
}

/* Bind to the interface that now has the configured name; false if that failed. */
static bool follow(struct packet_sockets *sockets)
{
	const int before = sockets->ifindex;
	const int now = find_interface(sockets);
	struct fg_error ignored = {0};

	if (now < 0 || sockets->n_queues > 1)
		return false;
	sockets->ifindex = now;
	if (attach_to_interface(sockets, &ignored) == 0)
		return true;
	sockets->ifindex = before; /* The next watch tries again. */
	return false;
}

enum fg_link packet_sockets_watch(struct packet_sockets *sockets)
{
	short flags;

	if (!flags_of(sockets, &flags) &&
	    (!sockets->bound || !follow(sockets) || !flags_of(sockets, &flags)))
		return FG_LINK_GONE;
	return (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0 ? FG_LINK_UP : FG_LINK_DOWN;
}

int packet_interface_node(const char *interface)
{
	char path[64];
	int node = SOCKET_ID_ANY;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/numa_node", interface);
	file = fopen(path, "re");
	if (file == NULL)
		return SOCKET_ID_ANY;
	if (fscanf(file, "%d", &node) != 1 || node < 0)
		node = SOCKET_ID_ANY;
	fclose(file);
	return node;
}

void packet_sockets_close(struct packet_sockets *sockets)
{
	leave_all(sockets);
	for (uint16_t queue = 0; queue < FG_SOURCE_QUEUES_MAX; queue++) {
		if (sockets->socket[queue].fd >= 0)
			close(sockets->socket[queue].fd);
		sockets->socket[queue].fd = -1;
	}
	packet_filter_free(&sockets->filter);
}

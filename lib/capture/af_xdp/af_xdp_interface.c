/* SPDX-License-Identifier: MIT */
#include "af_xdp_interface.h"

#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_common.h>

/* Make an ioctl() about interface @name. 0 or -errno. */
static int query(const char *name, unsigned long request, struct ifreq *ifr)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	if (ioctl(fd, request, ifr) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int query_ethtool(const char *name, void *command)
{
	struct ifreq ifr = {.ifr_data = command};

	return query(name, SIOCETHTOOL, &ifr);
}

int xdp_interface_find(const char *source, const char *name, struct xdp_interface *out,
		       struct fg_error *error)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq ifr = {0};
	int rc;

	/* These characters have a meaning in a vdev's arguments. */
	if (strlen(name) >= sizeof(out->name) || strpbrk(name, ",=()[]") != NULL)
		return fg_error_set(error, EINVAL,
				    "source %s: interface '%s': expected a name of up to %zu "
				    "characters, none of ,=()[]",
				    source, name, sizeof(out->name) - 1);
	*out = (struct xdp_interface){.ifindex = (int)if_nametoindex(name), .queues = 1};
	memcpy(out->name, name, strlen(name) + 1);
	rc = query(name, SIOCGIFMTU, &ifr);
	if (out->ifindex == 0 || rc != 0)
		return fg_error_set(error, ENODEV,
				    "source %s: no interface '%s' in this network namespace",
				    source, name);
	out->mtu = (uint32_t)ifr.ifr_mtu;
	if (query_ethtool(name, &channels) != 0)
		channels = (struct ethtool_channels){0};
	if (channels.combined_count > 0)
		out->queues = channels.combined_count;
	out->all_queues = RTE_MAX(out->queues, channels.combined_count + channels.rx_count);
	out->strips_tags = query_ethtool(name, &flags) == 0 && (flags.data & ETH_FLAG_RXVLAN) != 0;
	return 0;
}

enum fg_link xdp_interface_link(const struct xdp_interface *interface)
{
	struct ifreq ifr = {0};
	char name[IF_NAMESIZE];

	if (if_indextoname((unsigned int)interface->ifindex, name) == NULL)
		return errno == ENXIO || errno == ENODEV ? FG_LINK_GONE : FG_LINK_DOWN;
	if (query(name, SIOCGIFFLAGS, &ifr) != 0)
		return FG_LINK_DOWN;
	return (ifr.ifr_flags & IFF_UP) != 0 && (ifr.ifr_flags & IFF_RUNNING) != 0 ? FG_LINK_UP
										   : FG_LINK_DOWN;
}

int xdp_interface_listen_all(const struct xdp_interface *interface)
{
	const struct packet_mreq all = {.mr_ifindex = interface->ifindex,
					.mr_type = PACKET_MR_PROMISC};
	/* Protocol 0: the socket receives no packets. */
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

void xdp_descriptors_read(struct xdp_descriptors *out)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	memset(out, 0, sizeof(*out));
	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		const int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd < XDP_DESCRIPTORS_MAX && fd != dirfd(folder))
			out->open[fd / 64] |= UINT64_C(1) << (fd % 64);
	}
	closedir(folder);
}

bool xdp_socket_is(int fd, struct xdp_socket *out)
{
	int domain = 0;
	uint64_t cookie;
	socklen_t size = sizeof(domain), cookie_size = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_XDP ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &cookie_size) != 0)
		return false;
	*out = (struct xdp_socket){.fd = fd, .cookie = cookie};
	return true;
}

void xdp_socket_close(const struct xdp_socket *s)
{
	struct xdp_socket now;

	if (xdp_socket_is(s->fd, &now) && now.cookie == s->cookie)
		close(s->fd);
}

int xdp_socket_count(int fd, struct xdp_socket_counts *counts)
{
	/* Older kernels fill the first fields only; their rx_dropped includes ring_full. */
	struct xdp_statistics s = {0};
	socklen_t size = sizeof(s);

	if (getsockopt(fd, SOL_XDP, XDP_STATISTICS, &s, &size) != 0)
		return -errno;
	counts->no_buffer += s.rx_dropped;
	counts->ring_full += s.rx_ring_full;
	counts->invalid += s.rx_invalid_descs;
	return 0;
}

bool xdp_socket_zero_copy(int fd)
{
	struct xdp_options options = {0};
	socklen_t size = sizeof(options);

	return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &size) == 0 &&
	       (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

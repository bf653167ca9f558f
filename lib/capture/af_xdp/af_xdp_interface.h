/* SPDX-License-Identifier: MIT */
/* Queries to the kernel about an af_xdp source's interface and sockets. Control only. */
#ifndef CAPTURE_AF_XDP_INTERFACE_H
#define CAPTURE_AF_XDP_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

struct xdp_interface {
	char name[16];
	int ifindex;
	uint32_t mtu;
	uint32_t queues;     /* Usable by net_af_xdp: the combined ones. */
	uint32_t all_queues; /* Receive queues, with those that only receive. */
	bool strips_tags;    /* The driver may remove VLAN tags (rxvlan). */
};

/* Fill @out. 0, or -errno with @error set; -ENODEV: no interface of that name in this namespace. */
int xdp_interface_find(const char *source, const char *name, struct xdp_interface *out,
		       struct fg_error *error);

/* Its state now, found by index: the name may belong to another interface by now. */
enum fg_link xdp_interface_link(const struct xdp_interface *interface);

/*
 * Enable promiscuous mode until the returned descriptor is closed: unlike the interface's flag, it
 * ends with the process. @return the descriptor, which the caller closes, or -errno.
 */
int xdp_interface_listen_all(const struct xdp_interface *interface);

/* The open descriptors of this process. */
struct xdp_descriptors {
	uint64_t open[1024]; /* A bit per descriptor. */
};
void xdp_descriptors_read(struct xdp_descriptors *out);
#define XDP_DESCRIPTORS_MAX ((int)sizeof(((struct xdp_descriptors *)0)->open) * 8)

static inline bool xdp_descriptors_have(const struct xdp_descriptors *d, int fd)
{
	return (d->open[fd / 64] >> (fd % 64) & 1) != 0;
}

/* An AF_XDP socket that the driver has opened. */
struct xdp_socket {
	int fd;
	uint64_t cookie; /* The kernel's id of the socket: descriptor numbers are reused. */
};

/* Is @fd an AF_XDP socket? Then @out is filled. */
bool xdp_socket_is(int fd, struct xdp_socket *out);

/* Close the socket, unless it was closed already. */
void xdp_socket_close(const struct xdp_socket *s);

/* The kernel's counters of an AF_XDP socket. */
struct xdp_socket_counts {
	uint64_t no_buffer; /* Packets lost: no buffer, or longer than one. */
	uint64_t ring_full; /* Packets lost: the receive ring was full. */
	uint64_t invalid;   /* Buffers that the kernel refused. */
};

/* Add the counters of @fd to @counts. 0 or -errno. */
int xdp_socket_count(int fd, struct xdp_socket_counts *counts);

/* Does the NIC write packets to this process's memory directly (zero copy)? */
bool xdp_socket_zero_copy(int fd);

#endif /* CAPTURE_AF_XDP_INTERFACE_H */

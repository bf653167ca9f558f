/* SPDX-License-Identifier: MIT */
/* What an af_xdp source asks the kernel about its interface and its sockets. */
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
	uint32_t queues;     /* That the driver can read: those for both directions. */
	uint32_t all_queues; /* With those that only receive. */
	bool strips_tags;
};

/* 0 or -errno; -ENODEV: there is none of that name here. */
int xdp_interface_find(const char *source, const char *name, struct xdp_interface *out,
		       struct fg_error *error);

/* How it is now, found by its number: the name may be another one's. */
enum fg_link xdp_interface_link(const struct xdp_interface *interface);

/*
 * Receive what is addressed to others, until the descriptor is closed: unlike
 * a flag of the interface it goes with the process. @return it, or -errno.
 */
int xdp_interface_listen_all(const struct xdp_interface *interface);

/* The descriptors that this process has open. */
struct xdp_descriptors {
	uint64_t open[1024]; /* A bit each. */
};
void xdp_descriptors_read(struct xdp_descriptors *out);
#define XDP_DESCRIPTORS_MAX ((int)sizeof(((struct xdp_descriptors *)0)->open) * 8)

static inline bool xdp_descriptors_have(const struct xdp_descriptors *d, int fd)
{
	return (d->open[fd / 64] >> (fd % 64) & 1) != 0;
}

/* An AF_XDP socket of somebody else's in this process. */
struct xdp_socket {
	int fd;
	uint64_t cookie; /* The kernel's number for it: that of the descriptor may be used again. */
};

/* Is @fd one? Then @out is filled. */
bool xdp_socket_is(int fd, struct xdp_socket *out);

/* Close it unless that was done. */
void xdp_socket_close(const struct xdp_socket *s);

/* What the kernel counts for an AF_XDP socket. */
struct xdp_socket_counts {
	uint64_t no_buffer; /* Packets without a buffer, or longer than one. */
	uint64_t ring_full; /* Packets that found the receive ring full. */
	uint64_t invalid;   /* Buffers that the kernel would not take. */
};

/* Add those of @fd. 0 or -errno. */
int xdp_socket_count(int fd, struct xdp_socket_counts *counts);

/* Does the network card write into this process's memory itself? */
bool xdp_socket_zero_copy(int fd);

#endif /* CAPTURE_AF_XDP_INTERFACE_H */

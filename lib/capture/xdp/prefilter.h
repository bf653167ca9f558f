/* SPDX-License-Identifier: MIT */
/* What the XDP program and the process that loads it both know. */
#ifndef XDP_PREFILTER_H
#define XDP_PREFILTER_H

#include <linux/types.h>

#define XDP_PROGRAM_NAME "fg_prefilter"
#define XDP_QUEUES_MAX   1024
#define XDP_GROUPS_MAX   65536

/* A key of the map fg_groups. What is left open is zero. */
struct xdp_group {
	__u8 ip[16]; /* IPv4 in the first four bytes. */
	__be16 port;
	__u8 protocol; /* 17 or 6. */
	__u8 family;   /* 4 or 6. */
};

/* The one value of the map fg_flags: what is to be done. A shape is a kind of key that there is. */
enum xdp_flag {
	XDP_FLAG_ON = 1 << 0,          /* Off: all goes to user space. */
	XDP_FLAG_REST_KERNEL = 1 << 1, /* The rest to the kernel; else it is dropped. */
	XDP_FLAG_IP_PORT = 1 << 2,     /* Shape: all is given. */
	XDP_FLAG_IP_PROTOCOL = 1 << 3, /* Shape: address and protocol, any port. */
	XDP_FLAG_IP = 1 << 4,          /* Shape: address. */
	XDP_FLAG_PORT = 1 << 5,        /* Shape: protocol and port, any address. */
	XDP_FLAG_PROTOCOL = 1 << 6,    /* Shape: protocol, any port and address. */
	XDP_FLAG_SHAPES = 0x1f << 2,   /* All of them. */
};

/* Indexes of the map fg_counts. */
enum xdp_count {
	XDP_COUNT_USER,      /* Given to a socket. */
	XDP_COUNT_DROPPED,   /* The rest. */
	XDP_COUNT_KERNEL,    /* The rest, too. */
	XDP_COUNT_NO_SOCKET, /* No socket listens to the queue: to the kernel. */
	XDP_COUNTS,
};

#endif /* XDP_PREFILTER_H */

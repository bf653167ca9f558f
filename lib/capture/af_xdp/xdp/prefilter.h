/* SPDX-License-Identifier: MIT */
/* Shared by the XDP program and the process that loads it: maps, keys, flags. */
#ifndef XDP_PREFILTER_H
#define XDP_PREFILTER_H

#include <linux/types.h>

#define XDP_PROGRAM_NAME "fg_prefilter"
#define XDP_QUEUES_MAX   1024
#define XDP_GROUPS_MAX   65536

/* A key of the map fg_groups. A field that matches anything is zero. */
struct xdp_group {
	__u8 ip[16]; /* IPv4 in the first four bytes. */
	__be16 port;
	__u8 protocol; /* 17 or 6. */
	__u8 family;   /* 4 or 6. */
};

/*
 * The value in the map fg_flags. A "shape" flag is set if the map fg_groups has keys that specify
 * these fields and no others: it saves lookups.
 */
enum xdp_flag {
	XDP_FLAG_ON = 1 << 0,          /* Prefilter on; else everything goes to user space. */
	XDP_FLAG_REST_KERNEL = 1 << 1, /* Other packets go to the kernel; else they are dropped. */
	XDP_FLAG_IP_PORT = 1 << 2,     /* Shape: address, protocol and port. */
	XDP_FLAG_IP_PROTOCOL = 1 << 3, /* Shape: address and protocol. */
	XDP_FLAG_IP = 1 << 4,          /* Shape: address. */
	XDP_FLAG_PORT = 1 << 5,        /* Shape: protocol and port. */
	XDP_FLAG_PROTOCOL = 1 << 6,    /* Shape: protocol. */
	XDP_FLAG_SHAPES = 0x1f << 2,   /* All shapes. */
};

/* Indexes of the map fg_counts. */
enum xdp_count {
	XDP_COUNT_USER,      /* Redirected to a socket. */
	XDP_COUNT_DROPPED,   /* Rejected by the prefilter, and dropped. */
	XDP_COUNT_KERNEL,    /* Rejected by the prefilter, and passed to the kernel. */
	XDP_COUNT_NO_SOCKET, /* Passed to the kernel: no socket reads the queue. */
	XDP_COUNTS,
};

#endif /* XDP_PREFILTER_H */

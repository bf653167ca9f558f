/* SPDX-License-Identifier: MIT */
/*
 * The part of PF_RING's binary interface that feedgate uses: functions of its library, structs and
 * constants. Written from ntop's public documentation, and compared with the headers of 8.0.0,
 * 8.2.0, 8.4.0, 8.6.0, 8.6.1, 8.8.0 and of the development version 8.9.0 (October 2024): all have
 * the same 48-byte short packet header.
 */
#ifndef CAPTURE_PF_RING_ABI_H
#define CAPTURE_PF_RING_ABI_H

#include <assert.h>
#include <stdint.h>
#include <sys/time.h>

#define PF_RING_MAJOR  8  /* The only supported version. */
#define PF_RING_FAMILY 27 /* Address family of its sockets. */

/* An open ring; opaque. */
struct pf_ring_handle;

/* The kernel module writes this before each packet; fields set by PF_RING's parser are omitted. */
struct pf_ring_header {
	struct timeval ts;     /* Kernel's clock. */
	uint32_t caplen;       /* Bytes in the ring. */
	uint32_t len;          /* Bytes on the wire. */
	uint64_t timestamp_ns; /* The NIC's timestamp if it makes any, else the kernel's. */
	uint32_t flags;
	uint8_t rx_direction;
	uint8_t port_id;
	uint16_t device_id;
	int32_t if_index;
	uint32_t pkt_hash;
};
static_assert(sizeof(struct pf_ring_header) == 48, "as the kernel module writes it");

/* Counters of a ring since it was opened. */
struct pf_ring_stat {
	uint64_t recv;
	uint64_t drop;
	uint64_t shunt;
};

/* Flags of pfring_open(). */
#define PF_RING_PROMISC   (1u << 3)
#define PF_RING_TIMESTAMP (1u << 4)

#define PF_RING_RX_ONLY 1 /* pfring_set_direction() */

/* Socket options, level 0. */
#define PF_RING_SO_DEACTIVATE 116

/* The library's functions, with its declarations except for type names. */
struct pf_ring_functions {
	struct pf_ring_handle *(*open)(const char *device, uint32_t caplen, uint32_t flags);
	void (*close)(struct pf_ring_handle *ring);
	void (*version_noring)(uint32_t *version);
	int (*version)(struct pf_ring_handle *ring, uint32_t *version);
	uint16_t (*get_slot_header_len)(struct pf_ring_handle *ring);
	int (*get_selectable_fd)(struct pf_ring_handle *ring);
	int (*set_direction)(struct pf_ring_handle *ring, int direction);
	int (*set_poll_watermark)(struct pf_ring_handle *ring, uint16_t packets);
	int (*set_cluster)(struct pf_ring_handle *ring, unsigned int id, int type);
	int (*remove_from_cluster)(struct pf_ring_handle *ring);
	int (*enable_ring)(struct pf_ring_handle *ring);
	int (*disable_ring)(struct pf_ring_handle *ring);
	int (*recv)(struct pf_ring_handle *ring, uint8_t **data, unsigned int room,
		    struct pf_ring_header *header, uint8_t wait);
	int (*stats)(struct pf_ring_handle *ring, struct pf_ring_stat *stat);

	/* Not in every version: may be NULL. */
	int (*set_application_name)(struct pf_ring_handle *ring, char *name);
	int (*set_cluster_consumer)(struct pf_ring_handle *ring, uint16_t id, uint16_t queue,
				    int type, uint32_t options);
};

/* Their names, without "pfring_". */
#define PF_RING_NEEDED(X)                                                                          \
	X(open)                                                                                    \
	X(close)                                                                                   \
	X(version_noring)                                                                          \
	X(version)                                                                                 \
	X(get_slot_header_len)                                                                     \
	X(get_selectable_fd)                                                                       \
	X(set_direction)                                                                           \
	X(set_poll_watermark)                                                                      \
	X(set_cluster)                                                                             \
	X(remove_from_cluster)                                                                     \
	X(enable_ring)                                                                             \
	X(disable_ring)                                                                            \
	X(recv)                                                                                    \
	X(stats)
#define PF_RING_OPTIONAL(X)                                                                        \
	X(set_application_name)                                                                    \
	X(set_cluster_consumer)

#endif /* CAPTURE_PF_RING_ABI_H */

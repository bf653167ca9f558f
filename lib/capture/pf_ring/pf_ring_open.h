/* SPDX-License-Identifier: MIT */
/* Opens rings on a network interface, and watches the interface. Control only. */
#ifndef CAPTURE_PF_RING_OPEN_H
#define CAPTURE_PF_RING_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#include "packet_socket/packet_filter.h"
#include "pf_ring_lib.h"

struct pf_ring_conf {
	char *interface;
	bool promiscuous;
	char *filter;
	uint64_t caplen; /* Bytes; 0: as the MTU needs. */
	uint64_t cluster_id;
	uint64_t cluster_mode;
	char *library;
};

/* Names of cluster modes, NULL-terminated. */
extern const char *const pf_ring_cluster_modes[];

/* State needed to open a source's rings. */
struct pf_ring_opener {
	const char *source; /* Name of the source, for messages. */
	const struct pf_ring_conf *conf;
	struct pf_ring_lib *lib;
	uint32_t caplen;
	uint16_t n_queues;
	uint32_t cluster; /* Number in use, or the next to try; 0: none. */
	int ifindex;      /* Of the interface that the rings were opened on. */
	int control;      /* Socket for ioctl(). */
	struct packet_filter filter;
};

/*
 * Check the interface, and set caplen, cluster and filter. The caller has set the other fields.
 * 0, or -errno with @error set and nothing left to free.
 */
int pf_ring_opener_init(struct pf_ring_opener *opener, struct fg_error *error);

void pf_ring_opener_free(struct pf_ring_opener *opener);

/*
 * Open a ring for each queue, on the interface that now has the name. They receive nothing before
 * they are enabled. 0, or -errno with @error set and none open.
 */
int pf_ring_open_rings(struct pf_ring_opener *opener, struct pf_ring_handle **rings,
		       struct fg_error *error);

/* Stop a ring; packets in it stay readable. */
void pf_ring_halt(const struct pf_ring_opener *opener, struct pf_ring_handle *ring);

/* The same for a ring whose interface was removed. */
void pf_ring_detach(const struct pf_ring_opener *opener, struct pf_ring_handle *ring);

/* Close a ring, after removing it from its cluster. NULL is allowed. */
void pf_ring_close_ring(const struct pf_ring_opener *opener, struct pf_ring_handle *ring);

/* State of the interface that the rings were opened on. */
enum fg_link pf_ring_link(const struct pf_ring_opener *opener);

/* Is there an interface of that name, and is it up? Then rings can be opened. */
bool pf_ring_can_open(const struct pf_ring_opener *opener);

#endif /* CAPTURE_PF_RING_OPEN_H */

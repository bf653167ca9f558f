/* SPDX-License-Identifier: MIT */
/* Opening rings on a network interface, and looking after that interface. */
#ifndef CAPTURE_PF_RING_OPEN_H
#define CAPTURE_PF_RING_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#include "packet_socket.h"
#include "pf_ring_lib.h"

struct pf_ring_conf {
	char *interface;
	bool promiscuous;
	char *filter;
	uint64_t caplen; /* Bytes; 0: what the MTU needs. */
	uint64_t cluster_id;
	uint64_t cluster_mode;
	char *library;
};

extern const char *const pf_ring_cluster_modes[];

/* What it takes to open a source's rings. */
struct pf_ring_opener {
	const char *source; /* Its name, for messages. */
	const struct pf_ring_conf *conf;
	struct pf_ring_lib *lib;
	uint32_t caplen;
	uint16_t n_queues;
	uint32_t cluster; /* In use, or to try next; 0: none. */
	int ifindex;      /* Of the interface the rings were opened on. */
	int control;      /* A socket to ask the kernel by. */
	struct sock_filter *filter;
	uint16_t filter_length;
};

/*
 * See that the interface is there and can be captured from, and make ready: ifindex, caplen,
 * filter. 0, or -errno with error set and nothing left.
 */
int pf_ring_opener_init(struct pf_ring_opener *opener, struct fg_error *error);

void pf_ring_opener_free(struct pf_ring_opener *opener);

/*
 * Open a ring for each queue, on the interface that has the name now; they receive nothing
 * before they are enabled. 0, or -errno with error set and none open.
 */
int pf_ring_open_rings(struct pf_ring_opener *opener, struct pf_ring_handle **rings,
		       struct fg_error *error);

/* Let no more packets into a ring; what it holds can be read. */
void pf_ring_halt(const struct pf_ring_opener *opener, struct pf_ring_handle *ring);

/* The same for a ring of an interface that is gone. */
void pf_ring_detach(const struct pf_ring_opener *opener, struct pf_ring_handle *ring);

/* Close a ring, out of its cluster first. */
void pf_ring_close_ring(const struct pf_ring_opener *opener, struct pf_ring_handle *ring);

/* How the interface is that the rings are on. */
enum fg_link pf_ring_link(const struct pf_ring_opener *opener);

/* Is there an interface of the name, and up: could rings be opened? */
bool pf_ring_can_open(const struct pf_ring_opener *opener);

#endif /* CAPTURE_PF_RING_OPEN_H */

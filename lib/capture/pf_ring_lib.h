/* SPDX-License-Identifier: MIT */
/* PF_RING's library, opened at run time: the program neither needs it to build nor to start. */
#ifndef CAPTURE_PF_RING_LIB_H
#define CAPTURE_PF_RING_LIB_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

#include "pf_ring_abi.h"

#define PF_RING_COMPANIONS 3

struct pf_ring_lib {
	void *handle;
	void *companions[PF_RING_COMPANIONS]; /* Libraries that it leaves to us to bring. */
	uint32_t version;                     /* 0x080900: 8.9.0 */
	struct pf_ring_functions call;
};

/*
 * Open it and see that it is a version that is known.
 * @path  As dlopen() takes it; empty: the names it goes by.
 * 0, or -errno with error set and nothing open: -ENOENT not there or no library, -ENOTSUP not
 * PF_RING's or of another version.
 */
int pf_ring_lib_open(struct pf_ring_lib *lib, const char *path, struct fg_error *error);

/* Close it; allowed on a zeroed one. */
void pf_ring_lib_close(struct pf_ring_lib *lib);

/* Is the kernel module there, and may this process open a ring? 0, or -errno with error set. */
int pf_ring_kernel_probe(struct fg_error *error);

/* Was the module told to let only one CPU at a time write to a ring? */
bool pf_ring_kernel_locks(void);

/* Was the module told to leave out the VLAN tags that the kernel or the NIC took off? */
bool pf_ring_kernel_drops_tags(void);

#endif /* CAPTURE_PF_RING_LIB_H */
